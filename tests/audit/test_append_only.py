"""What is written is written: the database itself refuses to change or delete an entry."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import delete, insert, make_url, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from portal.audit.models import AuditEntry
from portal.cli.keeping_log import keep_logs
from portal.tenancy.errors import UnguardedSQL
from portal.tenancy.placement import url_for
from portal.tenancy.session import db
from tests.audit.reading import entry, write
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import APP_ROLE, LOG, Organisation

RAW = [
    "UPDATE audit_entry SET outcome = 'success'",
    "UPDATE audit_entry SET told = '{}' WHERE action = 'tenant.created'",
    "DELETE FROM audit_entry",
    "DELETE FROM audit_entry WHERE action = 'tenant.created'",
]


@pytest.fixture
def log(acme) -> Iterator[list[object]]:
    """The whole log, which is the same afterwards."""
    before = acme.portal.dump()["audit_entry"]
    assert len(before) > 40
    yield before
    assert acme.portal.dump()["audit_entry"] == before


@contextmanager
def raw_connection(acme: Organisation) -> Iterator[object]:
    """The tenant's database as the portal's own rights open it, past everything of the portal."""
    settings = acme.portal.settings
    main = make_url(settings.database_url)
    if acme.portal.name == "sqlite":
        file = url_for(acme.record, main).database.removeprefix("file:")
        with closing(sqlite3.connect(file)) as connection:
            yield connection
    else:
        own = main.set(drivername="postgresql").render_as_string(hide_password=False)
        with closing(psycopg.connect(own)) as connection:
            connection.execute(f"SET app.tenant_id = '{acme.id}'")
            [(user, seen)] = connection.execute("SELECT current_user, count(*) FROM audit_entry")
            assert user == APP_ROLE
            assert seen > 20, "it reads what it can't change"
            yield connection


@pytest.mark.parametrize("statement", RAW)
def test_the_database_refuses_to_change_or_delete_an_entry(acme, log, statement) -> None:
    with raw_connection(acme) as connection:
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.InsufficientPrivilege)):
            connection.execute(statement)
        connection.rollback()


def test_nor_what_proves_the_log(acme) -> None:
    """Leaves, nodes and checkpoints, and what the main database knows of them."""
    with acme.portal.app.app_context():
        write(acme, *(entry() for _ in range(256)))
        for _ in range(2):
            keep_logs()
    kept = acme.portal.dump()
    for table in LOG - {"audit_aside", "audit_pruning"}:
        assert kept[table]
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            with raw_connection(acme) as connection:
                with pytest.raises((sqlite3.IntegrityError, psycopg.errors.InsufficientPrivilege)):
                    connection.execute(statement)
                connection.rollback()
    with acme.portal.app.app_context(), acme.bound():
        for statement in ("UPDATE known_checkpoint SET size = 0", "DELETE FROM known_checkpoint"):
            with db.engine.connect() as connection, pytest.raises(DBAPIError):
                connection.execute(text(statement))
    assert acme.portal.dump() == kept


@on_postgresql
@pytest.mark.parametrize(
    "statement",
    ["TRUNCATE audit_entry", "ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY",
     "DROP TABLE audit_entry", "SELECT * FROM audit_entry FOR UPDATE",
     "CREATE RULE undone AS ON INSERT TO audit_entry DO INSTEAD NOTHING"],
)  # fmt: skip
def test_the_portals_role_can_not_get_round_it(acme, log, statement) -> None:
    with raw_connection(acme) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


STATEMENTS = {
    "UPDATE": lambda _, __: update(AuditEntry).values(outcome="success"),
    "DELETE": lambda _, __: delete(AuditEntry),
    "upsert": lambda dialect, entry: (
        dialect.insert(AuditEntry)
        .values(**entry)
        .on_conflict_do_update(index_elements=["tenant_id", "id"], set_={"outcome": "success"})
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_portal_itself_can_not_do_it_either(acme, log, statement) -> None:
    dialect = sqlite if acme.portal.name == "sqlite" else postgresql
    with acme.bound(writes=True) as session:
        row = session.execute(select(*AuditEntry.__table__.c).limit(1)).one()
        with pytest.raises(DBAPIError):
            session.execute(STATEMENTS[statement](dialect, dict(row._mapping)))
        session.rollback()


def test_an_entry_that_was_loaded_can_be_neither_changed_nor_deleted(acme, log) -> None:
    for is_deleted in (False, True):
        with acme.bound(writes=True) as session:
            loaded = session.scalars(select(AuditEntry)).first()
            if is_deleted:
                session.delete(loaded)
            else:
                loaded.outcome = "success" if loaded.outcome != "success" else "failure"
            with pytest.raises(DBAPIError):
                session.flush()
            session.rollback()


@on_sqlite
def test_an_entry_can_not_be_replaced(acme, log) -> None:
    """REPLACE deletes without firing the trigger of DELETE, unless recursive_triggers is on."""
    with raw_connection(acme) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("REPLACE INTO audit_entry SELECT * FROM audit_entry LIMIT 1")


@on_sqlite
def test_the_portal_can_not_replace_an_entry(acme, log) -> None:
    with acme.bound(writes=True) as session:
        row = session.execute(select(*AuditEntry.__table__.c).limit(1)).one()
        replacing = insert(AuditEntry).prefix_with("OR REPLACE")
        with pytest.raises((DBAPIError, UnguardedSQL)):
            session.execute(replacing.values({**row._mapping, "outcome": "x"}))
        session.rollback()


@on_sqlite
def test_an_entry_costs_the_same_however_long_the_log_is(acme) -> None:
    """The triggers look entries up by their whole key."""
    few = steps_of_an_entry(acme)
    write(acme, *(entry() for _ in range(500)))
    assert steps_of_an_entry(acme) < 2 * few


def steps_of_an_entry(acme: Organisation) -> int:
    """What SQLite's machine does to add one, in its own steps."""
    steps: list[int] = []
    columns = ", ".join(c.name for c in AuditEntry.__table__.c if c.name != "id")
    with raw_connection(acme) as connection:
        connection.set_progress_handler(lambda: steps.append(1) and None, 1)
        connection.execute(
            f"INSERT INTO audit_entry (id, {columns}) SELECT ?, {columns} FROM audit_entry LIMIT 1",
            [uuid4().hex],
        )
        connection.rollback()
    return len(steps)
