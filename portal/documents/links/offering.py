"""What somebody may share by a link, before they do."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.documents.links.kinds import Kind
from portal.documents.links.pictures import is_shown
from portal.documents.links.policy import Rules, get_rules
from portal.documents.links.rights import require_to_share
from portal.documents.models import DocumentVersion
from portal.documents.places import Place
from portal.documents.queries import find_anywhere
from portal.tenancy.session import db

MOST_VERSIONS = 100  # that can be chosen from


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody may share by a link, and by which rules.

    `versions` are the numbers of those of a document that can be chosen, the newest first.
    `can_be_shown`: it can be looked at page by page, maybe in an older version alone.
    """

    name: str
    place: Place
    rules: Rules
    versions: Sequence[int] = ()
    can_be_shown: bool = True


def offer_document(actor: Actor, document_id: UUID) -> Offer:
    """What a link to a document could be. Raises `NotFound` or `Forbidden`."""
    place = require_to_share(actor, Kind.DOWNLOAD, document_id, None)
    document = find_anywhere(document_id).document
    seen = place.seen_by(actor, Permission.DOCUMENT_READ)
    versions = _list_versions(document_id)
    shown = any(is_shown(media_type) for _, media_type in versions)
    return Offer(document.name, seen, get_rules(), [number for number, _ in versions], shown)


def offer_folder(actor: Actor, folder_id: UUID, kind: Kind = Kind.DOWNLOAD) -> Offer:
    """What a link to a folder could be. Raises `NotFound` or `Forbidden`."""
    place = require_to_share(actor, kind, None, folder_id)
    name = place.folders[0].name
    return Offer(name, place.seen_by(actor, Permission.DOCUMENT_READ), get_rules())


def media_type_of(document_id: UUID, number: int) -> str | None:
    """The type of a version; None where there is no such version."""
    return db.session.scalars(
        select(DocumentVersion.media_type).where(
            DocumentVersion.document_id == document_id,
            DocumentVersion.number == number,
            DocumentVersion.gone_at.is_(None),
        )
    ).one_or_none()


def _list_versions(document_id: UUID) -> Sequence[tuple[int, str]]:
    """The numbers and types of those that can be chosen, the newest first."""
    rows = db.session.execute(
        select(DocumentVersion.number, DocumentVersion.media_type)
        .where(DocumentVersion.document_id == document_id, DocumentVersion.gone_at.is_(None))
        .order_by(DocumentVersion.number.desc())
        .limit(MOST_VERSIONS)
    )
    return [(number, media_type) for number, media_type in rows]
