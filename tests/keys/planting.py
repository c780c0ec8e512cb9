"""Somebody who can write every row, and has none of the organisation's keys."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.core import clock
from portal.core.ids import new_id
from portal.keys.models import SigningKey
from tests.installation import Organisation


class Planted(NamedTuple):
    """A key of somebody else's among those of the organisation."""

    id: UUID
    public_key: bytes
    sign: Callable[[bytes], bytes]


def plant_key(organisation: Organisation, sealed: Any) -> Planted:
    """Put such a key there, of which the log tells; in place of its secret stands `sealed`."""
    secret, key_id = Ed25519PrivateKey.generate(), new_id()
    planted = Planted(key_id, secret.public_key().public_bytes_raw(), secret.sign)
    with organisation.bound(writes=True) as session:
        value = session.scalars(select(sealed)).first()
        now = clock.now()
        own = {"public_key": planted.public_key, "secret_sealed": value, "retired_at": now}
        session.execute(insert(SigningKey).values(id=key_id, created_at=now, **own))
        record(SYSTEM, Action.SIGNING_KEY_MADE, f"signing-key:{key_id}")
    return planted
