"""The schema that migrations make is the one that the models describe, and it can be taken back."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url

from portal.core.db import Base
from portal.tenancy import migrations, schema
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.placement import system_engine, url_for
from tests.conftest import on_sqlite
from tests.installation import APP_ROLE, OWNER


def owned_by(lane: str, name: str | None) -> bool:
    return (name in GLOBAL_TABLES) is (lane == "control") and name in Base.metadata.tables


@pytest.mark.parametrize("lane", migrations.LANES)
def test_migrations_make_what_the_models_say(portal, acme, lane) -> None:
    owner = make_url(portal.settings.owner_database_url)
    engine = system_engine(owner if lane == "control" else url_for(acme.record, owner))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "compare_server_default": True,
                    "version_table": f"schema_version_{lane}",
                    "include_name": lambda name, kind, _parents: (
                        kind != "table" or owned_by(lane, name)
                    ),
                    "include_object": lambda thing, name, kind, _is_reflected, _other: (
                        kind != "table" or owned_by(lane, name)
                    ),
                },
            )
            assert compare_metadata(context, Base.metadata) == []
    finally:
        engine.dispose()


@pytest.mark.parametrize("lane", migrations.LANES)
def test_revisions_form_one_line(lane) -> None:
    script = ScriptDirectory.from_config(migrations._config(lane))
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert revision.doc
        assert hasattr(revision.module, "downgrade")


@pytest.fixture
def empty(database, tmp_path, request):
    """The owner's address of a database with nothing in it."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'control.db'}"
        return
    server = request.getfixturevalue("postgresql")
    yield server.create_database("migrated", owner=OWNER)
    server.drop_database("migrated")


def tables_in(url: str) -> set[str]:
    engine = system_engine(url)
    try:
        with engine.connect() as connection:
            return set(inspect(connection).get_table_names()) - schema.VERSION_TABLES
    finally:
        engine.dispose()


def downgrade(url: str, lane: str) -> None:
    engine = system_engine(url)
    try:
        with engine.connect() as connection:
            config = migrations._config(lane)
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
            connection.commit()
    finally:
        engine.dispose()


def test_what_was_made_can_be_taken_back_and_made_again(empty) -> None:
    lanes = migrations.lanes_of(make_url(empty), is_main=True)
    migrations.upgrade_main(empty, APP_ROLE)
    made = tables_in(empty)
    assert made >= GLOBAL_TABLES
    for lane in reversed(lanes):
        downgrade(empty, lane)
    assert tables_in(empty) == set()
    migrations.upgrade_main(empty, APP_ROLE)
    assert tables_in(empty) == made


@on_sqlite
def test_a_tenants_lane_can_be_taken_back_too(empty) -> None:
    migrations._upgrade(make_url(empty), ("tenant",), APP_ROLE)
    assert len(tables_in(empty)) >= 13
    downgrade(empty, "tenant")
    assert tables_in(empty) == set()
