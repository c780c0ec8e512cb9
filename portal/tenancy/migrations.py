"""Brings the main database and every placement to the newest schema, as the owner.

Two lanes of revisions: `control` for the global tables, `tenant` for everybody's. Each database
remembers how far it has come, so a run that is cut off goes on where it stopped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, func, make_url, select, text

from portal.core.db import Base
from portal.core.settings import LOG_FLOOR_DAYS
from portal.core.shipped import shipped
from portal.tenancy import log_wall, sqlite
from portal.tenancy.binding import TenantRecord
from portal.tenancy.guard import tenant_tables
from portal.tenancy.models import GLOBAL_TABLES, Placement
from portal.tenancy.placement import file_of, system_engine, url_for

LANES = ("control", "tenant")


def upgrade_main(owner_url: str, app_role: str, floor_days: int = LOG_FLOOR_DAYS) -> None:
    """Bring the main database to the newest schema; on PostgreSQL it is the pool as well."""
    main = make_url(owner_url)
    is_pool = main.get_backend_name() != "sqlite"
    _upgrade(main, LANES if is_pool else ("control",), app_role, floor_days)


def upgrade_tenant(
    tenant: TenantRecord, owner_url: str, app_role: str, floor_days: int = LOG_FLOOR_DAYS
) -> None:
    """Bring the database of a tenant that has its own to the newest schema."""
    if tenant.placement == Placement.DATABASE:
        _upgrade(url_for(tenant, make_url(owner_url)), ("tenant",), app_role, floor_days)


def create_database(tenant: TenantRecord, main: URL, app_role: str, floor_days: int) -> None:
    """Make the database of a tenant that gets its own, with the newest schema in it."""
    if main.get_backend_name() == "sqlite":
        path = file_of(tenant, main)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
    else:
        name = url_for(tenant, main).database
        with _autocommitting(main) as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    owner_url = main.render_as_string(hide_password=False)
    upgrade_tenant(tenant, owner_url, app_role, floor_days)


def drop_database(tenant: TenantRecord, main: URL, app: URL) -> None:
    """Delete the database of a tenant that has its own. One that is gone is no error.

    `app` is the main database as the portal's role connects: on PostgreSQL nobody else may end the
    connections that its processes keep.
    """
    if main.get_backend_name() == "sqlite":
        path = file_of(tenant, main)
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            file.unlink(missing_ok=True)
        return
    name = str(url_for(tenant, main).database)
    known = "SELECT FROM pg_database WHERE datname = :name"
    kept = "SELECT pid FROM pg_stat_activity WHERE datname = :name AND usename = current_user"
    with _autocommitting(main) as owner, _autocommitting(app) as portal:
        if owner.execute(text(known), {"name": name}).first() is None:
            return
        owner.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        for pid in portal.execute(text(kept), {"name": name}).scalars().all():
            portal.execute(select(func.pg_terminate_backend(pid)))
        owner.execute(text(f'DROP DATABASE "{name}"'))


def behind(connection: Connection, lane: str) -> bool:
    """Whether a database has not come to the newest revision of a lane."""
    context = MigrationContext.configure(connection, opts={"version_table": _version_table(lane)})
    return context.get_current_revision() != _script(lane).get_current_head()


def lanes_of(url: URL, *, is_main: bool) -> Sequence[str]:
    """The lanes that the database at `url` holds."""
    if not is_main:
        return ("tenant",)
    return ("control",) if url.get_backend_name() == "sqlite" else LANES


def _upgrade(
    url: URL, lanes: Sequence[str], app_role: str, floor_days: int = LOG_FLOOR_DAYS
) -> None:
    engine = system_engine(url)
    if engine.dialect.name == "sqlite":
        sqlite.hold_schema_changes(engine)
    try:
        with engine.connect() as connection:
            for lane in lanes:
                config = _config(lane)
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            if "tenant" in lanes:
                for statement in log_wall.set_floor(engine.dialect.name, floor_days):
                    connection.execute(text(statement))
            if engine.dialect.name == "postgresql":
                for statement in _grants(lanes, app_role):
                    connection.execute(text(statement))
            connection.commit()
    finally:
        engine.dispose()


@contextmanager
def _autocommitting(url: URL) -> Iterator[Connection]:
    engine = system_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
    finally:
        engine.dispose()


def _grants(lanes: Sequence[str], app_role: str) -> Iterator[str]:
    """What the portal's role may do, and no more: it owns nothing and changes no schema."""
    role = f'"{app_role}"'
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for lane in lanes:
        yield f"GRANT SELECT ON {_version_table(lane)} TO {role}"
    if "control" in lanes:
        for name in sorted(GLOBAL_TABLES):
            rights = Base.metadata.tables[name].info.get("rights", "SELECT")
            yield f"GRANT {rights} ON {name} TO {role}"
    if "tenant" in lanes:
        for table in sorted(tenant_tables(), key=lambda t: t.name):
            rights = table.info.get("rights", "SELECT, INSERT, UPDATE, DELETE")
            yield f'GRANT {rights} ON "{table.name}" TO {role}'


def _config(lane: str) -> Config:
    folder = shipped("migrations")
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / lane))
    config.set_main_option("path_separator", "os")
    config.attributes["version_table"] = _version_table(lane)
    config.attributes["metadata"] = Base.metadata
    return config


def _script(lane: str) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(lane))


def _version_table(lane: str) -> str:
    return f"schema_version_{lane}"
