"""The worlds, each made once a run and left as it was found."""

from collections.abc import Callable, Iterator

import pytest

from tests.harness.postgres import PostgresServer, postgres_server
from tests.isolation.rows import import_all_models
from tests.isolation.worlds import APP_ROLE, WORLDS, World, postgres_world, sqlite_world

import_all_models()


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        server.create_role(APP_ROLE)
        yield server


@pytest.fixture(scope="session")
def world_of(request, tmp_path_factory) -> Iterator[Callable[[str], World]]:
    """The world of a name; PostgreSQL is started by the first that needs it."""
    made: dict[str, World] = {}

    def find(name: str) -> World:
        if name not in made:
            if name.startswith("sqlite"):
                made[name] = sqlite_world(name, tmp_path_factory.mktemp(name))
            else:
                made[name] = postgres_world(name, request.getfixturevalue("server"))
        return made[name]

    yield find
    for world in made.values():
        world.close()


@pytest.fixture(params=WORLDS)
def world(request, world_of) -> World:
    """Each of the worlds in turn."""
    return world_of(request.param)


@pytest.fixture
def alone(world, world_of) -> World:
    """The database of the same kind that holds the bound tenant's rows and nothing else."""
    return world_of(f"{world.dialect}-alone")
