"""Taking away what signing in leaves behind and nobody needs any more.

What happened stays told in the audit log; these rows say only what still holds.
"""

from datetime import timedelta

from sqlalchemy import delete, or_

from portal.auth import attempts
from portal.auth.models import Invitation, UserSession
from portal.core import clock
from portal.core.settings import active
from portal.tenancy.session import db

KEPT_FOR = timedelta(days=30)


def sweep_past() -> None:
    """Delete the bound tenant's sessions and invitations that ended long ago, and old counts."""
    long_ago = clock.now() - KEPT_FOR
    opened_before = long_ago - timedelta(hours=active().session_absolute_hours)
    db.session.execute(
        delete(UserSession).where(
            or_(UserSession.ended_at < long_ago, UserSession.created_at < opened_before)
        )
    )
    db.session.execute(
        delete(Invitation).where(
            or_(Invitation.used_at < long_ago, Invitation.expires_at < long_ago)
        )
    )
    attempts.sweep()
