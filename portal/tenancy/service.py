"""What the operator does to tenants as a whole. Called by the command line, never by a page.

The main database's global tables are written with the owner's rights (`owner_url`): the portal's
own role can only read them.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, func, insert, make_url, select, text, update

from portal.core.db import Base
from portal.core.errors import Conflict, Invalid
from portal.core.ids import new_id
from portal.core.settings import active
from portal.tenancy import migrations
from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import GLOBAL_TABLES, Placement, Tenant, TenantHost, TenantState
from portal.tenancy.placement import system_engine
from portal.tenancy.postgres import SETTING

SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
RESERVED = frozenset({"www", "admin", "api", "app", "apex", "mail", "portal", "static", "status"})
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9-]{1,63})*")


def create_tenant(
    owner_url: str,
    slug: str,
    name: str,
    host: str,
    *,
    placement: Placement | None,
    app_role: str,
    prepare: Callable[[TenantRecord], None],
) -> TenantRecord:
    """Make a tenant and the place its rows live in.

    The place comes first, then `prepare` puts into it what a tenant needs (its key), and last the
    row that makes it reachable: a run that is cut off leaves an unused place behind, and never a
    tenant that lacks something. Raises `Invalid` or `Conflict`.
    """
    _check_names(slug, name, host)
    main = make_url(owner_url)
    is_sqlite = main.get_backend_name() == "sqlite"
    chosen = placement or (Placement.DATABASE if is_sqlite else Placement.POOLED)
    if is_sqlite and chosen == Placement.POOLED:
        raise Invalid("On SQLite every tenant has a file of its own.")
    tenant = TenantRecord(new_id(), slug, name.strip(), TenantState.ACTIVE, chosen)
    with _writing(main) as connection:
        _check_free(connection, slug, host)
        if chosen == Placement.DATABASE:
            migrations.create_database(tenant, main, app_role, active().log_floor_days)
        prepare(tenant)
        connection.execute(
            insert(Tenant).values(id=tenant.id, slug=slug, name=tenant.name, placement=chosen)
        )
        connection.execute(insert(TenantHost).values(host=host, tenant_id=tenant.id))
    return tenant


def change_state(owner_url: str, tenant: TenantRecord, state: TenantState) -> None:
    """Have a tenant stand elsewhere. It holds from the next request on."""
    with _writing(make_url(owner_url)) as connection:
        connection.execute(update(Tenant).where(Tenant.id == tenant.id).values(state=state))


def sweep_tenant(owner_url: str, app_url: str, tenant: TenantRecord) -> None:
    """Delete every row of a tenant. Its short name and its hosts stay taken.

    Only the owner of the database may: to the portal's own role the audit log is append-only.
    """
    main = make_url(owner_url)
    if tenant.placement == Placement.DATABASE:
        migrations.drop_database(tenant, main, make_url(app_url))
        return
    with _writing(main) as connection:
        connection.execute(select(func.set_config(SETTING, str(tenant.id), True)))
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in GLOBAL_TABLES:
                owned = text(f'DELETE FROM "{table.name}" WHERE tenant_id = :tenant')  # noqa: S608
                connection.execute(owned, {"tenant": tenant.id})


def _check_names(slug: str, name: str, host: str) -> None:
    if not SLUG.fullmatch(slug) or slug in RESERVED:
        raise Invalid(
            f"{slug!r} can't be a tenant's short name: 3 to 40 letters, digits and hyphens, "
            "beginning with a letter, and not one of the reserved names."
        )
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid("A tenant's name has 1 to 200 characters.")
    if not HOST.fullmatch(host):
        raise Invalid(f"{host!r} is not a host name.")


def _check_free(connection: Connection, slug: str, host: str) -> None:
    if connection.execute(select(Tenant.id).where(Tenant.slug == slug)).first():
        raise Conflict(f"There is, or was, a tenant {slug!r}; a short name is never reused.")
    if connection.execute(select(TenantHost.host).where(TenantHost.host == host)).first():
        raise Conflict(f"The host {host!r} leads to another tenant.")


@contextmanager
def _writing(main: URL) -> Iterator[Connection]:
    engine = system_engine(main)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
