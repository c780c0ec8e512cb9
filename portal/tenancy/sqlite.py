"""Wall 2 on SQLite: a file per tenant, so no other tenant's rows are in it."""

import random
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from portal.tenancy.binding import Binding
from portal.tenancy.gate import stamp_transactions

LOCK_WAIT_SECONDS = 10.0


def bind_transactions(engine: Engine) -> None:
    """Have every transaction of `engine` stamped with the bound tenant, and begin it ourselves.

    A unit of work that writes takes the write lock at BEGIN: a read that turns into a write could
    fail half-way because another writer came between. The lock is awaited in short random steps,
    as SQLite's own busy handler lets one of several writers starve.
    """

    event.listen(engine, "connect", _connect)
    stamp_transactions(engine, _begin)


def hold_schema_changes(engine: Engine) -> None:
    """Have changes of the schema be part of a transaction: the driver would commit each one."""

    def connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)


def _connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # no other file comes into reach
    for pragma in (
        "foreign_keys = ON",
        "journal_mode = WAL",
        "synchronous = FULL",  # an acknowledged commit survives a power cut
        "busy_timeout = 100",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sqlite3.Connection, binding: Binding | None) -> None:
    connection.isolation_level = None  # so that BEGIN is ours to send
    if binding is not None and binding.writes:
        _begin_immediate(connection)
    else:
        connection.execute("BEGIN")


def _begin_immediate(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.001, 0.010))  # noqa: S311  # no secret
        else:
            return
