"""Taking away what signing in leaves behind and nobody needs any more.

What happened stays told in the audit log; these rows say only what still holds.
"""

from datetime import timedelta

from sqlalchemy import delete, or_

from portal.access.approvals.service import sweep_acts
from portal.access.log_exports.service import sweep_exports
from portal.access.requests.service import sweep_requests
from portal.auth import attempts, ceremonies
from portal.auth.models import Invitation, PasswordReset, UserSession
from portal.auth.sso.models import SeenLogoutToken
from portal.core import clock
from portal.core.settings import active
from portal.tenancy.session import db

KEPT_FOR = timedelta(days=30)


def sweep_past() -> None:
    """Delete the bound tenant's sessions and links that ended long ago, and what has expired."""
    long_ago = clock.now() - KEPT_FOR
    opened_before = long_ago - timedelta(hours=active().session_absolute_hours)
    db.session.execute(
        delete(UserSession).where(
            or_(UserSession.ended_at < long_ago, UserSession.created_at < opened_before)
        )
    )
    for link in (Invitation, PasswordReset):
        db.session.execute(
            delete(link).where(or_(link.used_at < long_ago, link.expires_at < long_ago))
        )
    db.session.execute(delete(SeenLogoutToken).where(SeenLogoutToken.expires_at < clock.now()))
    ceremonies.sweep()
    attempts.sweep()
    sweep_acts(KEPT_FOR)
    sweep_requests(KEPT_FOR)
    sweep_exports()
