"""Reads of the global tables. They need no bound tenant and see no tenant's rows."""

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Connection, Engine, Select, bindparam, select

from portal.core.errors import Conflict, NotFound
from portal.tenancy.binding import TenantRecord
from portal.tenancy.gate import without_transactions
from portal.tenancy.models import LIVING, Tenant, TenantHost
from portal.tenancy.session import db

_RECORD = (Tenant.id, Tenant.slug, Tenant.name, Tenant.state, Tenant.placement)
# Every request asks for it: to put it together each time would take longer than to run it.
_BY_HOST = (
    select(*_RECORD)
    .join(TenantHost, TenantHost.tenant_id == Tenant.id)
    .where(TenantHost.host == bindparam("host"))
)
_BY_SLUG = select(*_RECORD).where(Tenant.slug == bindparam("slug"))


def find_tenant_by_host(host: str) -> TenantRecord | None:
    """The tenant that is reached under `host` (no port), or None."""
    return _find(_BY_HOST, host=host.lower())


def find_tenant(slug: str) -> TenantRecord | None:
    """The tenant of that slug, or None."""
    return _find(_BY_SLUG, slug=slug)


def get_tenant(slug: str) -> TenantRecord:
    """The tenant of that slug. Raises `NotFound`."""
    tenant = find_tenant(slug)
    if tenant is None:
        raise NotFound(f"There is no tenant {slug!r}.")
    return tenant


def get_living_tenant(slug: str) -> TenantRecord:
    """The tenant of that slug, unless its keys are being destroyed, or have been.

    Raises `NotFound` or `Conflict`.
    """
    tenant = get_tenant(slug)
    if tenant.state not in LIVING:
        raise Conflict(f"{slug} is {tenant.state}, and its keys are not changed any more.")
    return tenant


def list_tenants() -> Sequence[TenantRecord]:
    """All tenants by slug."""
    with _reading() as connection:
        return [
            TenantRecord(*row) for row in connection.execute(select(*_RECORD).order_by(Tenant.slug))
        ]


def list_living_tenants() -> Sequence[TenantRecord]:
    """Those whose keys are not being destroyed, and have not been."""
    return [tenant for tenant in list_tenants() if tenant.state in LIVING]


def find_tenant_host(slug: str) -> str | None:
    """The first host of the tenant of that slug, or None."""
    statement = select(TenantHost.host).join(Tenant).where(Tenant.slug == slug)
    with _reading() as connection:
        return (
            connection.execute(statement.order_by(TenantHost.verified_at, TenantHost.host))
            .scalars()
            .first()
        )


def check_main_database() -> None:
    """Raises what SQLAlchemy raises where the main database does not answer."""
    with _reading() as connection:
        connection.execute(select(1))


def list_hosts() -> Sequence[tuple[str, str]]:
    """All host names with their tenant's slug, by host."""
    with _reading() as connection:
        rows = connection.execute(
            select(TenantHost.host, Tenant.slug).join(Tenant).order_by(TenantHost.host)
        )
        return [(host, slug) for host, slug in rows]


def _find(statement: Select[UUID, str, str, str, str], **given: str) -> TenantRecord | None:
    with _reading() as connection:
        row = connection.execute(statement, given).one_or_none()
    return None if row is None else TenantRecord(*row)


def _reading() -> Connection:
    """One statement needs no transaction around it: one round trip, no snapshot held."""
    return _reader_of(db.engine).connect()


@lru_cache(maxsize=4)  # a process has one main database; tests have a few, one after the other
def _reader_of(engine: Engine) -> Engine:
    return without_transactions(engine)
