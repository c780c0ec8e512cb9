"""A person of one tenant."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class UserState(StrEnum):
    """Where a person stands. Only the active ones can be signed in."""

    INVITED = "invited"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class User(TenantOwned, Base):
    """A person. The same e-mail in two tenants is two people who know nothing of each other."""

    __tablename__ = "user_account"

    email: Mapped[str] = mapped_column(String(254))  # lower case
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), default=UserState.INVITED)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def is_erased(self) -> bool:
        """Whether nothing is left of the account but the id, to which other rows refer."""
        return self.email == erased_email(self.id)

    __table_args__ = (
        UniqueConstraint("tenant_id", "email"),
        CheckConstraint(f"state IN {tuple(map(str, UserState))}", name="state"),
    )


def erased_email(user_id: UUID) -> str:
    """What stands for the address of an account that was erased. No mail reaches it (RFC 2606)."""
    return f"{user_id}@erased.invalid"
