"""A database as a test found it, kept and put back past all walls."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from portal.core.db import Base
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.placement import url_for
from tests.harness.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.installation import Installation, Organisation


class Row(dict[str, Any]):
    """A row, with UUIDs as such: SQLite keeps them as 32 hexadecimal digits."""

    __slots__ = ("_texts",)

    def __init__(self, columns: Iterable[tuple[str, Any]]) -> None:
        super().__init__((name, _typed(name, value)) for name, value in columns)
        self._texts: dict[frozenset[str], str] = {}

    def text(self, but_columns: frozenset[str]) -> str:
        """The row to compare, written once: most rows stay as they are for a whole run."""
        if but_columns not in self._texts:
            kept = {name: value for name, value in self.items() if name not in but_columns}
            self._texts[but_columns] = repr(kept)
        return self._texts[but_columns]


Rows = list[Row]


class _Read:
    """The rows of tables as they were kept, and as they were in one other state: who looks twice
    at the same reads once.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Rows] = {}
        self._state: object = None
        self._later: dict[str, Rows] = {}

    def at(self, state: object, *, is_kept: bool) -> dict[str, Rows]:
        """The rows that were read in a state, by table; empty where none were."""
        if is_kept:
            return self._kept
        if state != self._state:
            self._state, self._later = state, {}
        return self._later


class SqliteSnapshot:
    """The control file and the tenants' files, copied page by page where somebody has written."""

    def __init__(self, portal: "Installation") -> None:
        main = make_url(portal.settings.database_url)
        self._main = Path(str(main.database))
        self._files = {None: self._main}
        for organisation in portal.organisations.values():
            own = url_for(organisation.record, main).database.removeprefix("file:")
            self._files[organisation.id] = Path(own)
        self._live = {
            key: sqlite3.connect(path, check_same_thread=False) for key, path in self._files.items()
        }
        for connection in self._live.values():
            connection.execute("PRAGMA synchronous = OFF")
        self._kept: dict[Any, sqlite3.Connection] = {}
        self._states: dict[Any, tuple[int, int]] = {}
        self._read = {key: _Read() for key in self._files}
        self._known: dict[Any, dict[tuple[Any, ...], Row]] = {}  # as they were when last read

    def take(self) -> None:
        for key, live in self._live.items():
            self._kept[key] = sqlite3.connect(":memory:")
            live.backup(self._kept[key])
            self._states[key] = self._state(live)

    @property
    def touched(self) -> Collection[str]:
        return Base.metadata.tables.keys() if self._changed() else ()

    @property
    def state(self) -> object:
        return [self._state(live) for live in self._live.values()]

    def restore(self) -> None:
        for key in self._changed():
            self._kept[key].backup(self._live[key])
            self._states[key] = self._state(self._live[key])

    def _changed(self) -> list[Any]:
        """The keys of the files to which somebody has written."""
        return [key for key, live in self._live.items() if self._state(live) != self._states[key]]

    def _state(self, live: sqlite3.Connection) -> tuple[int, int]:
        """Another one when others have written (`data_version`), or this connection has."""
        [version] = live.execute("PRAGMA data_version").fetchone()
        return version, live.total_changes

    def rows(self, table: str) -> Rows:
        return [row for key in self._live for row in self._rows_in(key, table)]

    def rows_of(self, tables: Collection[str]) -> dict[str, Rows]:
        found: dict[str, Rows] = {table: [] for table in tables}
        for key, live in self._live.items():
            state = self._state(live)
            read = self._read[key].at(state, is_kept=state == self._states[key])
            for table in tables:
                if table not in read:
                    read[table] = self._rows_in(key, table)
                found[table] += read[table]
        return found

    def _rows_in(self, key: Any, table: str) -> Rows:
        if (key is None) != (table in GLOBAL_TABLES):
            return []
        found = self._live[key].execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description]
        known = self._known.get((key, table), {})
        rows = {
            values: known.get(values) or Row(zip(names, values, strict=True)) for values in found
        }
        self._known[key, table] = rows
        return list(rows.values())

    def execute(self, statement: str, organisation: "Organisation | None") -> None:
        with self._live[organisation.id if organisation else None] as connection:
            connection.execute(statement)

    def ask(self, statement: str, organisation: "Organisation") -> list[tuple[Any, ...]]:
        return self._live[organisation.id].execute(statement).fetchall()

    def close(self) -> None:
        for connection in (*self._live.values(), *self._kept.values()):
            connection.close()


