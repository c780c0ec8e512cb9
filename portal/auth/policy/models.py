"""The one row that holds a tenant's policy; without it the defaults hold."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.auth.assurance import Audience
from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class SignInPolicy(TenantOwned, Base):
    """A tenant's choices. Its id is the tenant's own, so there is one at most."""

    __tablename__ = "sign_in_policy"

    mfa_for: Mapped[str] = mapped_column(String(10), default=Audience.EVERYBODY)
    mfa_roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    factors: Mapped[list[str]] = mapped_column(JSON)
    grace_days: Mapped[int] = mapped_column(default=0)
    mfa_since: Mapped[datetime | None]  # when the policy last came to ask for more
    idle_minutes: Mapped[int]
    absolute_hours: Mapped[int]
    password_min_length: Mapped[int]
    password_max_age_days: Mapped[int | None]
    is_sso_only: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]

    __table_args__ = (
        CheckConstraint(f"mfa_for IN {tuple(map(str, Audience))}", name="mfa_for"),
        CheckConstraint("grace_days BETWEEN 0 AND 90", name="grace_days"),
    )
