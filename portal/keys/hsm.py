"""Root keys in a hardware module (PKCS#11): one AES key a tenant, which can't be taken out.

wrapped = format 1 ‖ nonce[12] ‖ AES-256-GCM(root key, seed) ‖ tag[16]
associated data = "portal/seed/v1" NUL ‖ tenant ‖ u32 version
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

from pkcs11 import (
    Attribute,
    GCMParams,
    GeneralError,
    KeyType,
    Mechanism,
    MechanismFlag,
    MultipleObjectsReturned,
    NoSuchKey,
    ObjectClass,
    SecretKey,
    Session,
)
from pkcs11.exceptions import EncryptedDataInvalid, EncryptedDataLenRange

from portal.keys.providers import KeyDamaged, KeyUnavailable, seed_context
from portal.keys.token import token

FORMAT = 1
NONCE_AT, TEXT_AT = 1, 13
OVERHEAD_BYTES = TEXT_AT + 16
FOR_GOOD = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.PRIVATE: True,
    Attribute.MODIFIABLE: False,
}
T = TypeVar("T")


class Pkcs11:
    """A `KeyProvider` over a token that is reached by a PKCS#11 module."""

    name = "pkcs11"
    own_key = ""

    def __init__(self, module: str, label: str, pin: str) -> None:
        """`label` names the token. Nothing is loaded yet."""
        self._where = (module, label, pin)

    def create(self, tenant_id: UUID) -> None:
        def make(session: Session) -> None:
            with suppress(NoSuchKey):
                _key(session, tenant_id)
                return
            made = session.generate_key(
                KeyType.AES,
                256,
                id=tenant_id.bytes,
                label=f"tenant-portal {tenant_id}",
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template=FOR_GOOD,
            )
            try:
                _key(session, tenant_id)
            except MultipleObjectsReturned:  # tokens know no unique names; the other may be in use
                made.destroy()
                raise

        self._run(make, anew=True)

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        return self._run(lambda session: _seal(_key(session, tenant_id), tenant_id, version, seed))

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        """A token doesn't say whether a text is damaged or it can't work at all.

        So it is asked whether it can, with the same key.
        """
        if len(wrapped) < OVERHEAD_BYTES or wrapped[0] != FORMAT:
            raise KeyDamaged

        def open_seed(session: Session) -> bytes:
            key = _key(session, tenant_id)
            with suppress(GeneralError, EncryptedDataInvalid, EncryptedDataLenRange):
                return _open(key, tenant_id, version, wrapped)
            _open(key, tenant_id, version, _seal(key, tenant_id, version, b"probe"))
            raise KeyDamaged

        return self._run(open_seed)

    def rewrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        return self.wrap(tenant_id, version, self.unwrap(tenant_id, version, wrapped))

    def destroy(self, tenant_id: UUID) -> None:
        self._run(lambda session: [key.destroy() for key in _keys(session, tenant_id)])

    def health(self) -> None:
        self._run(lambda session: session.token.slot.get_token())

    def _run(self, work: Callable[[Session], T], *, anew: bool = False) -> T:
        try:
            return token(*self._where).run(work, anew=anew)
        except NoSuchKey:
            reason = "the token holds no key of this organisation"
        except MultipleObjectsReturned:
            reason = "the token holds more than one key of this organisation"
        # Out here, as in `Token.run`: what was under way holds a lock until it is let go.
        raise KeyUnavailable(reason)


def _keys(session: Session, tenant_id: UUID) -> list[Any]:
    wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.ID: tenant_id.bytes}
    return list(session.get_objects(wanted))


def _key(session: Session, tenant_id: UUID) -> SecretKey:
    return session.get_key(object_class=ObjectClass.SECRET_KEY, id=tenant_id.bytes)  # type: ignore[return-value]


def _seal(key: Any, tenant_id: UUID, version: int, seed: bytes) -> bytes:
    nonce = secrets.token_bytes(TEXT_AT - NONCE_AT)
    sealed: bytes = key.encrypt(seed, **_gcm(nonce, tenant_id, version))
    return bytes([FORMAT]) + nonce + sealed


def _open(key: Any, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
    nonce = wrapped[NONCE_AT:TEXT_AT]
    seed: bytes = key.decrypt(wrapped[TEXT_AT:], **_gcm(nonce, tenant_id, version))
    return seed


def _gcm(nonce: bytes, tenant_id: UUID, version: int) -> dict[str, Any]:
    context = seed_context(tenant_id, version)
    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, context)}
