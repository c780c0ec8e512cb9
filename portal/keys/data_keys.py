"""The key of one content: made for a document version, wrapped under the tenant's KEK."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from portal.keys import hierarchy
from portal.keys.providers import KeyDamaged
from portal.tenancy.binding import bound_tenant_id

DATA_KEY_LABEL = b"portal/dek/v1\0"


class Mode(StrEnum):
    """Who encrypts a content and so makes its data key. Only the server does as yet."""

    SERVER = "S"
    TRANSIT = "T"
    CLIENT = "C"


class NewDataKey(NamedTuple):
    """A data key, its 104 wrapped bytes for the version's row, and the KEK version they need."""

    dek: bytes
    wrapped: bytes
    key_version: int


def new_data_key(document_id: UUID, version_id: UUID, mode: Mode = Mode.SERVER) -> NewDataKey:
    """Make the key of a new content of the bound tenant."""
    kek = hierarchy.current_key()
    dek = Cobblestone256Encryptor.generate_key()
    message = Cobblestone256Encryptor(kek.secret, _context(document_id, version_id, mode))
    return NewDataKey(dek, message.update(dek) + message.finalize(), kek.version)


def open_data_key(
    document_id: UUID, version_id: UUID, mode: Mode, wrapped: bytes, key_version: int
) -> bytes:
    """The key of a content of the bound tenant. Raises `KeyDamaged` or `KeyUnavailable`."""
    kek = hierarchy.key_of(key_version)
    message = Cobblestone256Decryptor(kek.secret, _context(document_id, version_id, mode))
    try:
        return message.update(wrapped) + message.finalize()
    except InvalidTag:
        raise KeyDamaged from None


def _context(document_id: UUID, version_id: UUID, mode: Mode) -> bytes:
    bound_to = (bound_tenant_id(), document_id, version_id)
    return DATA_KEY_LABEL + b"".join(one.bytes for one in bound_to) + mode.encode("ascii")
