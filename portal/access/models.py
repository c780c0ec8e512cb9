"""Who holds which role, and where: assignments, the groups they go to, a tenant's own roles."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned, unique_within_tenant, within_tenant


class CustomRole(TenantOwned, Base):
    """A role that a tenant made for itself. It is never deleted: the audit log names it."""

    __tablename__ = "custom_role"

    key: Mapped[str] = mapped_column(String(60))  # what assignments and policies name it by
    name: Mapped[str] = mapped_column(String(60))
    sentence: Mapped[str] = mapped_column(String(200))
    permissions: Mapped[Any] = mapped_column(JSON)  # a list of their values, sorted
    is_scoped: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    # Who last had it allow more; a claim gives it to others, not to them.
    widened_by: Mapped[UUID | None]
    retired_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("tenant_id", "key"),)


class ExclusiveRolePair(TenantOwned, Base):
    """Two roles that a tenant wants nobody to hold together, by their keys in order."""

    __tablename__ = "exclusive_role_pair"

    first_role: Mapped[str] = mapped_column(String(60))
    second_role: Mapped[str] = mapped_column(String(60))
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (UniqueConstraint("tenant_id", "first_role", "second_role"),)


class Group(TenantOwned, Base):
    """People who hold roles together. It holds no groups: who is in it is read in one look."""

    __tablename__ = "member_group"

    name: Mapped[str] = mapped_column(String(60))
    name_key: Mapped[str] = mapped_column(String(60))  # casefolded, to be unique by
    sentence: Mapped[str] = mapped_column(String(200), default="")
    # Fed by what a provider says of people when they sign in; None: filled by hand.
    provider_id: Mapped[UUID | None]
    claim: Mapped[str | None] = mapped_column(String(200))
    fed_by: Mapped[UUID | None]  # who decided that; they don't come in by it themselves
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("provider_id", "identity_provider"),
        UniqueConstraint("tenant_id", "name_key"),
        UniqueConstraint("tenant_id", "provider_id", "claim"),
        CheckConstraint("(provider_id IS NULL) = (claim IS NULL)", name="feed"),
    )


class GroupMembership(TenantOwned, Base):
    """Somebody's being in a group."""

    __tablename__ = "group_membership"

    group_id: Mapped[UUID]
    user_id: Mapped[UUID]
    added_by: Mapped[UUID | None]  # None: by a provider's claim
    added_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("group_id", "member_group", ondelete="CASCADE"),
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "group_id", "user_id"),
        Index("ix_group_membership_user_id", "tenant_id", "user_id", "group_id"),
    )


class RoleAssignment(TenantOwned, Base):
    """A role given to a person or a group: in the whole organisation, or from a folder down."""

    __tablename__ = "role_assignment"

    user_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    role: Mapped[str] = mapped_column(String(60))
    folder_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    granted_by: Mapped[UUID | None]  # None: by the operator, or by a provider's claim
    way: Mapped[str] = mapped_column(String(20), default="page")  # by which it came
    is_from_claim: Mapped[bool] = mapped_column(default=False)  # made anew at each sign-in
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime | None]
    noticed_at: Mapped[datetime | None]  # when its end was announced

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        within_tenant("group_id", "member_group", ondelete="CASCADE"),
        within_tenant("folder_id", "folder", ondelete="CASCADE"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="holder"),
        unique_within_tenant(
            "uq_role_assignment_scoped",
            "user_id",
            "role",
            "folder_id",
            where="user_id IS NOT NULL AND folder_id IS NOT NULL",
        ),
        unique_within_tenant(
            "uq_role_assignment_tenant_wide",
            "user_id",
            "role",
            where="user_id IS NOT NULL AND folder_id IS NULL",
        ),
        unique_within_tenant(
            "uq_role_assignment_group_scoped",
            "group_id",
            "role",
            "folder_id",
            where="group_id IS NOT NULL AND folder_id IS NOT NULL",
        ),
        unique_within_tenant(
            "uq_role_assignment_group_tenant_wide",
            "group_id",
            "role",
            where="group_id IS NOT NULL AND folder_id IS NULL",
        ),
        # The unique ones are over some rows only, so no search by holder alone can use them.
        Index("ix_role_assignment_user_id", "tenant_id", "user_id"),
        Index("ix_role_assignment_group_id", "tenant_id", "group_id"),
        Index("ix_role_assignment_role", "tenant_id", "role"),
        Index("ix_role_assignment_folder_id", "tenant_id", "folder_id"),
        Index("ix_role_assignment_expires_at", "tenant_id", "expires_at"),
    )
