"""The worlds, each made once a run and left as it was found."""

from collections.abc import Callable, Iterator

import pytest

from tests.harness.postgres import PostgresServer
from tests.isolation.rows import import_all_models
from tests.isolation.shapes import UNTRIED, Judge
from tests.isolation.worlds import (
    APP_ROLE,
    WORLDS,
    World,
    postgres_world,
    share_compiler,
    sqlite_world,
)

import_all_models()


@pytest.fixture(scope="session")
def server(postgresql) -> PostgresServer:
    """That of the run, with a role of these worlds' own."""
    postgresql.create_role(APP_ROLE)
    return postgresql


@pytest.fixture(scope="session")
def world_of(server, tmp_path_factory) -> Iterator[Callable[[str], World]]:
    """The world of a name, made when it is first asked for."""
    made: dict[str, World] = {}

    def find(name: str) -> World:
        if name not in made:
            if name.startswith("sqlite"):
                world = sqlite_world(name, tmp_path_factory.mktemp(name))
            else:
                world = postgres_world(name, server)
            for other in made.values():
                if (other.dialect, other.has_filter) == (world.dialect, world.has_filter):
                    share_compiler(world.engine, other.engine)
            world.remember()
            made[name] = world
        return made[name]

    yield find
    for world in made.values():
        before = world.before
        world.remember()
        assert world.before == before, f"a test has left something behind in {world}"
        world.close()


@pytest.fixture
def world(request, world_of) -> World:
    """Each of the worlds in turn."""
    return world_of(request.param)


@pytest.fixture
def guarded(request, world_of) -> World:
    """Each of the worlds that have the query filter."""
    return world_of(request.param)


@pytest.fixture
def alone(world, world_of) -> World:
    """The database of the same kind that holds the bound tenant's rows and nothing else."""
    return world_of(f"{world.dialect}-alone")


@pytest.fixture(scope="session")
def judge() -> Judge:
    return Judge()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a `world` is run in each of them.

    One that also asks for `tried` gets every shape of its module, in every world it is meant for.
    """
    if "tried" in metafunc.fixturenames:
        pairs = [
            (name, shape)
            for shape in metafunc.module.shape
            for name in WORLDS
            if shape.expected(name) != UNTRIED
        ]
        ids = [f"{name}-{shape}" for name, shape in pairs]
        metafunc.parametrize(("world", "tried"), pairs, indirect=["world"], ids=ids)
    elif "world" in metafunc.fixturenames:
        metafunc.parametrize("world", WORLDS, indirect=True)
    elif "guarded" in metafunc.fixturenames:
        names = [name for name in WORLDS if not name.endswith("wall")]
        metafunc.parametrize("guarded", names, indirect=True)
