"""The steps of signing in: a password, then a code; each opens a session of its own.

After the password the session may do nothing but give the code, or enrol an authenticator where
there is none. The code replaces it by a new session with a new token (ASVS 5.0, 7.2.4).
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal.access.decision import Member
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts, passwords, totp
from portal.auth.models import Assurance, PasswordCredential, TotpDevice
from portal.auth.sessions import (
    end_sessions_of,
    get_session,
    has_signed_in_from,
    open_session,
    require_live,
)
from portal.core import clock
from portal.core.errors import Conflict
from portal.tenancy.binding import bound
from portal.tenancy.session import change, db, release
from portal.users.models import User, UserState
from portal.users.queries import canonical, find_user_by_email, get_user

PER_PERSON_AND_ADDRESS = 10
PER_ADDRESS = 100
PER_PERSON = 300  # from addresses that the person never came from: strangers lock nobody out
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


class WrongPassword(RecordedRefusal):
    """The present password, asked for before it may be changed, is wrong."""

    message = "Your present password is wrong."
    action = Action.PASSWORD_REFUSED
    outcome = Outcome.FAILURE


class AlreadyEnrolled(Conflict):
    """The person has an authenticator, which only an admin can remove."""

    message = "An authenticator is set up already."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator application has to be told."""

    secret: str
    qr_svg: str


def check_password(origin: Actor, email: str, password: str, *, user_agent: str) -> str:
    """First step. Gives the new session's token; raises `InvalidCredentials`, `TooManyAttempts`.

    An unknown e-mail costs the same hash as a known one.
    """
    person = canonical(email)
    network = attempts.network_of(origin.address)
    own_limit = f"password:{person}:{network}"
    limits = [(PER_PERSON_AND_ADDRESS, own_limit), (PER_ADDRESS, f"password:{network}")]
    if not has_signed_in_from(person, origin.address):
        limits.append((PER_PERSON, f"password:{person}"))
    attempts.reserve("user:unknown", *limits)
    user = find_user_by_email(person)
    credential = _find_credential(user.id) if user else None
    password_hash = credential.password_hash if credential else None
    release()  # hashing takes long: no transaction waits for it
    is_right = passwords.verify_password(password_hash, password)
    if user is None or password_hash is None or not is_right or user.state != UserState.ACTIVE:
        raise InvalidCredentials(f"user:{user.id}" if user else "user:unknown", step="password")
    if passwords.needs_rehash(password_hash):
        set_password(user, passwords.hash_password(password))
    attempts.forget(own_limit)
    record(origin, Action.PASSWORD_ACCEPTED, f"user:{user.id}")
    return open_session(origin, user, Assurance.PASSWORD, user_agent)


def check_code(member: Member, code: str, *, user_agent: str) -> str:
    """Second step. Gives the token of the session that replaces the first one.

    The step is stored by a conditional UPDATE, so of two parallel uses of a code one is refused.
    Raises `InvalidCode` or `TooManyAttempts`.
    """
    attempts.reserve(f"user:{member.user_id}", (CODES_PER_PERSON, f"totp:{member.user_id}"))
    device = find_device(member.user_id)
    if device is None:
        raise InvalidCode(f"user:{member.user_id}", step="code")
    _use_code(member, device, code)
    return _complete(member, user_agent)


def has_factor(member: Member) -> bool:
    """Whether the person has an authenticator set up."""
    return find_device(member.user_id) is not None


def get_enrolment(member: Member) -> Enrolment:
    """What to show while the authenticator is being set up. Raises `Conflict` once it is.

    The secret is this session's alone: whoever else knows the password is shown another one.
    """
    secret = _pending_secret(member)
    issuer = f"{bound().tenant.name[:ISSUER_LENGTH]} (Tenant Portal)"
    uri = totp.provisioning_uri(secret, email=member.email, issuer=issuer)
    return Enrolment(secret, totp.qr_svg(uri))


def confirm_enrolment(member: Member, code: str, *, user_agent: str) -> str:
    """Prove that the authenticator works. Gives the token of the completed session."""
    attempts.reserve(f"user:{member.user_id}", (CODES_PER_PERSON, f"totp:{member.user_id}"))
    device = TotpDevice(user_id=member.user_id, secret=_pending_secret(member))
    db.session.add(device)
    try:
        db.session.flush()
    except IntegrityError:  # another session was faster
        raise AlreadyEnrolled from None
    _use_code(member, device, code)
    record(member, Action.FACTOR_ENROLLED, f"user:{member.user_id}", factor="totp")
    return _complete(member, user_agent)


def set_password(user: User, password_hash: str) -> None:
    """Give a person a password, or another one."""
    credential = _find_credential(user.id)
    if credential is None:
        db.session.add(PasswordCredential(user_id=user.id, password_hash=password_hash))
    else:
        credential.password_hash = password_hash
        credential.changed_at = clock.now()


def change_password(member: Member, present: str, new: str) -> None:
    """Change the person's own password and end their other sessions.

    Raises `WrongPassword`, `WeakPassword` or `TooManyAttempts`.
    """
    attempts.reserve(f"user:{member.user_id}", (PER_PERSON_AND_ADDRESS, f"change:{member.user_id}"))
    user = get_user(member.user_id)  # type: ignore[arg-type]  # a member has an id
    credential = _find_credential(user.id)
    password_hash = credential.password_hash if credential else None
    about = [user.name, user.email, bound().tenant.name]
    release()  # measuring and hashing take long: no transaction waits for them
    if not passwords.verify_password(password_hash, present):
        raise WrongPassword(f"user:{member.user_id}")
    passwords.check_strength(new, about=about)
    new_hash = passwords.hash_password(new)
    require_live(member)
    set_password(user, new_hash)
    ended = end_sessions_of(user.id, but=member.session_id)
    record(member, Action.PASSWORD_CHANGED, f"user:{user.id}", ended_sessions=ended)


def find_device(user_id: UUID | None) -> TotpDevice | None:
    """A person's authenticator."""
    return db.session.scalars(select(TotpDevice).where(TotpDevice.user_id == user_id)).one_or_none()


def _pending_secret(member: Member) -> str:
    session = get_session(member)
    if find_device(member.user_id) is not None or session.totp_secret_sealed is None:
        raise AlreadyEnrolled
    return session.totp_secret


def _use_code(member: Member, device: TotpDevice, code: str) -> None:
    step = totp.matching_step(device.secret, code.replace(" ", ""), after_step=device.last_step)
    used = step is not None and change(
        update(TotpDevice)
        .where(TotpDevice.id == device.id, TotpDevice.last_step < step)
        .values(last_step=step)
        .execution_options(synchronize_session=False)
    )
    if not used:
        raise InvalidCode(f"user:{member.user_id}", step="code")


def _complete(member: Member, user_agent: str) -> str:
    user = get_user(member.user_id)  # type: ignore[arg-type]  # a member has an id
    attempts.forget(f"totp:{member.user_id}")
    token = open_session(member, user, Assurance.PASSWORD_TOTP, user_agent)
    record(member, Action.SIGNED_IN, f"user:{user.id}", assurance=Assurance.PASSWORD_TOTP)
    return token


def _find_credential(user_id: UUID) -> PasswordCredential | None:
    return db.session.scalars(
        select(PasswordCredential).where(PasswordCredential.user_id == user_id)
    ).one_or_none()
