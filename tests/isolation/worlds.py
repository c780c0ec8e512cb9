"""Databases with several tenants in them, behind one wall, the other, or both.

A world is a database, the walls before it, and an application whose sessions lead there:

| world             | the query filter | what is in the database                               |
|-------------------|------------------|-------------------------------------------------------|
| sqlite-filter     | on               | three tenants in one file: wall 2 is down             |
| sqlite-wall       | off              | a file per tenant                                     |
| sqlite-both       | on               | a file per tenant                                     |
| postgresql-filter | on               | three tenants in one database, no row-level security  |
| postgresql-wall   | off              | three tenants, row-level security                     |
| postgresql-both   | on               | three tenants, row-level security                     |
| …-alone           | off              | one tenant, nothing else: what the answer should be   |
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Engine, create_engine, event, insert, make_url, text

from portal.core.db import Base
from portal.tenancy import placement, postgres, sqlite
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.gate import SYSTEM
from portal.tenancy.models import Placement
from portal.tenancy.session import db
from tests.harness.postgres import PostgresServer
from tests.isolation.rows import count_of, new_row, tables_in_order

APP_ROLE = "portal_app"
WORLDS = [
    f"{database}-{walls}"
    for database in ("sqlite", "postgresql")
    for walls in ("filter", "wall", "both")
]
SLUGS = ("before", "own", "later")  # "own" is bound in the tests; others exist on both sides of it

# Counted as rows are written, by whoever writes them (cascades and triggers too).
_TOUCHED = """
SELECT name FROM unnest(%s::text[]) AS name, pg_stat_force_next_flush()
WHERE pg_stat_get_xact_tuples_inserted(name::regclass)
    + pg_stat_get_xact_tuples_updated(name::regclass)
    + pg_stat_get_xact_tuples_deleted(name::regclass) > 0
"""

Row = tuple[Any, ...]
State = frozenset[Row]


def tenant(slug: str, kind: str = Placement.POOLED) -> TenantRecord:
    """One of the three tenants."""
    number = SLUGS.index(slug) + 1
    return TenantRecord(UUID(int=number << 120 | number), slug, slug.title(), "active", kind)


OWN_ID = tenant("own").id


@dataclass(repr=False)
class World:
    """A database behind walls. Nothing that is done in it lasts."""

    name: str
    app: Flask
    placement: str
    others: list["OthersFile"] = field(default_factory=list)
    before: State = frozenset()

    def __repr__(self) -> str:
        return self.name

    @property
    def dialect(self) -> str:
        return self.name.split("-")[0]

    @property
    def has_filter(self) -> bool:
        return self.name.endswith(("filter", "both"))

    @property
    def is_alone(self) -> bool:
        return self.name.endswith("alone")

    def tenant(self, slug: str = "own") -> TenantRecord:
        return tenant(slug, self.placement)

    @property
    def engine(self) -> Engine:
        with self.app.app_context():
            return placement.engine_for(self.tenant(), db.engines)

    @contextmanager
    def acting(self, slug: str = "own") -> Iterator[Any]:
        """Bind a tenant and give its session; whatever was done and not committed is undone."""
        with self.app.app_context(), acting_for(self.tenant(slug)):
            yield db.session()

    def changes(self, session: Any) -> State:
        """The rows of all tenants that would come or go if the transaction were committed."""
        driver = session.connection().connection.dbapi_connection
        if self.dialect == "sqlite":
            return self.before ^ frozenset(self._sqlite_rows(driver))
        touched = _touched(driver)
        kept = frozenset(row for row in self.before if row[1] in touched)
        return kept ^ frozenset(self._postgres_rows(driver, touched))

    def remember(self) -> None:
        """Take all rows as they are for what they are to be."""
        with self.acting() as session:
            driver = session.connection().connection.dbapi_connection
            self.before = frozenset(
                self._sqlite_rows(driver)
                if self.dialect == "sqlite"
                else self._postgres_rows(driver, _all_tables())
            )

    # Both read past the query filter. Row-level security is asked for one tenant after the other,
    # as the driver's own connection can.

    def _sqlite_rows(self, driver: sqlite3.Connection) -> Iterator[Row]:
        is_in_own_file = self.placement == Placement.DATABASE
        for row in _rows_of(driver):
            yield is_in_own_file or row[1] == OWN_ID.hex, *row
        for other in self.others:
            yield from other.rows()

    def _postgres_rows(self, driver: Any, tables: Collection[str]) -> Iterator[Row]:
        is_walled = self.name.endswith(("wall", "both"))
        for slug in ("before", "later", "own") if is_walled and tables else ("own",):
            driver.execute(f"SET LOCAL {postgres.SETTING} = '{tenant(slug).id}'")
            for table in tables:
                yield from driver.execute(
                    f"SELECT tenant_id = '{OWN_ID}', '{table}', t::text FROM {table} t"
                )

    def close(self) -> None:
        for connection in self.others:
            connection.close()
        with self.app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def is_own(row: Row) -> bool:
    """Whether a row of a `State` belongs to the tenant that is bound in the tests.

    In a file per tenant it is the file that says whose a row is.
    """
    return bool(row[0])


class OthersFile:
    """Another tenant's file, read again only where somebody has committed to it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._version: Row | None = None
        self._rows: Sequence[Row] = ()

    def rows(self) -> Sequence[Row]:
        version = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._rows = [(False, *row) for row in _rows_of(self._connection)]
            self._version = version
        return self._rows

    def close(self) -> None:
        self._connection.close()


