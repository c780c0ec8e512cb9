"""Counting tries at a secret, before they are checked.

Every try is reserved in a transaction of its own: a try that fails rolls back whatever it did,
but not that it was made, and parallel tries can't all see the same low count. Windows pass by
themselves, so nobody can be locked out for good by a stranger.
"""

import hashlib
from datetime import datetime
from ipaddress import ip_address, ip_network

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from portal.audit.actions import Action
from portal.audit.service import RecordedRefusal
from portal.auth.models import Attempts
from portal.core import clock
from portal.core.ids import new_id
from portal.core.settings import active
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release


class TooManyAttempts(RecordedRefusal):
    """A secret was tried too often in the present window."""

    status = 429
    message = "Too many attempts. Please wait a few minutes and try again."
    action = Action.SIGN_IN_LIMITED


def reserve(target: str, *limits: tuple[int, str]) -> None:
    """Count one try against each (limit, subject). Raises `TooManyAttempts` beyond any of them.

    Commits. Called before anything else was written in this unit of work.
    """
    release()
    window = _window(clock.now())
    counts = [(_count(subject, window), limit) for limit, subject in limits]
    db.session.commit()
    if any(count > limit for count, limit in counts):
        raise TooManyAttempts(target)


def network_of(address: str | None) -> str:
    """What counts as one address: an IPv6 host has a whole /64 to choose from."""
    if not address:
        return ""
    parsed = ip_address(address)
    return address if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


def forget(*subjects: str) -> None:
    """Start over for these subjects, after a try that succeeded."""
    db.session.execute(
        delete(Attempts).where(Attempts.subject_hash.in_([_hash(s) for s in subjects]))
    )


def sweep() -> None:
    """Delete the counts of windows that have passed."""
    db.session.execute(delete(Attempts).where(Attempts.window < _window(clock.now())))


def _count(subject: str, window: int) -> int:
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    statement = (
        dialect.insert(Attempts)
        .values(id=new_id(), subject_hash=_hash(subject), window=window, count=1)
        .on_conflict_do_update(
            index_elements=["tenant_id", "subject_hash", "window"],
            set_={"count": Attempts.count + 1},
        )
        .returning(Attempts.count)
    )
    return int(db.session.execute(statement).scalar_one())


def _hash(subject: str) -> bytes:
    return hashlib.sha256(f"{bound_tenant_id()}\0{subject}".encode()).digest()


def _window(at: datetime) -> int:
    return int(at.timestamp()) // (active().attempts_window_minutes * 60)
