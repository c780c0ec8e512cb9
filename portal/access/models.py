"""Who holds which role, and where."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned, within_tenant

_TENANT_WIDE = text("folder_id IS NULL")


class RoleAssignment(TenantOwned, Base):
    """A role given to a person: in the whole organisation, or on a folder and all beneath it."""

    __tablename__ = "role_assignment"

    user_id: Mapped[UUID]
    role: Mapped[str] = mapped_column(String(60))
    folder_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    granted_by: Mapped[UUID | None]  # None: by the operator, or by a provider's claim
    is_from_claim: Mapped[bool] = mapped_column(default=False)  # made anew at each sign-in
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        within_tenant("folder_id", "folder", ondelete="CASCADE"),
        Index(
            "uq_role_assignment_scoped", "tenant_id", "user_id", "role", "folder_id", unique=True
        ),
        # NULLs differ from each other in a unique index, so the whole organisation has its own.
        Index(
            "uq_role_assignment_tenant_wide",
            "tenant_id",
            "user_id",
            "role",
            unique=True,
            sqlite_where=_TENANT_WIDE,
            postgresql_where=_TENANT_WIDE,
        ),
        Index("ix_role_assignment_role", "tenant_id", "role"),
        Index("ix_role_assignment_folder_id", "tenant_id", "folder_id"),
    )
