"""Taking away what links leave behind and nobody needs any more."""

from datetime import timedelta

from sqlalchemy import delete, or_

from portal.core import clock
from portal.documents.links.models import LinkCode, LinkVisit, SharingLink
from portal.tenancy.session import db

KEPT_FOR = timedelta(days=90)  # so long its maker can look up who opened a link that has ended


def sweep_links() -> None:
    """Delete the bound tenant's links that ended long ago, with what was done by them, and visits
    and codes that have expired. What happened stays told in the audit log.
    """
    now = clock.now()
    for expiring in (LinkCode, LinkVisit):
        db.session.execute(delete(expiring).where(expiring.expires_at < now))
    long_ago = now - KEPT_FOR
    db.session.execute(
        delete(SharingLink).where(
            or_(SharingLink.expires_at < long_ago, SharingLink.revoked_at < long_ago)
        )
    )
