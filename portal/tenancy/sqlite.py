"""Wall 2 on SQLite: a file per tenant, so no other tenant's rows are in it."""

import random
import sqlite3
import time
from threading import Lock
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

from portal.tenancy.binding import Binding
from portal.tenancy.gate import stamp_transactions

LOCK_WAIT_SECONDS = 10.0
RETRY_SECONDS = (0.0005, 0.002)
BUSY_MS = 100  # for all but the write lock: a file is recovered after a crash, say
PRIMARY_CODE = 0xFF  # what an error's extended code is about (sqlite.org/rescode.html)


def bind_transactions(engine: Engine) -> None:
    """Have every transaction of `engine` stamped with the bound tenant, and begin it ourselves.

    A unit of work that writes takes the write lock at BEGIN: a read that turns into a write could
    fail half-way because another writer came between.
    """
    turnstile = Lock()

    def begin(connection: sqlite3.Connection, binding: Binding | None) -> None:
        connection.isolation_level = None  # so that BEGIN is ours to send
        if binding is not None and binding.writes:
            _begin_immediate(connection, turnstile)
        else:
            connection.execute("BEGIN")

    event.listen(engine, "connect", _connect)
    stamp_transactions(engine, begin)


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
        f"busy_timeout = {BUSY_MS}",
        "trusted_schema = OFF",
        "temp_store = MEMORY",  # no page of a tenant's lies in a folder for anybody's files
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sqlite3.Connection, turnstile: Lock) -> None:
    """Take the write lock, in turn.

    SQLite's own busy handler sleeps longer each time, so that whoever has waited long loses to
    whoever has just come. Here one writer of each process tries again after short random times; the
    others wait behind it, and it lets the next one through as soon as it has the lock. So nothing
    has to be given back when the transaction ends.
    """
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    is_through = turnstile.acquire(timeout=LOCK_WAIT_SECONDS)
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        while not _has_begun(connection, deadline):
            time.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311  # no secret
    finally:
        if is_through:
            turnstile.release()
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")


def _has_begun(connection: sqlite3.Connection, deadline: float) -> bool:
    """Whether the write lock was free. Raises SQLite's error once it is too late to wait on."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        is_busy = error.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_BUSY
        if not is_busy or time.monotonic() > deadline:
            raise
        return False
    return True
