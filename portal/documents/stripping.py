"""Taking from what is gone all that goes with it when it is destroyed, and that people are shown.

It goes when its time in the trash is over, whether a hold keeps the thing itself or not: else a
role that stays, or a link that stays listed, would tell that something is kept.
"""

from datetime import datetime

from sqlalchemy import delete, select

from portal.access.models import RoleAssignment
from portal.access.requests.models import AccessRequest
from portal.access.service import Way, revoke_role
from portal.audit.actor import SYSTEM
from portal.documents.gone import gone_folders, is_gone
from portal.documents.links.models import SharingLink
from portal.documents.models import Document, DocumentCopy, DocumentStar
from portal.tenancy.session import db


def strip_gone(now: datetime) -> None:
    """Take away the roles on what is gone, the requests for it, the links that lead there, its
    stars, and that it was made by a copying.

    Call `lock_retention` first.
    """
    folders = select(gone_folders(now).c.id)
    documents = select(Document.id).where(is_gone(now))
    given = select(RoleAssignment).where(RoleAssignment.folder_id.in_(folders))
    for assignment in db.session.scalars(given.order_by(RoleAssignment.id)).all():
        revoke_role(SYSTEM, assignment, way=Way.DELETION)
    for thing in (
        delete(AccessRequest).where(AccessRequest.folder_id.in_(folders)),
        delete(SharingLink).where(SharingLink.folder_id.in_(folders)),
        delete(SharingLink).where(SharingLink.document_id.in_(documents)),
        delete(DocumentStar).where(DocumentStar.document_id.in_(documents)),
        delete(DocumentCopy).where(DocumentCopy.document_id.in_(documents)),
    ):
        db.session.execute(thing.execution_options(synchronize_session=False))
