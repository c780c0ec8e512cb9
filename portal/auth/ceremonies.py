"""Ceremonies: what is begun in a browser and finished by it a little later, once.

A challenge for a passkey, a request to an identity provider. What the server has to remember lies
sealed in a row; the browser holds the token that finds it, so nobody else's browser can finish.
"""

import json
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from portal.auth.models import Ceremony
from portal.auth.tokens import hash_token, new_token
from portal.core import clock
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.tenancy.session import change, db, release

VALID_FOR = timedelta(minutes=10)


class Kind(StrEnum):
    """What a ceremony is for. One of another kind is never found in its place."""

    PASSKEY_ENROLMENT = "passkey-enrolment"
    PASSKEY_PROOF = "passkey-proof"
    SSO = "sso"


class StaleCeremony(PortalError):
    """It was begun too long ago, in another browser, or was finished already."""

    status = 400
    message = "This took too long, or was begun in another window. Please start again."


def begin(kind: Kind, payload: dict[str, Any], session_id: UUID | None = None) -> str:
    """Remember `payload`; gives the token for the browser's cookie."""
    token = new_token()
    ceremony = Ceremony(
        id=new_id(),
        kind=kind,
        token_hash=hash_token(token),
        session_id=session_id,
        expires_at=clock.now() + VALID_FOR,
    )
    ceremony.payload = json.dumps(payload)
    db.session.add(ceremony)
    return token


def finish(kind: Kind, token: str | None, session_id: UUID | None = None) -> dict[str, Any]:
    """What was remembered, once: of two who finish at the same time one is refused.

    Commits, before anything else was written: one that goes wrong from here on is used up as well.
    Raises `StaleCeremony`, also where it was begun for another session.
    """
    release()
    found = db.session.scalars(
        select(Ceremony).where(
            Ceremony.token_hash == hash_token(token or ""),
            Ceremony.kind == kind,
            Ceremony.expires_at > clock.now(),
            Ceremony.session_id == session_id,
        )
    ).one_or_none()
    if found is None:
        raise StaleCeremony
    payload: dict[str, Any] = json.loads(found.payload)
    if not change(delete(Ceremony).where(Ceremony.id == found.id)):
        raise StaleCeremony
    db.session.commit()
    return payload


def sweep() -> None:
    """Delete what was begun and never finished."""
    db.session.execute(delete(Ceremony).where(Ceremony.expires_at < clock.now()))