class PostgresSnapshot:
    """Every table's rows, kept as COPY gives them. The superuser walks past row-level security.

    Only tables that somebody has written to are put back: those with another number of rows, or
    with a row of a later transaction than the last one here.
    """

    def __init__(self, portal: "Installation", server: PostgresServer) -> None:
        url = make_url(portal.settings.database_url)
        self._connection = psycopg.connect(
            host=server.host,
            port=server.port,
            user="postgres",
            password=server.password,
            dbname=url.database,
            autocommit=True,
        )
        self._connection.execute("SET lock_timeout = '5s'; SET session_replication_role = replica")
        self._tables = [table.name for table in Base.metadata.sorted_tables]
        self._kept: dict[str, bytes] = {}
        self._last = 0  # transaction's id
        self._quiet = ""  # the moment up to which all is as it was kept
        self._read = {table: _Read() for table in self._tables}
        self._states = " UNION ALL ".join(
            f"SELECT '{name}', count(*), coalesce(max(xmin::text::bigint), 0),"
            f" sum(xmin::text::bigint) FROM {name}"
            for name in self._tables
        )

    def take(self) -> None:
        with self._connection.transaction():
            for table in self._tables:
                with self._connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                    self._kept[table] = b"".join(copy)
            self._note_own()

    @property
    def touched(self) -> Collection[str]:
        return self._changed()

    @property
    def state(self) -> object:
        return self._connection.execute(self._states).fetchall()

    def restore(self) -> None:
        with self._connection.transaction():
            changed = self._changed()
            if not changed:
                return
            self._connection.execute("; ".join(f"DELETE FROM {name}" for name in changed))
            for name in changed:
                if rows := self._kept[name]:
                    with self._connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                        copy.write(rows)
            self._note_own()

    def _changed(self) -> list[str]:
        moment = self._moment()
        if moment == self._quiet:
            return []
        found = self._connection.execute(self._states)
        changed = [name for name, *state in found if self._is_changed(name, state)]
        begin, end, _ = moment.split(":")
        if not changed and begin == end:
            self._quiet = moment
        return changed

    def _is_changed(self, table: str, state: Sequence[int]) -> bool:
        count, newest, _ = state
        return count != self._kept[table].count(b"\n") or newest > self._last

    def _moment(self) -> str:
        """Which transactions have ended, and which that may write are under way: while this stays,
        and there are none of these, nobody has written.
        """
        [moment] = self._connection.execute("SELECT pg_current_snapshot()::text").fetchone()
        return str(moment)

    def _note_own(self) -> None:
        """The present transaction is the last one that is known to have written."""
        self._last = self._transaction_id()
        self._quiet = f"{self._last + 1}:{self._last + 1}:"

    def _transaction_id(self) -> int:
        [found] = self._connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        return int(found)

    def rows_of(self, tables: Collection[str]) -> dict[str, Rows]:
        if self._moment() == self._quiet:
            kept = {name: self._read[name].at(None, is_kept=True) for name in tables}
            return {name: self._read_once(name, read) for name, read in kept.items()}
        found = {}
        for name, *state in self._connection.execute(self._states):
            if name in tables:
                read = self._read[name].at(state, is_kept=not self._is_changed(name, state))
                found[name] = self._read_once(name, read)
        return found

    def _read_once(self, table: str, read: dict[str, Rows]) -> Rows:
        if table not in read:
            read[table] = self.rows(table)
        return read[table]

    def rows(self, table: str) -> Rows:
        found = self._connection.execute(f"SELECT * FROM {table}")
        names = [column.name for column in found.description]
        return [Row(zip(names, values, strict=True)) for values in found]

    def execute(self, statement: str, organisation: "Organisation | None") -> None:
        self._connection.execute(statement)

    def ask(self, statement: str, organisation: "Organisation") -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()

    def close(self) -> None:
        self._connection.close()


def _typed(name: str, value: Any) -> Any:
    if isinstance(value, str):
        if name != "client_id" and (name == "id" or name.endswith(("_id", "_by"))):
            return UUID(value)
        if name in ("told", "personal"):
            return json.loads(value)
    return value
