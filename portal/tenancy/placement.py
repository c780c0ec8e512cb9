"""Where a tenant's rows live, and how an engine is prepared before it may touch them.

`engine_for` is the one place that knows. Pooled: the main database, under row-level security
(PostgreSQL's default). Database: one of the tenant's own, a file on SQLite (the default there).
Engines are kept in Flask-SQLAlchemy's own mapping, the main one under None.
"""

from collections.abc import MutableMapping
from pathlib import Path
from threading import Lock

from sqlalchemy import URL, Engine, create_engine, make_url

from portal.tenancy import postgres, sqlite
from portal.tenancy.binding import TenantRecord
from portal.tenancy.gate import SYSTEM
from portal.tenancy.guard import guard_engine
from portal.tenancy.models import Placement

ENGINE_OPTIONS = {"hide_parameters": True}  # else errors would carry them into the logs
MAX_OWN_DATABASES = 128  # engines kept open for tenants with a database of their own
_opening = Lock()

Engines = MutableMapping[str | None, Engine]


def prepare(engine: Engine) -> Engine:
    """Put the query filter and the transaction's stamp on `engine`."""
    guard_engine(engine)
    (sqlite if engine.dialect.name == "sqlite" else postgres).bind_transactions(engine)
    return engine


def engine_for(tenant: TenantRecord, engines: Engines) -> Engine:
    """The guarded engine of the database that holds `tenant`'s rows."""
    if tenant.placement == Placement.POOLED:
        return engines[None]
    key = f"tenant:{tenant.id}"
    engine = engines.get(key)
    if engine is None:
        with _opening:
            engine = engines.get(key)
            if engine is None:
                url = url_for(tenant, engines[None].url)
                engines[key] = engine = prepare(create_engine(url, **ENGINE_OPTIONS))
                _close_oldest(engines)
    return engine


def url_for(tenant: TenantRecord, main: URL) -> URL:
    """The address of the database that holds `tenant`'s rows, seen from the main one's."""
    if tenant.placement == Placement.POOLED:
        return main
    if main.get_backend_name() == "sqlite":
        # mode=rw: a file that is missing is an error, not a new and empty tenant.
        path = file_of(tenant, main)
        return main.set(database=f"file:{path}", query={"mode": "rw", "uri": "true"})
    return main.set(database=f"{main.database}_{tenant.id.hex}")


def file_of(tenant: TenantRecord, main: URL) -> Path:
    """The SQLite file of a tenant with a database of its own."""
    return Path(str(main.database)).absolute().parent / "tenants" / f"{tenant.id}.db"


def system_engine(url: URL | str) -> Engine:
    """An engine past the walls, for migrations and checks of the catalogue: never for requests."""
    return create_engine(make_url(url), execution_options={SYSTEM: True}, **ENGINE_OPTIONS)


def _close_oldest(engines: Engines) -> None:
    own = [key for key in engines if key is not None]
    if len(own) > MAX_OWN_DATABASES:
        engines.pop(own[0]).dispose()
