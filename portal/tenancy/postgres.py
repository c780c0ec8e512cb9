"""Wall 2 on PostgreSQL: row-level security, forced, under a role that owns nothing.

The tenant is set by SET LOCAL in the same message as BEGIN: no added round trip, and nothing is
left on a pooled connection when the transaction ends. The policy reads the setting without
missing_ok, so a transaction without a tenant raises and never sees an empty table.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import Engine

from portal.core.errors import Misconfigured
from portal.tenancy.binding import Binding
from portal.tenancy.gate import stamp_transactions

SETTING = "app.tenant_id"
CSV = "csv"


def bind_transactions(engine: Engine) -> None:
    """Have every transaction of `engine` begin with the bound tenant set for it."""
    stamp_transactions(engine, _begin)
    event.listen(engine, "do_execute", _copy)


class Csv:
    """Where a SELECT that goes as a COPY puts what it finds: CSV in UTF-8 (RFC 4180)."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.last_line = b""  # without its end

    def take(self, rows: Iterable[bytes | memoryview]) -> None:
        """Add rows, each of which comes as one message that ends with a line feed."""
        row: bytes | memoryview = b""
        for row in rows:
            self.text += row[:-1]
            self.text += b"\r\n"
        self.last_line = bytes(row[:-1])


def _copy(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """Send a SELECT that goes by the option `CSV` as a COPY, and put there what comes.

    By now it has passed whatever statements pass. COPY takes no parameters, so the driver writes
    them into it.
    """
    csv = context.execution_options.get(CSV)
    if csv is None:
        return False
    from psycopg import ClientCursor  # noqa: PLC0415  # PostgreSQL is an extra

    copy = f"COPY ({statement}) TO STDOUT (FORMAT csv)"
    with ClientCursor(cursor.connection).copy(copy, parameters) as rows:
        csv.take(rows)
    return True


def _begin(connection: Any, binding: Binding | None) -> None:
    message = "BEGIN"
    if binding is not None:
        message += f"; SET LOCAL {SETTING} = '{binding.tenant.id}'"
    connection.autocommit = True  # so that BEGIN is ours to send
    connection.execute(message)


def policy_ddl(table: str) -> Iterator[str]:
    """The statements that wall in `table`, for migrations."""
    owned = f"tenant_id = current_setting('{SETTING}')::uuid"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY tenant_wall ON {table} USING ({owned}) WITH CHECK ({owned})"


@contextmanager
def wall_lifted(connection: Connection, table: str) -> Iterator[None]:
    """Let a migration, which runs as the owner, reach all rows of `table` for a moment.

    Its transaction holds a lock on the table until it is walled in again. Elsewhere than on
    PostgreSQL there is nothing to lift.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
    yield
    connection.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))


def has_transaction_older_than(connection: Connection, age: timedelta) -> bool:
    """Whether the portal has had another transaction open in this database for so long.

    Elsewhere than on PostgreSQL there is none beside one that writes.
    """
    if connection.dialect.name != "postgresql":
        return False
    found = connection.execute(
        text(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
            " AND xact_start < clock_timestamp() - make_interval(secs => :seconds))"
        ),
        {"seconds": age.total_seconds()},
    )
    return bool(found.scalar_one())


def check_role(connection: Connection) -> None:
    """Refuse a database role that row-level security does not hold.

    Raises `Misconfigured` if the role is a superuser, may bypass row-level security, may become a
    role that does, or owns anything in the database.
    """
    facts = connection.execute(
        text(
            "SELECT r.rolname, bool_or(m.rolsuper), bool_or(m.rolbypassrls),"
            " (SELECT count(*) FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner"
            "  WHERE pg_has_role(current_user, o.oid, 'MEMBER')),"
            " (SELECT count(*) FROM pg_namespace n"
            "  WHERE pg_has_role(current_user, n.nspowner, 'MEMBER')),"
            " (SELECT count(*) FROM pg_database d WHERE d.datname = current_database()"
            "  AND pg_has_role(current_user, d.datdba, 'MEMBER'))"
            " FROM pg_roles r JOIN pg_roles m ON pg_has_role(r.oid, m.oid, 'MEMBER')"
            " WHERE r.rolname = current_user GROUP BY r.rolname"
        )
    ).one()
    name, is_super, bypasses, relations, schemas, databases = facts
    for holds, what in (
        (is_super, "is a superuser, or can become one"),
        (bypasses, "can bypass row-level security"),
        (relations or schemas or databases, "owns tables, schemas or the database"),
    ):
        if holds:
            raise Misconfigured(
                f"The database role {name!r} {what}. Give PORTAL_DATABASE_URL a role that only "
                "has rights granted to it; `portal db upgrade` grants them (docs/operators.md)."
            )
