"""Encrypted columns: names and secrets that a row holds, readable only under its tenant's KEK.

    sealed = format 1 ‖ u32 key version ‖ nonce[12] ‖ AES-256-GCM(column key, text) ‖ tag[16]
    column key = HKDF-SHA512(KEK, "portal/column/v1" NUL ‖ table NUL ‖ column)
    associated data = "portal/column/v1" NUL ‖ tenant ‖ u32 key version ‖ table NUL column NUL ‖ row

Moved to another row, column, table, tenant or key version it doesn't open. Nonces are random, so a
column key may seal 2^32 values (SP 800-38D, 8.3): rotate a tenant's KEK long before.
"""

import secrets
from typing import Any, Self, overload
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import event

from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.keys import cells, hierarchy
from portal.keys.hierarchy import TenantKek
from portal.keys.providers import KeyDamaged
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.errors import CrossTenantWrite

COLUMN_LABEL = b"portal/column/v1\0"
FORMAT = 1
NONCE_AT, TEXT_AT = 5, 17
OVERHEAD_BYTES = TEXT_AT + 16
MAX_BYTES = 64 * 1024


def seal(table: str, column: str, row_id: UUID, value: str | bytes) -> bytes:
    """Encrypt a value for one cell of the bound tenant. Raises `Invalid` above 64 KiB."""
    cells.require_declared(table, column)
    try:
        text = value.encode() if isinstance(value, str) else value
    except UnicodeEncodeError:
        raise Invalid("This text contains invalid characters.") from None
    if len(text) > MAX_BYTES:
        raise Invalid("This text is too long.")
    return _seal_under(hierarchy.current_key(), table, column, row_id, text)


def open_sealed(table: str, column: str, row_id: UUID, sealed: bytes) -> bytes:
    """Decrypt what `seal` made for this very cell. Raises `KeyDamaged` for anything else.

    Meant for lists: a few microseconds once the column's key is derived.
    """
    if len(sealed) < OVERHEAD_BYTES or sealed[0] != FORMAT:
        raise KeyDamaged
    kek = hierarchy.key_of(int.from_bytes(sealed[1:NONCE_AT], "big"))
    cipher, fixed = kek.column_ciphers.get((table, column)) or _cipher(kek, table, column)
    try:
        return cipher.decrypt(sealed[NONCE_AT:TEXT_AT], sealed[TEXT_AT:], fixed + row_id.bytes)
    except InvalidTag:
        raise KeyDamaged from None


def reseal(kek: TenantKek, table: str, column: str, row_id: UUID, sealed: bytes) -> bytes:
    """Seal anew, under `kek`, what was sealed under another version. Raises `KeyDamaged`."""
    return _seal_under(kek, table, column, row_id, open_sealed(table, column, row_id, sealed))


def version_bytes(version: int) -> bytes:
    """How a sealed value names the version that it was sealed under: bytes 2 to 5."""
    return version.to_bytes(4, "big")


def _seal_under(kek: TenantKek, table: str, column: str, row_id: UUID, text: bytes) -> bytes:
    cipher, fixed = kek.column_ciphers.get((table, column)) or _cipher(kek, table, column)
    nonce = secrets.token_bytes(TEXT_AT - NONCE_AT)
    header = bytes([FORMAT]) + version_bytes(kek.version) + nonce
    return header + cipher.encrypt(nonce, text, fixed + row_id.bytes)


def _cipher(kek: TenantKek, table: str, column: str) -> tuple[AESGCM, bytes]:
    """Derived once and kept with the KEK, so that it is forgotten with it."""
    names = f"{table}\0{column}".encode("ascii")
    key = hierarchy.derive_key(kek.secret, COLUMN_LABEL + names)
    fixed = COLUMN_LABEL + kek.tenant_id.bytes + version_bytes(kek.version) + names + b"\0"
    kek.column_ciphers[table, column] = derived = (AESGCM(key), fixed)
    return derived


class SealedText:
    """A model's readable face of a sealed column: `name = SealedText("name_sealed")`.

    Reading decrypts, writing encrypts for the row's id, which a new object has from the start.
    It can't be searched or sorted by in SQL: nothing of the text is left there.
    """

    def __init__(self, column: str) -> None:
        self._column = column

    def __set_name__(self, owner: Any, name: str) -> None:
        self._table: str = owner.__tablename__
        cells.sealed_cell(self._table, self._column)
        event.listen(owner, "init", _put_identity_first)

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> str: ...
    def __get__(self, instance: Any, owner: Any) -> Self | str:
        if instance is None:
            return self
        return self.open(instance.id, getattr(instance, self._column))

    def __set__(self, instance: Any, value: str) -> None:
        tenant_id = bound_tenant_id()
        if instance.tenant_id not in (None, tenant_id):
            raise CrossTenantWrite("this object belongs to another tenant")
        instance.tenant_id = tenant_id
        sealed = seal(self._table, self._column, instance.id, value)
        setattr(instance, self._column, sealed)

    def open(self, row_id: UUID, sealed: bytes) -> str:
        """The text of a row that was read by its columns, without an object."""
        return open_sealed(self._table, self._column, row_id, sealed).decode()


def _put_identity_first(_instance: Any, _args: Any, given: dict[str, Any]) -> None:
    """Have a constructor set whose and which row it is before anything is sealed for it."""
    given["id"] = given.get("id") or new_id()
    ordered = sorted(given.items(), key=lambda item: item[0] not in ("tenant_id", "id"))
    given.clear()
    given.update(ordered)
