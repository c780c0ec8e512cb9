"""The steps of signing in: a first proof opens a session, a second one completes it.

Until it is complete a session may do nothing but what it still owes (`assurance.Step`). Each proof
gives it a new token (ASVS 5.0, 7.2.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from portal.access.decision import Member
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts, passwords
from portal.auth.assurance import Act, First, Second, Step
from portal.auth.credentials import check_own_password, find_credential, rehash
from portal.auth.factors import totp
from portal.auth.factors.models import TotpDevice
from portal.auth.factors.queries import factors_of, list_devices
from portal.auth.fresh import require_fresh
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import (
    get_session,
    note_proof,
    open_session,
    read_session,
    renew_token,
)
from portal.core import clock
from portal.core.errors import Conflict
from portal.tenancy.binding import bound
from portal.tenancy.session import change, db, release
from portal.users.models import User, UserState
from portal.users.queries import canonical, find_user_by_email

PASSWORDS_PER_PLACE = 10  # tries at one person's password, from one address or known browser
PASSWORDS_PER_ADDRESS = 100
STRANGERS_PER_PERSON = 50  # from all addresses, without the browsers that the person signed in from
STRANGERS = 1000  # in the whole organisation
CODES_PER_PERSON = 10
ISSUER_LENGTH = 40  # a longer name would not fit into the QR code


class InvalidCredentials(RecordedRefusal):
    """E-mail or password is wrong, or the person can't sign in: one answer for all of them."""

    status = 401
    message = "E-mail or password is wrong."
    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE


class InvalidCode(RecordedRefusal):
    """The code is wrong, too old, or was used before."""

    status = 401
    message = "This code is not valid. Wait for the next one and try again."
    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE


class SsoOnly(RecordedRefusal):
    """The organisation lets nobody in by a password."""

    status = 403
    message = "This organisation signs in by single sign-on only."
    action = Action.SIGN_IN_FAILED


