"""The portal on SQLite and on PostgreSQL, two organisations with their people, and a clock.

Every test that asks for `portal`, `acme` or `globex` runs on both databases; `on_sqlite` and
`on_postgresql` are for those that can differ on one of them only.
"""

import gc
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser

from portal.core import clock as portal_clock
from portal.core.settings import Settings
from portal.tenancy import migrations
from tests.founding import found_organisation
from tests.harness.aws import ENVIRONMENT, Aws, aws_server
from tests.harness.browser import browser
from tests.harness.memory import place_in_memory
from tests.harness.postgres import PostgresServer, postgres_server
from tests.harness.softhsm import SoftHsm, softhsm_token
from tests.harness.valkey import ValkeyServer, valkey_server
from tests.harness.vault import Vault, vault_server
from tests.installation import APP_ROLE, OWNER, Installation, Organisation
from tests.schemas import Upgrade, copied_schemas
from tests.snapshots import PostgresSnapshot, SqliteSnapshot

hypothesis.settings.register_profile("whatever the machine's pace", deadline=None)
hypothesis.settings.load_profile("whatever the machine's pace")


def pytest_configure() -> None:
    """Have pytest make its folders in memory: by the thousand, commits would wait for a disk."""
    if place := place_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores, as some tests wait; no more than four, as each has databases
    of its own.
    """
    return min(4, (os.cpu_count() or 1) + 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the one that takes a minute: at the end, all other processes would wait for it."""
    items.sort(key=lambda item: "the_operators_commands" not in item.name)


def pytest_collection_finish() -> None:
    """What stands by now stays: it need not be looked through for garbage again and again. Nor need
    the thousands of statements that are compiled be visited often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class Clock:
    """The portal's clock. It goes on by itself, and can be put forward."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def go_to(self, at: datetime) -> None:
        self.offset = at - datetime.now(UTC)

    def advance(self, **duration: float) -> None:
        self.offset += timedelta(**duration)

    def now(self, zone: tzinfo | None = None) -> datetime:
        return datetime.now(zone) + self.offset


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """Stands under `portal.core.clock`, which is everybody's source of time."""
    clock = Clock()
    monkeypatch.setattr(portal_clock, "datetime", clock)
    return clock


@pytest.fixture(scope="session", autouse=True)
def schemas() -> Iterator[Upgrade]:
    """Hundreds of tenants are created in a run, by all migrations each."""
    with copied_schemas() as upgrade:
        yield upgrade


@pytest.fixture
def schemas_made_anew(schemas, monkeypatch) -> None:
    """No schema is copied: for who looks at how one is made."""
    monkeypatch.setattr(migrations, "upgrade_tenant", schemas)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one browser of the run: Playwright can't be started twice in a process."""
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """A server with the two roles of an installation."""
    with postgres_server() as server:
        server.create_role(OWNER)
        server.create_role(APP_ROLE)
        with server.connect() as connection:
            connection.execute(f"ALTER ROLE {OWNER} CREATEDB")
        yield server


@pytest.fixture(scope="session")
def running_valkey() -> Iterator[ValkeyServer]:
    """The one server of the run, which nobody stops."""
    with valkey_server() as server:
        yield server


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """The one stand-in for AWS of the run, with credentials for it in the environment."""
    with aws_server() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory) -> Iterator[SoftHsm]:
    """The one hardware module of the run, in software."""
    with softhsm_token(tmp_path_factory.mktemp("softhsm")) as token:
        yield token


@pytest.fixture(scope="session")
def vault() -> Iterator[Vault]:
    """The one stand-in for Vault of the run."""
    with vault_server() as server:
        yield server


@pytest.fixture
def valkey(running_valkey) -> ValkeyServer:
    """A server that holds nothing yet."""
    running_valkey.client().flushall()
    return running_valkey


def settings_for(instance: Path, **given: object) -> Settings:
    """Settings of an installation in the folder `instance`, with password hashes made cheap."""
    url = f"sqlite:///{instance / 'control.db'}"
    values: dict[str, object] = {
        "instance": instance,
        "url": "http://localhost:8000",
        "database_url": url,
        "owner_database_url": url,
        "secret_key": "",
        "password_time_cost": 1,
        "password_memory_kib": 8,
        "requests_per_minute": 1_000_000,
    }
    return Settings(**(values | given))


@pytest.fixture(scope="session")
def installation_on(request, tmp_path_factory) -> Iterator[Callable[[str], Installation]]:
    """The installation on a database, made by the first test that needs it."""
    made: dict[str, Installation] = {}
    failed: dict[str, Exception] = {}

    def make(database: str) -> Installation:
        folder = tmp_path_factory.mktemp(database)
        if database == "sqlite":
            return Installation(database, settings_for(folder), SqliteSnapshot, found_organisation)
        server = request.getfixturevalue("postgresql")
        chosen = settings_for(
            folder,
            database_url=server.url("flows", APP_ROLE),
            owner_database_url=server.create_database("flows", owner=OWNER),
        )
        snapshot = partial(PostgresSnapshot, server=server)
        return Installation(database, chosen, snapshot, found_organisation)

    def find(database: str) -> Installation:
        if database in failed:
            pytest.fail(f"the portal could not be set up: {failed[database]}", pytrace=False)
        if database not in made:
            try:
                made[database] = make(database)
            except Exception as error:
                failed[database] = error
                raise
        return made[database]

    yield find
    for installation in made.values():
        installation.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request) -> str:
    return request.param


@pytest.fixture
def portal(database, installation_on, clock) -> Installation:
    """The portal as it was made, at the moment when it was made."""
    portal = installation_on(database)
    portal.reset()
    portal.activate()
    clock.go_to(portal.seeded_at)
    return portal


@pytest.fixture
def present(portal, clock) -> None:
    """The portal in the present, in which providers and processes of their own live. It was made
    a while ago, how long depends on the machine: whoever was signed in is so anew.
    """
    clock.go_to(datetime.now(UTC))
    portal.renew_sessions()


@pytest.fixture
def acme(portal) -> Organisation:
    return portal.organisations["acme"]


@pytest.fixture
def globex(portal) -> Organisation:
    return portal.organisations["globex"]


@pytest.fixture
def portal_with(portal) -> Iterator[Callable[..., Installation]]:
    """The same portal in a process with other settings."""
    made: list[Installation] = []

    def start(**given: object) -> Installation:
        other = portal.with_settings(**given)
        made.append(other)
        return other

    yield start
    for other in made:
        other.close_engines()
    portal.activate()


on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
