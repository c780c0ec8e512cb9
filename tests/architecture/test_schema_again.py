"""The schema is the same however it came about: new, or taken back and made again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, make_url, text

from portal.core.db import Base
from portal.tenancy import migrations, schema
from portal.tenancy.guard import tenant_tables
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.placement import system_engine
from tests.conftest import on_postgresql
from tests.installation import APP_ROLE, LOG, OWNER

EVERYTHING_IN_POSTGRESQL = """
    SELECT 'column', table_name, column_name, data_type, is_nullable, column_default,
           character_maximum_length::text
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid),
           '', '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '', ''
    FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'policy', tablename, policyname, cmd, qual, with_check, permissive
    FROM pg_policies
    UNION ALL SELECT 'wall', relname, relrowsecurity::text, relforcerowsecurity::text, '', '', ''
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    UNION ALL SELECT 'grant', table_name, grantee, privilege_type, '', '', ''
    FROM information_schema.role_table_grants WHERE table_schema = 'public'
    ORDER BY 1, 2, 3, 4
"""


@pytest.fixture
def owner_url(database, tmp_path, request) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'all.db'}"
        return
    server = request.getfixturevalue("postgresql")
    yield server.create_database("made_again", owner=OWNER)
    server.drop_database("made_again")


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = system_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def upgrade(url: str) -> None:
    """Both lanes, in one database on SQLite too: so that one comparison sees all tables."""
    migrations._upgrade(make_url(url), migrations.LANES, APP_ROLE)


def downgrade(url: str) -> None:
    with connected(url) as connection:
        for lane in reversed(migrations.LANES):
            config = migrations._config(lane)
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        connection.commit()


def everything(url: str) -> list[tuple[Any, ...]]:
    with connected(url) as connection:
        if connection.dialect.name == "postgresql":
            return [tuple(row) for row in connection.execute(text(EVERYTHING_IN_POSTGRESQL))]
        found = connection.execute(text("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2"))
        return [(kind, name, _in_any_order(sql)) for kind, name, sql in found]


def _in_any_order(sql: str | None) -> tuple[str, ...]:
    """A table's columns and constraints: one that was made anew has them in another order."""
    return tuple(sorted(line.strip(" \t,") for line in (sql or "").splitlines()))


def differences(url: str) -> list[Any]:
    """What Alembic would still change to come to the models."""
    with connected(url) as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": _is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or name not in schema.VERSION_TABLES


def test_the_migrations_equal_the_models_and_come_and_go_without_a_trace(owner_url) -> None:
    upgrade(owner_url)
    made = everything(owner_url)
    assert differences(owner_url) == []
    downgrade(owner_url)
    left = {row[1] for row in everything(owner_url)}
    assert [name for name in left if "schema_version" not in name] == []
    upgrade(owner_url)
    assert everything(owner_url) == made
    assert differences(owner_url) == []
    with connected(owner_url) as connection:
        schema.check_catalogue(connection)


def test_checks_and_defaults_which_alembic_does_not_compare_are_the_models_too(owner_url) -> None:
    upgrade(owner_url)
    with connected(owner_url) as connection:
        dialect = connection.dialect.name
        if dialect == "postgresql":
            found = connection.execute(text(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c'"
                " AND connamespace = 'public'::regnamespace"
            ))  # fmt: skip
            checks = {tuple(row) for row in found}
        else:
            rows = connection.execute(
                text("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            )
            made = dict(rows.all())
            checks = {
                (table, word)
                for table, sql in made.items()
                for word in sql.replace("(", " ").split()
                if word.startswith("ck_")
            }
    wanted = {
        (table.name, constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and constraint.name
    }
    assert checks == wanted
    assert wanted


@on_postgresql
def test_the_portals_role_gets_what_it_needs_and_no_more(postgresql, owner_url) -> None:
    upgrade(owner_url)
    granted: dict[str, set[str]] = {}
    for kind, table, grantee, privilege, *_ in everything(owner_url):
        if (kind, grantee) == ("grant", APP_ROLE):
            granted.setdefault(table, set()).add(privilege)
    wanted = {table: {"SELECT"} for table in (*GLOBAL_TABLES, *schema.VERSION_TABLES)}
    wanted |= {table.name: {"SELECT", "INSERT", "UPDATE", "DELETE"} for table in tenant_tables()}
    wanted |= {table: {"SELECT", "INSERT"} for table in (*LOG, "known_checkpoint")}
    wanted["audit_aside"] = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert granted == wanted
    with connected(postgresql.url("made_again", APP_ROLE)) as connection:
        for may in (
            "has_schema_privilege('public', 'CREATE')",
            "has_database_privilege(current_database(), 'CREATE')",
        ):
            assert not connection.execute(text(f"SELECT {may}")).scalar_one(), may