class AlreadyEnrolled(Conflict):
    """The person has a factor already, and has to give that one first."""

    message = "An authenticator is set up already."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator application has to be told."""

    secret: str
    qr_svg: str


def check_password(origin: Actor, email: str, password: str, *, user_agent: str) -> str:
    """First step. Gives the new session's token.

    An unknown e-mail costs the same hash as a known one. Raises `InvalidCredentials`, `SsoOnly` or
    `TooManyAttempts`.
    """
    person = canonical(email)
    place, *shared = _count_password(origin, person)
    if not get_policy().allows(First.PASSWORD):
        raise SsoOnly("user:unknown", step="password")
    user = find_user_by_email(person)
    credential = find_credential(user.id) if user else None
    password_hash = credential.password_hash if credential else None
    release()  # hashing takes long: no transaction waits for it
    is_right = passwords.verify_password(password_hash, password)
    if user is None or password_hash is None or not is_right or user.state != UserState.ACTIVE:
        raise InvalidCredentials(f"user:{user.id}" if user else "user:unknown", step="password")
    if passwords.needs_rehash(password_hash):
        rehash(user.id, passwords.hash_password(password))
    attempts.forget(place)
    attempts.take_back(*shared)
    record(origin, Action.PASSWORD_ACCEPTED, f"user:{user.id}")
    return open_session(origin, user, First.PASSWORD, user_agent)


def _count_password(origin: Actor, person: str) -> Sequence[str]:
    """Count a try; gives what it was counted for. Raises `TooManyAttempts`.

    A browser that the person has signed in from counts for itself: strangers never hold it up.
    """
    user = find_user_by_email(person)
    if user is not None and user.id in origin.device_ids:
        place = f"password-device:{user.id}:{origin.device_ids[user.id]}"
        attempts.reserve("user:unknown", (PASSWORDS_PER_PLACE, place))
        return [place]
    network = attempts.network_of(origin.address)
    # What somebody typed stands last, so that it can't pass for another subject.
    place, from_address = f"password-place:{network}:{person}", f"password-address:{network}"
    everybody, of_person = "password", f"password-person:{person}"
    attempts.reserve(
        "user:unknown",
        (PASSWORDS_PER_PLACE, place),
        (PASSWORDS_PER_ADDRESS, from_address),
        crowds=[(STRANGERS_PER_PERSON, of_person), (STRANGERS, everybody)],
    )
    return [place, from_address, of_person, everybody]


def check_code(member: Member, code: str, *, user_agent: str) -> str:
    """Second step, by an authenticator. Gives the session's new token.

    Raises `InvalidCode` or `TooManyAttempts`.
    """
    _use_code(member, code)
    return complete(member, Second.TOTP, user_agent)


def prove_again(member: Member, *, code: str = "", password: str = "") -> Member:
    """Confirm within a session that it is still the same person, by the best they have.

    Raises `InvalidCode`, `WrongPassword` or `TooManyAttempts`.
    """
    second = Second.TOTP if factors_of(member.user_id) else None
    if second is not None:
        _use_code(member, code)
    else:
        check_own_password(member, password)
    record(member, Action.PROOF_RENEWED, f"user:{member.user_id}", by=second or First.PASSWORD)
    return note_proof(member, second)


def get_enrolment(member: Member) -> Enrolment:
    """What to show while an authenticator is being set up. Raises `AlreadyEnrolled`.

    The secret is this session's alone: whoever else knows the password is shown another one.
    """
    secret = _pending_secret(member)
    issuer = f"{bound().tenant.name[:ISSUER_LENGTH]} (Tenant Portal)"
    uri = totp.provisioning_uri(secret, email=member.email, issuer=issuer)
    return Enrolment(secret, totp.qr_svg(uri))


def confirm_enrolment(
    member: Member, code: str, *, user_agent: str, name: str = "Authenticator"
) -> str:
    """Prove that a new authenticator works. Gives the session's new token.

    Raises `InvalidCode`, `AlreadyEnrolled`, `StepUpNeeded` or `TooManyAttempts`.
    """
    _count_code(member)
    # One after the other: of two sessions that know the password, the second finds a factor.
    db.session.execute(select(User.id).where(User.id == member.user_id).with_for_update())
    secret = _pending_secret(member)
    step = totp.matching_step(secret, code.replace(" ", ""), after_step=-1)
    if step is None:
        raise InvalidCode(f"user:{member.user_id}", step="code")
    db.session.add(TotpDevice(user_id=member.user_id, name=name, secret=secret, last_step=step))
    get_session(member).totp_secret = totp.new_secret()
    record(member, Action.FACTOR_ENROLLED, f"user:{member.user_id}", factor="totp")
    return complete(member, Second.TOTP, user_agent)


def complete(member: Member, second: Second, user_agent: str) -> str:
    """Note the second proof; gives the session's new token. Raises `SessionEnded`."""
    was_complete = read_session(member).is_complete
    note_proof(member, second)
    attempts.forget(attempts.subject_of(member, "totp"))
    if not was_complete:
        proof = str(read_session(member).proof)
        record(member, Action.SIGNED_IN, f"user:{member.user_id}", assurance=proof)
    return renew_token(member, user_agent)


def _pending_secret(member: Member) -> str:
    """The secret of the next authenticator. Nobody sets one up who owes another factor first."""
    found = read_session(member)
    if found.step not in (Step.ENROL, Step.NOTHING):
        raise AlreadyEnrolled
    if found.is_complete:
        require_fresh(member, Act.FACTORS)
    return get_session(member).totp_secret


def _count_code(member: Member) -> None:
    attempts.reserve(
        f"user:{member.user_id}", (CODES_PER_PERSON, attempts.subject_of(member, "totp"))
    )


def _use_code(member: Member, code: str) -> None:
    """Use a code of one of the person's authenticators.

    The step is stored by a conditional UPDATE, so of two parallel uses of a code one is refused.
    """
    _count_code(member)
    typed = code.replace(" ", "")
    for device in list_devices(member.user_id):
        step = totp.matching_step(device.secret, typed, after_step=device.last_step)
        if step is not None and change(
            update(TotpDevice)
            .where(TotpDevice.id == device.id, TotpDevice.last_step < step)
            .values(last_step=step, last_used_at=clock.now())
            .execution_options(synchronize_session=False)
        ):
            return
    raise InvalidCode(f"user:{member.user_id}", step="code")
