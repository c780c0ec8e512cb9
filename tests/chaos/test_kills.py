"""The portal is killed at random moments of whatever it does, and keeps what it promised."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.chaos.acts import ACTS
from tests.chaos.forking import forker
from tests.chaos.world import World
from tests.harness.aws import ENVIRONMENT, REGION, ROLE, Aws
from tests.installation import CONTENTS
from tests.serving import environment

KILLS = int(os.environ.get("KILLS", "200"))


@pytest.fixture
def database() -> str:
    return "sqlite"  # the servers read the same files as we do


@pytest.fixture
def world(portal, present, acme, portal_with, aws: Aws, tmp_path: Path) -> Iterator[World]:
    """Acme in an installation with two stores. What it loses of its files is put back."""
    files = {path: path.read_bytes() for path in portal.settings.instance.glob("blobs/*/?/?/*")}
    bucket = aws.create_bucket(f"chaos-{os.getpid()}-{len(aws.policies)}")
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
            environment(portal.settings, **names, **ENVIRONMENT),
            Random(seed),  # noqa: S311
        )
        world.sent |= {hashlib.sha256(content).hexdigest() for *_, content in CONTENTS.values()}
        yield world
    acme.portal = portal
    for path, content in files.items():
        path.write_bytes(content)


def run(world: World, kills: int) -> None:
    """So many acts, each kind as often as any other; all is checked after each."""
    world.serve()
    for name in ("one", "other"):
        content = world.content(1000)
        document = world.organisation.visit("member").upload(name, content).json["id"]
        world.promise(document, content)
    acts = list(ACTS)
    for number in range(kills):
        if number % len(acts) == 0:
            world.random.shuffle(acts)
        act = acts[number % len(acts)]
        world.serve()
        try:
            act(world)
            world.check()
            if number % 5 == 4:
                world.sweep()
        except AssertionError as error:
            error.add_note(f"after {act.__name__}, kill {number + 1}")
            raise
    world.sweep()
    world.check(everything=True)


def test_ten_kills_lose_nothing(world) -> None:
    run(world, 10)


@pytest.mark.chaos
def test_many_kills_lose_nothing(world) -> None:
    """`KILLS` of them; `SEED` chooses the same acts and, as far as the machine lets it, moments."""
    run(world, KILLS)
    assert len(world.promised) > KILLS // 20, "hardly anything was acknowledged: nothing was tried"
