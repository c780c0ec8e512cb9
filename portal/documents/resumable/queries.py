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

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """An upload that waits to be gone on with: of what, and how much of it is there."""

    id: UUID
    name: str
    size_bytes: int
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class BrokenOffPage:
    """Some of them, and the id to go on from, if there are more."""

    uploads: Sequence[BrokenOff]
    after: UUID | None


def list_broken_off(
    actor: Actor, folder_id: UUID | None, after: UUID | None = None
) -> BrokenOffPage:
    """A page of the actor's own uploads of new documents to a folder that nobody sends on just now,
    the oldest first. Raises `NotFound` or `Forbidden`.
    """
    require_upload(actor, folder_id)
    now = clock.now()
    waiting = select(Upload).where(
        Upload.owner_id == actor.user_id,
        Upload.folder_id.is_not_distinct_from(folder_id),
        Upload.is_version.is_(False),
        Upload.finished_at.is_(None),
        Upload.expires_at > now,
        or_(Upload.leased_until.is_(None), Upload.leased_until < now),
    )
    if after is not None:
        waiting = waiting.where(Upload.id > after)
    rows = db.session.scalars(waiting.order_by(Upload.id).limit(PAGE_SIZE + 1)).all()
    found = [BrokenOff(one.id, one.name, one.size_bytes, one.offset_bytes) for one in rows]
    is_last = len(found) <= PAGE_SIZE
    return BrokenOffPage(found[:PAGE_SIZE], None if is_last else found[PAGE_SIZE - 1].id)
