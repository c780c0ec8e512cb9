"""Wall 2 on SQLite: a file per tenant beside a control file, so no other tenant's rows are in it."""

import random
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from portal.tenancy.binding import find_binding
from portal.tenancy.gate import STAMP

LOCK_WAIT_SECONDS = 10.0


def bind_transactions(engine: Engine) -> None:
    """Have every transaction of `engine` stamped with the bound tenant, and begin it ourselves.

    A unit of work that writes takes the write lock at BEGIN: a read that turns into a write could
    fail half-way because another writer came between. The lock is awaited in short random steps,
    as SQLite's own busy handler lets one of several writers starve.
    """

    def connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # so that BEGIN is ours to send
        for pragma in (
            "foreign_keys = ON",
            "journal_mode = WAL",
            "synchronous = FULL",  # an acknowledged commit survives a power cut
            "busy_timeout = 100",
            "trusted_schema = OFF",
        ):
            dbapi_connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        binding = find_binding()
        if binding is not None:
            connection.info[STAMP] = binding.tenant.id
        dbapi_connection = connection.connection.dbapi_connection
        if binding is not None and binding.writes:
            _begin_immediate(dbapi_connection)
        else:
            dbapi_connection.execute("BEGIN")  # type: ignore[union-attr]

    def end(connection: Connection) -> None:
        connection.info.pop(STAMP, None)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    event.listen(engine, "commit", end)
    event.listen(engine, "rollback", end)


def _begin_immediate(dbapi_connection: Any) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            dbapi_connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.001, 0.010))
        else:
            return
