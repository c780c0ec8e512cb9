"""Which sessions a policy lets stand: asked of one as it is used, and of all where it changes."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update

from portal.auth.assurance import First, Policy
from portal.auth.models import UserSession
from portal.auth.policy.queries import get_policy
from portal.core import clock
from portal.tenancy.session import change, db

BREAK_GLASS_FOR = timedelta(minutes=30)


def is_live(session: Any, policy: Policy, now: datetime) -> bool:
    """Whether a session was opened in a way that the policy allows, and is within its limits."""
    first, lasts = First(session.first_factor), timedelta(hours=policy.absolute_hours)
    if first == First.BREAK_GLASS:
        lasts = min(lasts, BREAK_GLASS_FOR)
    is_used: bool = now - session.last_seen_at < timedelta(minutes=policy.idle_minutes)
    return policy.allows(first) and is_used and now - session.created_at < lasts


def end_fallen_sessions() -> int:
    """End for good the sessions that the policy in force does not let stand; gives their number.

    Called before a policy changes and after: a looser one never revives what was over.
    """
    db.session.flush()  # what was just chosen is in force
    return change(
        update(UserSession)
        .where(UserSession.ended_at.is_(None), _has_fallen(get_policy(), clock.now()))
        .values(ended_at=clock.now())
    )


def _has_fallen(policy: Policy, now: datetime) -> ColumnElement[bool]:
    """The opposite of `is_live`, in SQL."""
    refused = [first for first in First if not policy.allows(first)]
    return or_(
        UserSession.first_factor.in_(refused),
        UserSession.last_seen_at <= now - timedelta(minutes=policy.idle_minutes),
        UserSession.created_at <= now - timedelta(hours=policy.absolute_hours),
        and_(
            UserSession.first_factor == First.BREAK_GLASS,
            UserSession.created_at <= now - BREAK_GLASS_FOR,
        ),
    )
