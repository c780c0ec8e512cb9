"""Acts that wait for a second person, and the tenant's choice for which ones they do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.access.approvals.kinds import Kind
from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned, unique_within_tenant

WAITING = "decision IS NULL"


@dataclass(frozen=True, slots=True)
class Consent:
    """That a second person agrees: whoever does the act hands it on, and the log tells of it."""

    act_id: UUID
    asked_by: UUID

    def detail(self) -> dict[str, Any]:
        """What the audit log says of it."""
        return {"act": str(self.act_id), "asked_by": str(self.asked_by)}


class PendingAct(TenantOwned, Base):
    """Something that one person wants done, and that is done once another agrees."""

    __tablename__ = "pending_act"

    kind: Mapped[str] = mapped_column(String(30))
    target: Mapped[str] = mapped_column(String(80))  # what it is about, as the audit log names it
    payload: Mapped[Any] = mapped_column(JSON)  # what doing it takes besides; never a secret
    reason: Mapped[str] = mapped_column(String(500))
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    decision: Mapped[str | None] = mapped_column(String(10))
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]

    __table_args__ = (
        unique_within_tenant("uq_pending_act_waiting", "kind", "target", where=WAITING),
    )

    @property
    def what(self) -> Kind:
        """Its kind."""
        return next(kind for kind in Kind if kind == self.kind)

    @property
    def consent(self) -> Consent:
        """What a second person's agreement comes to."""
        return Consent(self.id, self.asked_by)


class AccessPolicy(TenantOwned, Base):
    """The acts for which a tenant wants two people. Its id is the tenant's own; none: no act."""

    __tablename__ = "access_policy"

    needs_two: Mapped[list[str]] = mapped_column(JSON)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]
