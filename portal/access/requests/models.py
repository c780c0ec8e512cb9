"""One request for access."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.access.permissions import Permission
from portal.access.roles import permissions_from
from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned, unique_within_tenant, within_tenant


class AccessRequest(TenantOwned, Base):
    """Somebody's wish to hold a permission: on a folder, or in the whole organisation."""

    __tablename__ = "access_request"

    user_id: Mapped[UUID]
    permission: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(80))  # what was refused: a document, a folder, …
    folder_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(300))
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    decision: Mapped[str | None] = mapped_column(String(10))
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(300), default="")
    assignment_id: Mapped[UUID | None]  # what approving led to; None: two have to agree

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        within_tenant("folder_id", "folder", ondelete="CASCADE"),
        # One waits at a time.
        unique_within_tenant(
            "uq_access_request_on_folder",
            "user_id",
            "permission",
            "folder_id",
            where="decision IS NULL AND folder_id IS NOT NULL",
        ),
        unique_within_tenant(
            "uq_access_request_tenant_wide",
            "user_id",
            "permission",
            where="decision IS NULL AND folder_id IS NULL",
        ),
        Index("ix_access_request_user_id", "tenant_id", "user_id", "asked_at"),
        Index("ix_access_request_decision", "tenant_id", "decision", "id"),
    )

    @property
    def wanted(self) -> Permission | None:
        """The permission; None if this version does not know it."""
        return next(iter(permissions_from([self.permission])), None)
