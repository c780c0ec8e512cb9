"""Giving a document out: authenticated before a byte leaves, recorded before the first.

A store may take seconds to answer, and no transaction waits for it: what makes a content known is
read first, then the content's first block, and only then is written what is to be told of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Self
from uuid import UUID

from portal.access.decision import Member
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.live_sessions import read_again
from portal.core.errors import PortalError
from portal.documents.ahead import ahead
from portal.documents.cipher import (
    YIELDED,
    ContentId,
    DamagedDocument,
    decrypt,
    decrypt_range,
)
from portal.documents.integrity.findings import DamageFound
from portal.documents.integrity.models import Fault
from portal.documents.models import Document, DocumentVersion
from portal.documents.queries import get_document
from portal.documents.versions import get_version
from portal.keys.data_keys import Mode, open_data_key
from portal.storage.blobs import BlobDamaged, BlobMissing, BlobReader
from portal.storage.chosen import open_blob
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import release


@dataclass(frozen=True, slots=True)
class Download:
    """A content that is open for reading. Reading needs no database, and no bound tenant.

    Before any of it is given, whoever gives it has that told, which needs both.
    """

    name: str
    media_type: str
    size_bytes: int
    updated_at: datetime
    version_id: UUID
    number: int
    _blob: BlobReader
    _key: bytes
    _content: ContentId
    _telling: Callable[[], object] | None = None

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, the first block already proved.

        Raises `DamageFound`, here while there is still a status to answer with (the blob is
        closed then), or out of the iterator. Whoever reads closes the download at the end.
        """
        try:
            return self._proved(self._decrypted(start, stop))
        except (DamagedDocument, BlobMissing) as error:
            self.close()
            raise self._damage(error) from None
        except Exception:
            self.close()
            raise

    def told_by(self, telling: Callable[[], object]) -> "Download":
        """The same, of which that is done to tell that it is given."""
        return replace(self, _telling=telling)

    def tell(self) -> Self:
        """Tell that it is given. Raises what forbids that after all, and is closed then."""
        try:
            if self._telling is not None:
                self._telling()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Give the blob back, read or not."""
        self._blob.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _proved(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from blocks
        except (DamagedDocument, BlobMissing) as error:
            raise self._damage(error) from None

    def _damage(self, error: PortalError) -> DamageFound:
        fault = Fault.MISSING if isinstance(error, BlobMissing) else Fault.ROT
        return DamageFound(self._content.document_id, self.version_id, fault)

    def _decrypted(self, start: int, stop: int) -> Iterator[bytes]:
        if (start, stop) == (0, self.size_bytes):
            whole = decrypt(self._blob, self._key, self._content, self.size_bytes)
            return ahead(whole) if self.size_bytes > YIELDED else whole
        return decrypt_range(
            self._blob, self._key, self._content, self.size_bytes, start=start, stop=stop
        )


def open_download(
    actor: Actor,
    document_id: UUID,
    version_id: UUID | None = None,
    *,
    byte_range: str | None = None,
) -> Download:
    """Open a document's content, or that of an older version. Its `tell` records that it is given.

    Raises `NotFound`, `Forbidden`, `KeyUnavailable`, `KeyDamaged` or `DamageFound`.
    """
    located, version = get_version(actor, document_id, version_id, Permission.DOCUMENT_READ)
    opened = open_content(located.document, version)

    def told() -> None:
        require_still(actor, document_id)  # seconds may have passed
        record(
            actor,
            Action.DOCUMENT_DOWNLOADED,
            f"document:{document_id}",
            range=byte_range or None,
            version=opened.number,
        )

    return opened.told_by(told)


def open_content(document: Document, version: DocumentVersion) -> Download:
    """Open a content to which access is decided. What is made known of it is to be recorded.

    Ends the present transaction. Raises `KeyUnavailable`, `KeyDamaged` or `DamageFound`.
    """
    return prepare_content(document, version)()


def prepare_content(document: Document, version: DocumentVersion) -> Callable[[], Download]:
    """What opens a content, and needs no row any more. Raises `KeyUnavailable` or `KeyDamaged`."""
    document_id, version_id, mode = document.id, version.id, _mode(version)
    key = open_data_key(document_id, version_id, mode, version.wrapped_key, version.key_version)
    made = partial(
        Download,
        name=document.name,
        media_type=version.media_type,
        size_bytes=version.size_bytes,
        updated_at=version.created_at,
        version_id=version_id,
        number=version.number,
        _key=key,
        _content=ContentId(bound_tenant_id(), document_id, version_id, mode),
    )

    def opened() -> Download:
        release()
        try:
            return made(_blob=open_blob(version_id))
        except BlobMissing:
            raise DamageFound(document_id, version_id, Fault.MISSING) from None
        except BlobDamaged:
            raise DamageFound(document_id, version_id, Fault.ROT) from None

    return opened


def require_still(actor: Actor, document_id: UUID) -> None:
    """Raises what `open_download` would, if a download that is under way were begun now.

    The session has to be live, and its person to hold the right as of now.
    """
    now = read_again(actor) if isinstance(actor, Member) else actor
    get_document(now, document_id, Permission.DOCUMENT_READ)


def _mode(version: DocumentVersion) -> Mode:
    """The row's mode. One that there is none of is a row that was tampered with."""
    if version.mode not in tuple(Mode):
        raise DamagedDocument
    return Mode(version.mode)
