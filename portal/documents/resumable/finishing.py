"""The end of an upload: its last part, a look at all of it, and the rows by which it is seen.

Nothing becomes visible that was not read back through the authenticated decryption: the bytes came
over days, maybe through several processes, and this is where it shows that they fit together. The
same reading gives the digest of the sealed bytes, the type, and what a scanner says.
"""

from contextlib import suppress
from typing import NamedTuple

from portal.audit.actor import Actor
from portal.core import clock
from portal.documents.cipher import ContentId, DamagedDocument, Sealed, decrypt
from portal.documents.contents import StoredContent, TypeNotAllowed, check_type
from portal.documents.hashed import Hashed
from portal.documents.models import Upload
from portal.documents.policy import get_rules
from portal.documents.quotas import Room
from portal.documents.resumable.ending import KEPT_FOR, discard
from portal.documents.resumable.leases import Lease
from portal.documents.resumable.parts import Parts
from portal.documents.scanning import Infected, scanned
from portal.documents.types import HEAD_BYTES
from portal.documents.uploads import complete_document, complete_version
from portal.storage.blobs import BlobExists
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release


class _Found(NamedTuple):
    """What reading it back has shown."""

    sealed: Sealed
    head: bytes


def finish(actor: Actor, upload: Upload, parts: Parts, lease: Lease) -> None:
    """Make a version of an upload all of whose bytes are here. Commits.

    One whose content is refused is discarded. Raises `Forbidden`, `NotFound`, `TypeNotAllowed`,
    `Infected`, `ScannerAway`, `DamagedDocument` or `UploadBusy`.
    """
    content, key = parts.content, parts.key
    with lease.guarding():
        if not parts.is_stored():
            with suppress(BlobExists):
                parts.write_last()
    release()
    try:
        with lease.guarding():
            found = _read_back(content, key.dek, upload.size_bytes, lease)
        upload = lease.read()  # its name may be sealed under another key by now
        kind = check_type(get_rules(), upload.name, found.head)
    except (TypeNotAllowed, Infected, DamagedDocument):
        discard(upload)
        raise
    room = Room(upload.owner_id, upload.size_bytes, upload.id)
    now = clock.now()
    lease.save(offset_bytes=upload.size_bytes, finished_at=now, expires_at=now + KEPT_FOR)
    _complete(actor, upload, StoredContent(content, key, found.sealed, kind.media_type, room))
    used = parts.drop_used_tail()
    db.session.commit()
    for blob_id in used:
        blobs().delete(bound_tenant_id(), blob_id)


def _complete(actor: Actor, upload: Upload, stored: StoredContent) -> None:
    if upload.is_version:
        complete_version(actor, stored, upload.note)
    else:
        complete_document(actor, stored, upload.folder_id, upload.name, upload.note)


def _read_back(content: ContentId, dek: bytes, size_bytes: int, lease: Lease) -> _Found:
    head = b""
    with blobs().open(content.tenant_id, content.version_id) as blob:
        hashed = Hashed(blob)
        pieces = decrypt(hashed, dek, content, size_bytes)
        for piece in scanned(pieces, f"document:{content.document_id}"):
            head = head or piece[:HEAD_BYTES]
            lease.keep()
        sealed = Sealed(size_bytes, blob.size_bytes, hashed.sha256.digest())
    return _Found(sealed, head)
