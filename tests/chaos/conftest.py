"""A world that is killed, in an installation that all tests share: what it loses is put back."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.chaos.forking import forker
from tests.chaos.world import World
from tests.harness.aws import ENVIRONMENT, REGION, ROLE, Aws
from tests.installation import CONTENTS
from tests.serving import environment


@pytest.fixture
def world(portal, present, clock, acme, portal_with, aws: Aws, tmp_path: Path) -> Iterator[World]:
    """Acme in an installation with two stores. What it loses of its files is put back."""
    files = {path: path.read_bytes() for path in portal.settings.instance.glob("blobs/*/?/?/*")}
    bucket = aws.create_bucket()
    given = {
        "blobs": f"local s3://{bucket}/portal",
        "s3_endpoint": aws.endpoint,
        "s3_region": REGION,
        "s3_role_arn": ROLE,
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
