"""The key of one content: made for a document version, wrapped under the tenant's KEK."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from portal.keys import hierarchy
from portal.keys.hierarchy import TenantKek
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


class WrappedDataKey(NamedTuple):
    """A data key as a row holds it."""

    document_id: UUID
    version_id: UUID
    mode: str
    wrapped: bytes
    key_version: int


def new_data_key(document_id: UUID, version_id: UUID) -> NewDataKey:
    """Make the key of a new content of the bound tenant, which the server encrypts."""
    dek = Cobblestone256Encryptor.generate_key()
    context = _context(document_id, version_id, Mode.SERVER)
    return _wrapped(hierarchy.current_key(), dek, context)


def wrap_again(key: NewDataKey, document_id: UUID, version_id: UUID, mode: Mode) -> NewDataKey:
    """The same key, wrapped under the KEK that is the newest by now.

    For whoever writes a row long after the key was made: a content may take longer to arrive than
    a rotated seed is kept (`rotation.KEPT_FOR`), and nothing refers to it before the row does.
    """
    kek = hierarchy.current_key()
    if kek.version == key.key_version:
        return key
    return _wrapped(kek, key.dek, _context(document_id, version_id, mode))


def open_data_key(
    document_id: UUID, version_id: UUID, mode: Mode, wrapped: bytes, key_version: int
) -> bytes:
    """The key of a content of the bound tenant. Raises `KeyDamaged` or `KeyUnavailable`."""
    return _opened(hierarchy.key_of(key_version), wrapped, _context(document_id, version_id, mode))


def rewrap_data_key(kek: TenantKek, key: WrappedDataKey) -> bytes:
    """Wrap anew, under `kek`, what was wrapped under another version. Raises `KeyDamaged`."""
    context = _context(key.document_id, key.version_id, key.mode)
    dek = _opened(hierarchy.key_of(key.key_version), key.wrapped, context)
    return _wrapped(kek, dek, context).wrapped


def _wrapped(kek: TenantKek, dek: bytes, context: bytes) -> NewDataKey:
    message = Cobblestone256Encryptor(kek.secret, context)
    return NewDataKey(dek, message.update(dek) + message.finalize(), kek.version)


def _opened(kek: TenantKek, wrapped: bytes, context: bytes) -> bytes:
    message = Cobblestone256Decryptor(kek.secret, context)
    try:
        return message.update(wrapped) + message.finalize()
    except InvalidTag:
        raise KeyDamaged from None


def _context(document_id: UUID, version_id: UUID, mode: str) -> bytes:
    bound_to = (bound_tenant_id(), document_id, version_id)
    return DATA_KEY_LABEL + b"".join(one.bytes for one in bound_to) + mode.encode("ascii")
