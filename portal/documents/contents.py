"""A content on its way in: whatever comes becomes a sealed, durable blob, in constant memory and
never in clear on a disk. The one way in for everybody: pages, links, copies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Protocol
from uuid import UUID

from portal.audit.actions import Action, Outcome
from portal.audit.service import RecordedRefusal
from portal.core.ids import new_id
from portal.core.settings import active
from portal.documents import quotas
from portal.documents.cipher import ContentId, Encryptor, Sealed
from portal.documents.policy import DocumentRules, get_rules
from portal.documents.quotas import Room
from portal.documents.scanning import scanned
from portal.documents.types import HEAD_BYTES, UNKNOWN, ContentType, type_named, type_of
from portal.keys.data_keys import NewDataKey, new_data_key
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id

PIECE_BYTES = 256 * 1024


class Body(Protocol):
    """Where the content comes from. It raises or gives less than announced when it breaks off."""

    def read(self, size: int, /) -> bytes: ...


class UploadAbandoned(RecordedRefusal):
    """The content broke off before its end; nothing of it was kept."""

    message = "The upload broke off. Nothing was kept; please try again."
    action = Action.UPLOAD_ABANDONED
    outcome = Outcome.FAILURE


class TooLarge(RecordedRefusal):
    """The content is larger than it may be."""

    status = 413
    action = Action.UPLOAD_REFUSED


class TypeNotAllowed(RecordedRefusal):
    """The organisation does not take contents of this type."""

    status = 415
    message = "Your organisation does not take documents of this kind."
    action = Action.UPLOAD_REFUSED


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content that is durable and nobody sees: the row of its version is still to be written.

    If it never is, the sweep takes the blob away, and its room is given back.
    """

    content: ContentId
    key: NewDataKey
    sealed: Sealed
    media_type: str
    room: Room


def take_in(
    document_id: UUID, name: str, body: Body, *, owner_id: UUID, announced_bytes: int | None
) -> StoredContent:
    """Store a new content of a document that is called `name`; it counts as `owner_id`'s.

    Ends the present transaction: none is open while the content arrives, so whoever calls decides
    access before, and again afterwards. Raises `TooLarge`, `QuotaExceeded`, `TypeNotAllowed`,
    `Infected`, `ScannerAway` or `UploadAbandoned`.
    """
    check_size(announced_bytes)
    rules = get_rules()
    check_name(rules, name)
    content = ContentId(bound_tenant_id(), document_id, new_id())
    key = new_data_key(content.document_id, content.version_id)
    room = quotas.begin_room(owner_id, announced_bytes)
    try:
        pieces = _Arrival(content, body, room, announced_bytes).pieces()
        head, pieces = _behead(pieces)
        kind = check_type(rules, name, head)
        pieces = scanned(pieces, f"document:{document_id}")
        return StoredContent(content, key, _store(content, key, pieces), kind.media_type, room)
    except BaseException:
        quotas.give_back(room)
        raise


def check_size(size_bytes: int | None) -> None:
    """Raises `TooLarge` for more than the installation takes."""
    limit_gib = active().max_upload_gib
    if size_bytes is not None and size_bytes > limit_gib * 2**30:
        raise TooLarge("documents", f"A document may have {limit_gib} GiB at most.")


def check_name(rules: DocumentRules, name: str) -> None:
    """Raises `TypeNotAllowed` where nothing by that name would be taken, whatever it holds."""
    kind = type_named(name)
    if kind.family not in rules.families and UNKNOWN.family not in rules.families:
        raise TypeNotAllowed("documents", family=kind.family)


def check_type(rules: DocumentRules, name: str, head: bytes) -> ContentType:
    """The type of a content that begins with `head`. Raises `TypeNotAllowed`."""
    kind = type_of(name, head)
    if kind.family not in rules.families:
        raise TypeNotAllowed("documents", family=kind.family)
    return kind


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A content as it comes: counted, and watched for its end."""

    content: ContentId
    body: Body
    room: Room
    announced_bytes: int | None

    def pieces(self) -> Iterator[bytes]:
        taken = 0
        while piece := self._next(taken):
            taken += len(piece)
            check_size(taken)
            quotas.cover(self.room, taken)
            yield piece
        if self.announced_bytes is not None and taken != self.announced_bytes:
            raise self._abandoned(taken)

    def _next(self, taken: int) -> bytes:
        try:
            return self.body.read(PIECE_BYTES)
        except (OSError, EOFError) as error:
            raise self._abandoned(taken) from error

    def _abandoned(self, taken: int) -> UploadAbandoned:
        return UploadAbandoned(f"document:{self.content.document_id}", taken_bytes=taken)


def _behead(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes by which a type is known, and all pieces once more."""
    first: list[bytes] = []
    while sum(map(len, first)) < HEAD_BYTES and (piece := next(pieces, b"")):
        first.append(piece)
    return b"".join(first)[:HEAD_BYTES], chain(first, pieces)


def _store(content: ContentId, key: NewDataKey, pieces: Iterator[bytes]) -> Sealed:
    with blobs().create(content.tenant_id, content.version_id) as writer:
        encryptor = Encryptor(writer, key.dek, content)
        for piece in pieces:
            encryptor.write(piece)
        sealed = encryptor.finish()
        writer.commit()
    return sealed
