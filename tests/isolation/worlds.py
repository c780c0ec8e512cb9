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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from tests.isolation.rows import OWN_ROWS, new_row, tables_in_order

APP_ROLE = "portal_app"
WORLDS = [f"{database}-{walls}" for database in ("sqlite", "postgresql") for walls in
          ("filter", "wall", "both")]
SLUGS = ("before", "own", "later")  # "own" is bound in the tests; others exist on both sides of it

State = frozenset[tuple[Any, ...]]


def tenant(slug: str, kind: str = Placement.POOLED) -> TenantRecord:
    """One of the three tenants."""
    number = SLUGS.index(slug) + 1
    return TenantRecord(UUID(int=number << 120 | number), slug, slug.title(), "active", kind)


@dataclass
class World:
    """A database behind walls. Nothing that is done in it lasts."""

    name: str
    app: Flask
    placement: str
    others: list[sqlite3.Connection] = field(default_factory=list)

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
        """Bind a tenant and give its session; whatever was done is rolled back."""
        with self.app.app_context(), acting_for(self.tenant(slug), writes=True):
            session = db.session()
            try:
                yield session
            finally:
                session.rollback()

    def state(self, session: Any) -> State:
        """All rows of all tenants, as they would be if the session's transaction were committed.

        Read past the query filter. Row-level security is asked for one tenant after the other,
        as the driver's own connection can.
        """
        driver = session.connection().connection.dbapi_connection
        if self.dialect == "sqlite":
            return frozenset().union(*(_sqlite_rows(c) for c in (driver, *self.others)))
        rows: set[tuple[Any, ...]] = set()
        for slug in (*SLUGS, "own"):
            driver.execute(f"SET LOCAL {postgres.SETTING} = '{tenant(slug).id}'")
            rows.update(driver.execute(_ALL_ROWS()).fetchall())
        return frozenset(rows)

    def close(self) -> None:
        for connection in self.others:
            connection.close()
        with self.app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def is_own(row: tuple[Any, ...]) -> bool:
    """Whether a row of a `State` is of the tenant that is bound in the tests."""
    return str(row[1]).replace("-", "") == tenant("own").id.hex


def _ALL_ROWS() -> str:
    return " UNION ALL ".join(
        f"SELECT '{t.name}', tenant_id::text, t::text FROM {t.name} t" for t in tables_in_order()
    )


def _sqlite_rows(connection: sqlite3.Connection) -> State:
    return frozenset(
        (table.name, *row)
        for table in tables_in_order()
        for row in connection.execute(f"SELECT * FROM {table.name}")
    )


def fill(engine: Engine, *slugs: str) -> None:
    """Put the rows of tenants into the database of a system engine."""
    with engine.begin() as connection:
        for slug in slugs:
            with acting_for(tenant(slug)):
                count = OWN_ROWS + (slug != "own")
                for table in tables_in_order():
                    rows = [new_row(table, number, slug) for number in range(count)]
                    connection.execute(insert(table), rows)


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
                world.others.append(sqlite3.connect(f"file:{path}?mode=ro", uri=True))
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


def _make_file(path: Any, *slugs: str) -> None:
    engine = placement.system_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA foreign_keys = ON"))
    make_schema(engine)
    fill(engine, *slugs)
    engine.dispose()
