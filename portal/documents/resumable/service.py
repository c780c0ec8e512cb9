"""Beginning, sending and giving up an upload that can be resumed.

It commits as it goes: what an answer acknowledges is durable before the answer, and an upload of
hours loses a part at most to a process that is killed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound, PortalError
from portal.core.ids import new_id
from portal.documents.adding import clean_note
from portal.documents.cipher import ContentId
from portal.documents.contents import PIECE_BYTES, Body, TooLarge, check_name, check_size
from portal.documents.models import Upload
from portal.documents.names import clean_name
from portal.documents.policy import get_rules
from portal.documents.queries import get_document
from portal.documents.quotas import Room, hold_room
from portal.documents.resumable.ending import BEGINS_WITHIN, KEPT_FOR, discard
from portal.documents.resumable.finishing import finish
from portal.documents.resumable.leases import Lease, UploadBusy, take_lease
from portal.documents.resumable.parts import Parts
from portal.documents.uploads import person_behind, require_upload
from portal.keys.data_keys import Mode, NewDataKey, new_data_key, open_data_key
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

CHECKSUMS = ("sha1", "sha256")


class ChecksumMismatch(PortalError):
    """What came is not what the client said it would be; none of it was kept."""

    status = 460  # of tus's own
    message = "The checksum does not match. Send this piece again."


class WrongOffset(Conflict):
    """The piece doesn't begin where the last one ended."""

    message = "This is not where the upload goes on. Ask for its offset."


@dataclass(frozen=True, slots=True)
class Destination:
    """What an upload becomes: a document called `name` in a folder, or a new version of one."""

    folder_id: UUID | None = None
    name: str = ""
    document_id: UUID | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload has come, and until when it is waited for."""

    upload_id: UUID
    offset_bytes: int
    size_bytes: int
    expires_at: datetime


class Checksum:
    """What a client says that a piece hashes to. Raises `Invalid` for an unknown algorithm."""

    def __init__(self, algorithm: str, digest: bytes) -> None:
        if algorithm not in CHECKSUMS:
            raise Invalid("This algorithm is not supported.")
        self._hash, self._digest = hashlib.new(algorithm, usedforsecurity=False), digest

    def update(self, piece: bytes) -> None:
        """Go on with some more of the piece."""
        self._hash.update(piece)

    def check(self) -> None:
        """Raises `ChecksumMismatch`."""
        if self._hash.digest() != self._digest:
            raise ChecksumMismatch


def begin_upload(actor: Actor, to: Destination, size_bytes: int) -> Progress:
    """Begin an upload of so many bytes; one of none is finished thereby.

    Its room is held from now on. Raises `NotFound`, `Forbidden`, `Invalid`, `TooLarge`,
    `TypeNotAllowed` or `QuotaExceeded`.
    """
    name, note = _wanted_name(actor, to), clean_note(to.note)
    check_size(size_bytes)
    check_name(get_rules(), name)
    document_id, version_id = to.document_id or new_id(), new_id()
    key = new_data_key(document_id, version_id)
    release()
    token = blobs().begin(bound_tenant_id(), version_id)
    upload = Upload(
        id=new_id(),
        owner_id=person_behind(actor),
        folder_id=to.folder_id,
        document_id=document_id,
        is_version=to.document_id is not None,
        version_id=version_id,
        name=name,
        note=note,
        size_bytes=size_bytes,
        mode=Mode.SERVER,
        wrapped_key=key.wrapped,
        key_version=key.key_version,
        token=token,
        expires_at=clock.now() + BEGINS_WITHIN,
    )
    hold_room(Room(upload.owner_id, size_bytes, upload.id), upload.expires_at)
    db.session.add(upload)
    record(actor, Action.UPLOAD_BEGUN, f"document:{document_id}", size_bytes=size_bytes)
    db.session.commit()
    return (
        find_progress(actor, upload.id) if size_bytes else append(actor, upload.id, 0, _Nothing())
    )


def find_progress(actor: Actor, upload_id: UUID) -> Progress:
    """How far an upload of the actor's own has come. Raises `NotFound`."""
    return _progress(_get_own(actor, upload_id))


