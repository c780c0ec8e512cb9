"""What a tenant signs with its own key, so that others can tell that it is unaltered: Ed25519
(RFC 8032).

The secret part lies sealed under the tenant's KEK. One key is live at a time; those before it sign
for the one that took over, and nothing else any more, and verify what they signed.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor
from portal.audit.service import record
from portal.audit.tlog.rotations import encoded, endorsement_of
from portal.core import clock
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.keys.columns import open_sealed, seal
from portal.keys.models import SIGNING_SECRET, SigningKey
from portal.keys.providers import KeyDamaged
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db


@dataclass(frozen=True, slots=True)
class Signature:
    """64 bytes, and the key that made them."""

    key_id: UUID
    value: bytes


def sign(message: bytes) -> Signature:
    """Sign for the bound tenant, whose first key is made by the way.

    Whoever signs says in the message itself what kind of message it is: the key serves for all.
    """
    key = get_live_key()
    return Signature(key.id, sign_by(key, message))


def sign_by(key: SigningKey, message: bytes) -> bytes:
    """Sign by a key that need not be the live one: for what tells who took over from it."""
    return _secret_of(key).sign(message)


def public_part(key: SigningKey) -> bytes:
    """What belongs to the sealed secret, whatever the row says that it is: who writes rows and has
    none of the tenant's keys makes no other. Raises `KeyDamaged` or `KeyUnavailable`.
    """
    return _secret_of(key).public_key().public_bytes_raw()


def is_genuine(message: bytes, signature: Signature) -> bool:
    """Whether a key of the bound tenant, live or retired, made this signature of `message`.

    Raises `KeyUnavailable`.
    """
    try:
        public = public_part(get_signing_key(signature.key_id))
        Ed25519PublicKey.from_public_bytes(public).verify(signature.value, message)
    except (NotFound, KeyDamaged, InvalidSignature):
        return False
    return True


def rotate_signing_key(actor: Actor) -> SigningKey:
    """Sign with another key from now on, which the one before it signs for."""
    before = _find_live()
    change(
        update(SigningKey)
        .where(SigningKey.retired_at.is_(None))
        .values(retired_at=clock.now())
        .execution_options(synchronize_session="fetch")
    )
    return _make(actor, before)


def get_live_key() -> SigningKey:
    """The key that the bound tenant signs with now. The first one is made by the way."""
    return _find_live() or _make(SYSTEM)


def get_signing_key(key_id: UUID) -> SigningKey:
    """A key that the tenant signs with, or did. Raises `NotFound`."""
    key = db.session.get(SigningKey, (bound_tenant_id(), key_id))
    if key is None:
        raise NotFound
    return key


def pem_of(public_key: bytes) -> str:
    """A public part as other programs take it (SubjectPublicKeyInfo, RFC 8410)."""
    public = Ed25519PublicKey.from_public_bytes(public_key)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _secret_of(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(
        open_sealed(*SIGNING_SECRET, key.id, key.secret_sealed)
    )


def _find_live() -> SigningKey | None:
    return db.session.scalars(
        select(SigningKey).where(SigningKey.retired_at.is_(None))
    ).one_or_none()


def _make(actor: Actor, before: SigningKey | None = None) -> SigningKey:
    """A new live key. Of two that are made at once the database refuses one."""
    secret = Ed25519PrivateKey.generate()
    key = SigningKey(id=new_id(), public_key=secret.public_key().public_bytes_raw())
    key.secret_sealed = seal(*SIGNING_SECRET, key.id, secret.private_bytes_raw())
    db.session.add(key)
    db.session.flush()
    endorsed = _endorse(before, key) if before else {}
    public = encoded(key.public_key)
    target = f"signing-key:{key.id}"
    record(actor, Action.SIGNING_KEY_MADE, target, public_key=public, **endorsed)
    return key


def _endorse(before: SigningKey, key: SigningKey) -> dict[str, Any]:
    """By what `portal audit verify` goes from the key before to this one."""
    message = endorsement_of(str(bound_tenant_id()), key.public_key, before.public_key)
    endorsement = encoded(sign_by(before, message))
    return {"follows": encoded(before.public_key), "endorsement": endorsement}
