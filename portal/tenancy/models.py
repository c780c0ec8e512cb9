"""The global tables, and what makes every other table a tenant's."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    TypeDecorator,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.core.ids import new_id
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.errors import CrossTenantWrite


class TenantState(StrEnum):
    """Where a tenant stands (design section 4)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    DESTROYED = "destroyed"


# The states in which a tenant has its rows and keys, all of them.
LIVING = frozenset({TenantState.ACTIVE, TenantState.SUSPENDED})


class Placement(StrEnum):
    """Where a tenant's rows live."""

    POOLED = "pooled"
    DATABASE = "database"


class Tenant(Base):
    """An organisation. Its slug and its id are never reused."""

    __tablename__ = "tenant"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), default=TenantState.ACTIVE)
    placement: Mapped[str] = mapped_column(String(20))
    trial_ends_at: Mapped[datetime | None]
    paid_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, TenantState))}", name="state"),
        CheckConstraint(f"placement IN {tuple(map(str, Placement))}", name="placement"),
    )


class TenantHost(Base):
    """A host name (lower case, no port) under which a tenant is reached."""

    __tablename__ = "tenant_host"

    host: Mapped[str] = mapped_column(String(253), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id"), index=True)
    verified_at: Mapped[datetime] = mapped_column(default=clock.now)


GLOBAL_TABLES = frozenset({"tenant", "tenant_host", "known_checkpoint"})


class TenantId(TypeDecorator[UUID]):
    """A column that takes no other value than the bound tenant's id."""

    impl = Uuid
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> UUID:
        bound = bound_tenant_id()
        if value != bound:
            raise CrossTenantWrite(f"a value of tenant_id is not the bound tenant's ({bound})")
        return bound


class TenantOwned:
    """Mix-in of every table but the global ones: rows of one tenant, keyed by it first."""

    @declared_attr
    def tenant_id(cls) -> Mapped[UUID]:
        return mapped_column(TenantId, primary_key=True, default=bound_tenant_id, sort_order=-2)

    @declared_attr
    def id(cls) -> Mapped[UUID]:
        return mapped_column(Uuid(), primary_key=True, default=new_id, sort_order=-1)


def within_tenant(column: str, table: str, **options: Any) -> ForeignKeyConstraint:
    """A foreign key that can't leave the tenant: `(tenant_id, column)` to `(tenant_id, id)`."""
    return ForeignKeyConstraint(
        ["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], **options
    )


def unique_within_tenant(name: str, *columns: str, where: str) -> Index:
    """A unique index over some of a tenant's rows: in one over all, NULLs would differ."""
    some = text(where)
    return Index(name, "tenant_id", *columns, unique=True, sqlite_where=some, postgresql_where=some)
