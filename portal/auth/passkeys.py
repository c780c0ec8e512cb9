"""Passkeys in use: asked for, and checked when the browser comes back with what one has signed.

What was asked is remembered as a ceremony, which is good for one answer. A passkey is looked up
among those of the bound tenant and the present host; whose it is is never taken from the browser.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from portal.access.decision import Member
from portal.audit.actions import Action, Outcome
from portal.audit.service import RecordedRefusal
from portal.auth import ceremonies
from portal.auth.ceremonies import Kind
from portal.auth.factors import webauthn
from portal.auth.factors.models import Passkey
from portal.auth.factors.queries import list_passkeys
from portal.auth.factors.webauthn import WrongAnswer
from portal.core import clock
from portal.core.errors import Conflict
from portal.tenancy.session import change, db


class InvalidPasskey(RecordedRefusal):
    """What came back is not what one of the person's passkeys would have signed."""

    status = 401
    message = "This passkey was not accepted. Try again, or choose another way."
    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE


@dataclass(frozen=True, slots=True)
class Question:
    """What a browser is to ask a passkey for, and the token by which its answer is known."""

    options: dict[str, Any]
    token: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser came back with, on which host, and the token it held."""

    host: str
    token: str | None
    text: str


def ask_anybody(host: str) -> Question:
    """Ask for a passkey of whoever it is that wants to sign in."""
    options, state = webauthn.ask_for_proof(host, [])
    return Question(options, ceremonies.begin(Kind.PASSKEY_PROOF, state))


def ask_owner(member: Member, host: str) -> Question:
    """Ask for one of the person's own passkeys, within their session. Raises `Conflict`."""
    known = [passkey for passkey in list_passkeys(member.user_id) if passkey.host == host]
    if not known:
        raise Conflict("You have no passkey for this address.")
    options, state = webauthn.ask_for_proof(host, known)
    return Question(options, ceremonies.begin(Kind.PASSKEY_PROOF, state, member.session_id))


def list_hosts(member: Member) -> Sequence[str]:
    """The hosts to which the person's passkeys are bound, in the order of the alphabet."""
    return sorted({passkey.host for passkey in list_passkeys(member.user_id)})


def check_own(member: Member, answer: Answer) -> None:
    """Raises `InvalidPasskey` or `StaleCeremony` unless a passkey of the person's has signed."""
    _use(answer, member.session_id, member.user_id)


def identify(answer: Answer) -> UUID:
    """Whose passkey has signed, where nobody was asked for by name.

    Raises `InvalidPasskey` or `StaleCeremony`.
    """
    return _use(answer, None, None)


@contextmanager
def refusing(target: str, step: str) -> Iterator[None]:
    """Turn a wrong answer into a refusal that tells the audit log why. Raises `InvalidPasskey`."""
    try:
        yield
    except WrongAnswer as error:
        raise InvalidPasskey(target, step=step, reason=str(error)) from None


def _use(answer: Answer, session_id: UUID | None, expected: UUID | None) -> UUID:
    """Check what was signed, and note the use; gives the owner."""
    state = ceremonies.finish(Kind.PASSKEY_PROOF, answer.token, session_id)
    with refusing(f"user:{expected or 'unknown'}", step="passkey"):
        given = webauthn.read_proof(answer.text)
        passkey = _get_passkey(given.raw_id, answer.host, expected)
    with refusing(f"user:{passkey.user_id}", step="passkey"):
        _check_handle(given.response.user_handle, passkey, is_required=expected is None)
        _note_use(passkey, webauthn.check_proof(answer.host, state, passkey, given))
    return passkey.user_id


def _get_passkey(credential_id: bytes, host: str, owner: UUID | None) -> Passkey:
    passkey = db.session.scalars(
        select(Passkey).where(Passkey.credential_id == credential_id, Passkey.host == host)
    ).one_or_none()
    if passkey is None or owner not in (None, passkey.user_id):
        raise WrongAnswer("unknown passkey")
    return passkey


def _check_handle(handle: bytes | None, passkey: Passkey, *, is_required: bool) -> None:
    """Whoever was not asked for by name has to be named by the passkey (Level 3, 7.2, step 6)."""
    if handle != passkey.user_id.bytes and (handle or is_required):
        raise WrongAnswer("somebody else's passkey")


def _note_use(passkey: Passkey, seen: webauthn.Use) -> None:
    """A counter that went back tells of a copy (Level 3, 7.2, step 22).

    It is compared by the UPDATE itself, so that of two copies in parallel one is refused.
    """
    noted = change(
        update(Passkey)
        .where(Passkey.id == passkey.id, _is_later(seen.sign_count))
        .values(sign_count=seen.sign_count, is_synced=seen.is_synced, last_used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if not noted:
        raise WrongAnswer("its counter went back")


def _is_later(count: int) -> ColumnElement[bool]:
    """Many passkeys count nothing, and say 0 for good."""
    is_later = Passkey.sign_count < count
    return is_later if count else Passkey.sign_count == 0
