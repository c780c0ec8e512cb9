"""Telling people before a role ends: those who hold it, and whoever gave it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.ends import take_unannounced
from portal.access.holders import holder_of
from portal.access.models import RoleAssignment
from portal.access.roles import list_roles
from portal.auth.notices import Notice, tell
from portal.tenancy.session import db
from portal.users.models import User, UserState


def announce_ends() -> None:
    """Tell of every role of the bound tenant that ends soon, once.

    The mails name no folder: its name is nothing for a mailbox.
    """
    ending = take_unannounced()
    roles = list_roles() if ending else {}
    for assignment in ending:
        if assignment.role in roles and assignment.expires_at is not None:
            _announce(assignment, roles[assignment.role].name, assignment.expires_at)


def _announce(assignment: RoleAssignment, role: str, expires_at: datetime) -> None:
    holder = holder_of(assignment)
    facts: dict[str, Any] = {
        "role": role,
        "holds": "on one folder" if assignment.folder_id else "in the whole organisation",
        "until": f"{expires_at:%Y-%m-%d %H:%M} UTC",
    }
    through = holder.name if holder.group_id else ""
    for user_id in _active(holder.people):
        tell(user_id, Notice.ROLE_ENDS, through_the_group=through, **facts)
    for user_id in _active({assignment.granted_by} if assignment.granted_by else set()):
        tell(user_id, Notice.GIVEN_ROLE_ENDS, held_by=holder.name, **facts)


def _active(user_ids: frozenset[UUID] | set[UUID]) -> list[UUID]:
    """Those who can come in: nobody else is told of what they can't use."""
    statement = select(User.id).where(User.id.in_(user_ids), User.state == UserState.ACTIVE)
    return list(db.session.scalars(statement.order_by(User.id)))
