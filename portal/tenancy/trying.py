"""Whether the walls hold: what has to be refused is tried on the live database, by its own role.

What the catalogue says was looked at when the portal started (`startup`). This is tried while it
runs, since walls can be taken down meanwhile. Whatever is not refused is rolled back.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DBAPIError

from portal.core.errors import Misconfigured
from portal.core.ids import new_id
from portal.tenancy import postgres
from portal.tenancy.guard import tenant_tables
from portal.tenancy.placement import system_engine

ADDED_ONLY = "SELECT, INSERT"  # the rights of tables that are only added to
REFUSALS = {
    "42501",  # insufficient_privilege
    "42704",  # undefined_object: the setting that says whose rows are meant
    "22P02",  # or it is there and empty, and no id
}


def try_walls(url: URL) -> Sequence[str]:
    """What the database at this address lets the portal do, and should not.

    Raises `DBAPIError` where it can't be told, as while the database is busy.
    """
    engine = system_engine(url)
    try:
        with engine.connect() as connection:
            faults = [*_try_changes(connection)]
            if connection.dialect.name == "postgresql":
                faults += [*_try_role(connection), *_try_as_nobody(connection)]
            return faults
    finally:
        engine.dispose()


def _try_changes(connection: Connection) -> Iterator[str]:
    """PostgreSQL asks for the right before all; on SQLite triggers refuse, which takes a row."""
    asks_first = connection.dialect.name == "postgresql"
    added_only = [t.name for t in tenant_tables() if t.info.get("rights") == ADDED_ONLY]
    for table in sorted(added_only):
        one = "false" if asks_first else f"id = (SELECT id FROM {table} LIMIT 1)"  # noqa: S608
        for what, statement in (
            ("changed", f"UPDATE {table} SET id = id WHERE {one}"),  # noqa: S608
            ("deleted", f"DELETE FROM {table} WHERE {one}"),  # noqa: S608
        ):
            met = _try(connection, statement)
            if met or (asks_first and met is not None):
                yield f"rows of {table} can be {what}"


def _try_role(connection: Connection) -> Iterator[str]:
    try:
        postgres.check_role(connection)
    except Misconfigured as error:
        yield str(error)


def _try_as_nobody(connection: Connection) -> Iterator[str]:
    """Rows that are seen without a tenant, or for one that has none, are somebody else's."""
    be_another = f"SET LOCAL {postgres.SETTING} = '{new_id()}'"
    for table in sorted(table.name for table in tenant_tables()):
        look = f"SELECT 1 FROM {table} LIMIT 1"  # noqa: S608
        if _try(connection, look):
            yield f"rows of {table} are seen by nobody"
        if _try(connection, be_another, look):
            yield f"rows of {table} are seen by another organisation"


def _try(connection: Connection, *statements: str) -> int | None:
    """How many rows the last of the statements meets; None where one is refused."""
    try:
        for statement in statements:
            result = connection.execute(text(statement))
        return len(result.all()) if result.returns_rows else result.rowcount
    except DBAPIError as error:
        if not _is_refusal(connection, error):
            raise
        return None
    finally:
        connection.rollback()


def _is_refusal(connection: Connection, error: DBAPIError) -> bool:
    if connection.dialect.name == "postgresql":
        return getattr(error.orig, "sqlstate", None) in REFUSALS
    return "append-only" in str(error.orig)  # what the triggers say