def _rows_of(connection: sqlite3.Connection) -> Iterator[Row]:
    for table in _all_tables():
        for row in connection.execute(f"SELECT * FROM {table}"):
            yield table, *row


@cache
def _all_tables() -> Sequence[str]:
    return [table.name for table in tables_in_order()]


def _touched(driver: Any) -> Collection[str]:
    """The tables to which the transaction has written, and maybe others: PostgreSQL adds what it
    has not yet reported of earlier transactions, which it is told to do.
    """
    found = driver.execute(_TOUCHED, [_all_tables()], prepare=True).fetchall()
    return {name for (name,) in found}


def fill(engine: Engine, *slugs: str) -> None:
    """Put the rows of tenants into the database of a system engine."""
    with engine.begin() as connection:
        for slug in slugs:
            with acting_for(tenant(slug)):
                for table in tables_in_order():
                    numbers = range(count_of(table, is_own=slug == "own"))
                    connection.execute(insert(table), [new_row(table, n, slug) for n in numbers])


def sqlite_world(name: str, folder: Path) -> World:
    """One of the SQLite worlds, with its files in `folder`."""
    main = make_url(f"sqlite:///{folder / 'main.db'}")
    walls = name.split("-")[1]
    is_pooled = walls == "filter"
    world = World(name, _app(main), Placement.POOLED if is_pooled else Placement.DATABASE)
    if is_pooled:
        _make_file(main.database, *SLUGS)
    else:
        (folder / "tenants").mkdir()
        for slug in SLUGS:
            path = placement.file_of(tenant(slug), main)
            _make_file(path, slug)
            if slug != "own" and walls != "alone":
                world.others.append(OthersFile(path))
    with world.app.app_context():
        if world.has_filter:
            placement.prepare(db.engine)
        else:
            for slug in SLUGS:
                url = placement.url_for(world.tenant(slug), main)
                db.engines[f"tenant:{tenant(slug).id}"] = _unguarded(url)
    return world


def postgres_world(name: str, server: PostgresServer) -> World:
    """One of the PostgreSQL worlds, in a database of its own name."""
    database = name.replace("-", "_")
    owner = placement.system_engine(server.create_database(database))
    make_schema(owner)
    walls = name.split("-")[1]
    fill(owner, *(("own",) if walls == "alone" else SLUGS))
    with owner.begin() as connection:
        for table in tables_in_order():
            if walls in ("wall", "both"):
                for statement in postgres.policy_ddl(table.name):
                    connection.execute(text(statement))
            connection.execute(
                text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.name} TO {APP_ROLE}")
            )
    owner.dispose()
    url = make_url(server.url(database, APP_ROLE))
    world = World(name, _app(url), Placement.POOLED)
    with world.app.app_context():
        if world.has_filter:
            placement.prepare(db.engine)
        else:
            db.engines[None].dispose()
            db.engines[None] = _unguarded(url)
    return world


def share_compiler(engine: Engine, first: Engine) -> None:
    """Have `engine` use what `first` has compiled: most of the time of these tests goes there."""
    first.connect().close()  # asks the server for its version, which the compiler wants to know
    engine.dialect = engine.pool._dialect = first.dialect
    engine._compiled_cache = first._compiled_cache


def make_schema(engine: Engine) -> None:
    """Make all tables in the database of a system engine."""
    Base.metadata.create_all(engine)


def _app(url: Any) -> Flask:
    app = Flask("isolation")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    return app


def _unguarded(url: Any) -> Engine:
    """An engine with the wall's transactions and without the query filter."""
    engine = create_engine(url, execution_options={SYSTEM: True})
    (sqlite if engine.dialect.name == "sqlite" else postgres).bind_transactions(engine)
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = OFF")  # it need not survive a power cut


def _make_file(path: Any, *slugs: str) -> None:
    engine = placement.system_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    make_schema(engine)
    fill(engine, *slugs)
    engine.dispose()
