"""One entry of a tenant's audit log, and what of it may be erased.

Entries are added and read; the database refuses the rest.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class AuditEntry(TenantOwned, Base):
    """Who did what to which thing, when, with what outcome.

    Ids are made in order of time, so they serve as the order of pages; the order of the log is that
    of its leaves. Neither actor nor target is a foreign key: the log outlives both.
    """

    __tablename__ = "audit_entry"

    at: Mapped[datetime] = mapped_column(default=clock.now)
    action: Mapped[str] = mapped_column(String(60))
    outcome: Mapped[str] = mapped_column(String(10))
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[UUID | None]
    target: Mapped[str] = mapped_column(String(80))
    request_id: Mapped[UUID | None]
    told: Mapped[dict[str, Any]] = mapped_column(JSON)  # but for what is personal
    commitment: Mapped[bytes | None] = mapped_column(LargeBinary(32))  # to what is personal
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(32))  # of all these (`tlog.bodies`)

    aside: Mapped["AuditAside | None"] = relationship(
        primaryjoin="and_(AuditEntry.tenant_id == foreign(AuditAside.tenant_id),"
        " AuditEntry.id == foreign(AuditAside.id))",
        lazy="joined",
        viewonly=True,
    )

    __table_args__ = (
        Index("ix_audit_entry_actor_id", "tenant_id", "actor_id", "id"),
        Index("ix_audit_entry_action", "tenant_id", "action", "id"),
        Index("ix_audit_entry_target", "tenant_id", "target", "id"),
        Index("ix_audit_entry_outcome", "tenant_id", "outcome", "id"),
        {"info": {"rights": "SELECT, INSERT"}},
    )

    @property
    def detail(self) -> Mapping[str, Any]:
        """What it tells besides, with the words that are personal, unless they were erased."""
        return merged(self.told, self.aside.personal if self.aside else None)

    @property
    def address(self) -> str | None:
        """From where somebody acted; None where that is not known any more, or never was."""
        return self.aside.address if self.aside else None


class AuditAside(TenantOwned, Base):
    """What of an entry may change, under the entry's id: whether it waits for its number in the
    log; and, until they are erased, the address, the words that are personal, and the salt of the
    commitment to both.
    """

    __tablename__ = "audit_aside"

    is_waiting: Mapped[bool]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    address: Mapped[str | None] = mapped_column(String(45))
    personal: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        Index(
            "ix_audit_aside_is_waiting",
            "tenant_id",
            "id",
            sqlite_where=text("is_waiting"),
            postgresql_where=text("is_waiting"),
        ),
    )


def merged(told: Mapping[str, Any], personal: Mapping[str, Any] | None) -> dict[str, Any]:
    """An entry's details from its two halves."""
    return {**told, **(personal or {})}
