"""The people whose documents a legal hold keeps."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from portal.documents.retention.models import Anchor, AnchorKind, LegalHold
from portal.tenancy.session import db


def find_held_people() -> Mapping[UUID, datetime]:
    """Who is under a legal hold now, and since when."""
    held = (
        select(Anchor.thing_id, func.min(Anchor.created_at).label("since"))
        .join(LegalHold, LegalHold.id == Anchor.hold_id)
        .where(Anchor.kind == AnchorKind.USER, LegalHold.released_at.is_(None))
        .group_by(Anchor.thing_id)
    )
    return {row.thing_id: row.since for row in db.session.execute(held)}
