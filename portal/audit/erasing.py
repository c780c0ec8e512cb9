"""Erasing what the log keeps of a person, but for their id: every proof stays valid."""

from uuid import UUID

from sqlalchemy import or_, select, update

from portal.audit.models import AuditAside, AuditEntry
from portal.tenancy.session import change


def forget_person(user_id: UUID) -> None:
    """Erase the addresses and words in what somebody did, and in what was done about them.

    The salts go with them, so nobody can try out any more what it was.
    """
    about = or_(AuditEntry.actor_id == user_id, AuditEntry.target == f"user:{user_id}")
    theirs = AuditAside.id.in_(select(AuditEntry.id).where(about))
    change(update(AuditAside).where(theirs).values(salt=None, address=None, personal=None))
