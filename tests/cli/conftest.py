"""Installations of their own, each with an operator at its command line."""

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from portal.tenancy import migrations
from tests.cli.operators import Done, Operator, run_in
from tests.conftest import settings_for
from tests.harness.postgres import PostgresServer
from tests.installation import APP_ROLE, OWNER

TEMPLATE = "commands"
numbers = count(1)


@pytest.fixture(scope="session")
def template(postgresql) -> str:
    """A database with the newest schema and nothing in it, to copy from."""
    migrations.upgrade_main(postgresql.create_database(TEMPLATE, owner=OWNER), APP_ROLE)
    return TEMPLATE


def on_postgresql_server(server: PostgresServer, folder: Path, template: str | None) -> Operator:
    name = f"{TEMPLATE}_{next(numbers)}"
    owner_url = server.create_database(name, template, owner=OWNER)
    chosen = settings_for(
        folder, database_url=server.url(name, APP_ROLE), owner_database_url=owner_url
    )
    return Operator(chosen)


@pytest.fixture
def blank(request, database, tmp_path) -> Operator:
    """Nothing is set up yet."""
    if database == "sqlite":
        return Operator(settings_for(tmp_path / "instance"))
    return on_postgresql_server(request.getfixturevalue("postgresql"), tmp_path / "instance", None)


@pytest.fixture
def operator(request, database, tmp_path) -> Operator:
    """The schema is made, and there are no tenants."""
    if database == "sqlite":
        operator = Operator(settings_for(tmp_path / "instance"))
        operator.do("db", "upgrade")
        return operator
    template, server = map(request.getfixturevalue, ("template", "postgresql"))
    return on_postgresql_server(server, tmp_path / "instance", template)


@pytest.fixture
def of() -> Callable[..., Operator]:
    """The operator of an installation that is there already."""
    return lambda portal, **more: Operator(portal.settings, **more)


def one_line(said: Done) -> str:
    """The one line that a command which failed has said."""
    [line] = said.err.splitlines()
    assert line.startswith("portal: ")
    return line


def instance_of(env: dict[str, str]) -> Path:
    """The instance folder that an environment names."""
    return Path(env["PORTAL_INSTANCE"])


@pytest.fixture
def nothing_yet(blank) -> dict[str, str]:
    """The environment of an installation that is still to be made."""
    return blank.environment


@pytest.fixture
def run_with() -> Callable[..., Done]:
    """Run a command in an environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return lambda env, *words: run_in(own | env, *words)


@pytest.fixture
def run(portal) -> Callable[..., Done]:
    """Run a command on the installation that there is, with more variables."""
    return Operator(portal.settings)
