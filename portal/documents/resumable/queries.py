"""Unfinished uploads, as their owner sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from portal.audit.actor import Actor
from portal.core import clock
from portal.documents.models import Upload
from portal.documents.uploads import require_upload
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """An upload that waits to be gone on with: of what, and how much of it is there."""

    id: UUID
    name: str
    size_bytes: int
    offset_bytes: int


def list_broken_off(actor: Actor, folder_id: UUID | None) -> Sequence[BrokenOff]:
    """The actor's own uploads of new documents to a folder that nobody sends on just now, the
    oldest first. Raises `NotFound` or `Forbidden`.
    """
    require_upload(actor, folder_id)
    now = clock.now()
    found = db.session.scalars(
        select(Upload)
        .where(
            Upload.owner_id == actor.user_id,
            Upload.folder_id.is_not_distinct_from(folder_id),
            Upload.is_version.is_(False),
            Upload.finished_at.is_(None),
            Upload.expires_at > now,
            or_(Upload.leased_until.is_(None), Upload.leased_until < now),
        )
        .order_by(Upload.id)
    )
    return [BrokenOff(one.id, one.name, one.size_bytes, one.offset_bytes) for one in found]
