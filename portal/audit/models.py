"""One entry of a tenant's audit log. Rows are added and read; the database refuses the rest."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class AuditEntry(TenantOwned, Base):
    """Who did what to which thing, when, from where, with what outcome.

    Ids are made in order of time, so they serve as the order of the log. Neither actor nor target
    is a foreign key: the log outlives both.
    """

    __tablename__ = "audit_entry"

    at: Mapped[datetime] = mapped_column(default=clock.now)
    action: Mapped[str] = mapped_column(String(60))
    outcome: Mapped[str] = mapped_column(String(10))
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[UUID | None]
    target: Mapped[str] = mapped_column(String(80))
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (
        Index("ix_audit_entry_actor_id", "tenant_id", "actor_id", "id"),
        Index("ix_audit_entry_action", "tenant_id", "action", "id"),
        Index("ix_audit_entry_target", "tenant_id", "target", "id"),
        Index("ix_audit_entry_outcome", "tenant_id", "outcome", "id"),
        {"info": {"rights": "SELECT, INSERT"}},
    )
