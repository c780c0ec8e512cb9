"""A world that is killed, in an installation that all tests share: what it loses is put back."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.chaos.forking import forker
from tests.chaos.world import World
from tests.founding import CONTENTS
from tests.harness.aws import ENVIRONMENT, REGION, ROLE, Aws
from tests.harness.vault import Vault
from tests.keys.holders import destroy_elsewhere, kms_settings
from tests.serving import environment


@pytest.fixture
def world(
    portal, present, clock, acme, portal_with, aws: Aws, vault: Vault, tmp_path: Path
) -> Iterator[World]:
    """Acme in an installation with two stores and three holders of root keys.

    What it loses of its files is put back.
    """
    instance = portal.settings.instance
    lost = (*instance.glob("blobs/*/?/?/*"), instance / "keys.json")
    files = {path: path.read_bytes() for path in lost}
    bucket = aws.create_bucket()
    given = {
        "blobs": f"local s3://{bucket}/portal",
        "s3_endpoint": aws.endpoint,
        "s3_region": REGION,
        "s3_role_arn": ROLE,
        **kms_settings(aws),
        **vault.settings,
    }
    acme.portal = portal_with(**given)
    names = {f"PORTAL_{name.upper()}": value for name, value in given.items()}
    seed = int(os.environ.get("SEED") or int.from_bytes(os.urandom(4)))
    print(f"SEED={seed}")
    with forker(tmp_path / "log") as forks:
        world = World(
            acme.portal,
            acme,
            forks,
            environment(portal.settings, **names, **ENVIRONMENT, TMPDIR=str(tmp_path)),
            Random(seed),  # noqa: S311
            clock,
            tmp_path,
        )
        world.sent |= {hashlib.sha256(content).hexdigest() for *_, content in CONTENTS.values()}
        yield world
    acme.portal = portal
    for path, content in files.items():
        path.write_bytes(content)
    destroy_elsewhere(portal.settings, given, [acme.id])