def append(
    actor: Actor,
    upload_id: UUID,
    offset_bytes: int,
    body: Body,
    *,
    announced_bytes: int | None = None,
    checksum: Checksum | None = None,
) -> Progress:
    """Take some more of an upload, and finish it with its last byte.

    What came before a connection broke is kept, unless there is a checksum, which is about all of
    it. Raises `NotFound`, `Forbidden`, `WrongOffset`, `UploadBusy`, `ChecksumMismatch`, `TooLarge`,
    and what `finish` does.
    """
    _require_still(actor, _get_own(actor, upload_id))
    lease = take_lease(upload_id)
    try:
        upload = _get_own(actor, upload_id)
        if upload.finished_at or upload.offset_bytes != offset_bytes:
            raise WrongOffset
        if offset_bytes + (announced_bytes or 0) > upload.size_bytes:
            raise TooLarge("documents", "This is more than was announced.")
        parts = _parts(upload)
        db.session.expunge(upload)  # or to look at it would begin a transaction again
        release()
        with lease.guarding():
            _receive(parts, lease, body, checksum)
        if parts.is_complete:
            if _next(body, 1):
                raise TooLarge("documents", "This is more than was announced.")
            finish(actor, upload, parts, lease)
        else:
            parts.save_tail()
            _save(parts, lease)
    except UploadBusy:
        db.session.rollback()
        _get_own(actor, upload_id)  # unless it was given up
        raise
    finally:
        lease.end()
    return find_progress(actor, upload_id)


def end_upload(actor: Actor, upload_id: UUID) -> None:
    """Give up an upload; what has come of it is deleted. Raises `NotFound`."""
    upload = _get_own(actor, upload_id)
    record(actor, Action.UPLOAD_ENDED, f"document:{upload.document_id}")
    discard(upload)


class _Nothing:
    """The body of an empty document."""

    def read(self, size: int, /) -> bytes:
        return b""


def _wanted_name(actor: Actor, to: Destination) -> str:
    if to.document_id is not None:
        return get_document(actor, to.document_id, Permission.DOCUMENT_EDIT).document.name
    name = clean_name(to.name)
    require_upload(actor, to.folder_id)
    return name


def _get_own(actor: Actor, upload_id: UUID) -> Upload:
    identity = (bound_tenant_id(), upload_id)
    found = db.session.get(Upload, identity, populate_existing=True)
    if found is None or found.owner_id != actor.user_id or found.expires_at < clock.now():
        raise NotFound
    return found


def _require_still(actor: Actor, upload: Upload) -> None:
    if upload.is_version:
        get_document(actor, upload.document_id, Permission.DOCUMENT_EDIT)
    else:
        require_upload(actor, upload.folder_id)


def _parts(upload: Upload) -> Parts:
    content = ContentId(bound_tenant_id(), upload.document_id, upload.version_id)
    ids, wrapped = (content.document_id, content.version_id), upload.wrapped_key
    dek = open_data_key(*ids, content.mode, wrapped, upload.key_version)
    return Parts(upload, content, NewDataKey(dek, wrapped, upload.key_version))


def _receive(parts: Parts, lease: Lease, body: Body, checksum: Checksum | None) -> None:
    """Take what comes, up to the end of the content or of the connection."""
    while not parts.is_complete and (piece := _next(body, parts.wanted_bytes)):
        if checksum is not None:
            checksum.update(piece)
        lease.keep()
        is_part = parts.take(piece)
        if is_part and checksum is None and not parts.is_complete:
            _save(parts, lease)
    if checksum is not None:
        checksum.check()


def _next(body: Body, wanted_bytes: int) -> bytes:
    try:
        return body.read(min(PIECE_BYTES, wanted_bytes))
    except (OSError, EOFError):  # the client is gone; what came is kept
        return b""


def _save(parts: Parts, lease: Lease) -> None:
    used = parts.drop_used_tail()
    lease.save(offset_bytes=parts.offset_bytes, expires_at=clock.now() + KEPT_FOR)
    db.session.commit()
    for blob_id in used:
        blobs().delete(bound_tenant_id(), blob_id)


def _progress(upload: Upload) -> Progress:
    return Progress(upload.id, upload.offset_bytes, upload.size_bytes, upload.expires_at)
