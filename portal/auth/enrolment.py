"""Setting up a second factor: an authenticator application or a passkey.

Whoever owes one does it in the middle of signing in; whoever is inside does it on the account page,
after a fresh proof. Nobody does it who has a factor and has not given it.
"""

from dataclasses import dataclass

from sqlalchemy import select

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.service import record
from portal.auth import ceremonies
from portal.auth.assurance import Act, Factor, Second, Step
from portal.auth.ceremonies import Kind
from portal.auth.factors import totp, webauthn
from portal.auth.factors.models import Passkey, TotpDevice
from portal.auth.factors.queries import list_passkeys
from portal.auth.fresh import require_fresh
from portal.auth.live_sessions import read_session
from portal.auth.notices import Notice, tell
from portal.auth.passkeys import Answer, Question, refusing
from portal.auth.policy.queries import get_policy
from portal.auth.proofs import InvalidCode, count_try
from portal.auth.sessions import get_session
from portal.auth.sign_in import complete
from portal.core.errors import Conflict
from portal.tenancy.binding import bound
from portal.tenancy.session import db
from portal.users.queries import get_user, lock_user

ISSUER_LENGTH = 40  # a longer name would not fit into the QR code


class AlreadyEnrolled(Conflict):
    """The person has a factor already, and has to give that one first."""

    message = "A second factor is set up already."


class NotCounted(Conflict):
    """The organisation does not count this kind of factor."""

    message = "Your organisation does not count this kind of second factor."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator application has to be told."""

    secret: str
    qr_svg: str


def counted_factors() -> frozenset[Factor]:
    """The kinds that the organisation counts, and so the ones to offer."""
    return get_policy().factors


def get_enrolment(member: Member) -> Enrolment:
    """What to show while an authenticator is being set up.

    The secret is this session's alone: whoever else knows the password is shown another one.
    Raises `AlreadyEnrolled`, `NotCounted` or `StepUpNeeded`.
    """
    _check_may_enrol(member, Factor.TOTP)
    secret = get_session(member).totp_secret
    issuer = f"{bound().tenant.name[:ISSUER_LENGTH]} (Tenant Portal)"
    uri = totp.provisioning_uri(secret, email=member.email, issuer=issuer)
    return Enrolment(secret, totp.qr_svg(uri))


def confirm_authenticator(
    member: Member, code: str, *, user_agent: str, name: str = "Authenticator"
) -> str:
    """Prove that a new authenticator works. Gives the session's new token.

    Raises `InvalidCode`, `AlreadyEnrolled`, `NotCounted`, `StepUpNeeded` or `TooManyAttempts`.
    """
    count_try(member)
    # One after the other: of two sessions that know the password, the second finds a factor.
    lock_user(member.user_id)
    _check_may_enrol(member, Factor.TOTP)
    session = get_session(member)
    secret = session.totp_secret
    step = totp.matching_step(secret, totp.read_code(code), after_step=-1)
    if step is None:
        raise InvalidCode(f"user:{member.user_id}", step="code")
    session.totp_secret = totp.new_secret()
    device = TotpDevice(user_id=member.user_id, name=name, secret=secret, last_step=step)
    return _add(member, device, user_agent)


def ask_for_passkey(member: Member, host: str) -> Question:
    """What to ask the browser for. Raises `AlreadyEnrolled`, `NotCounted` or `StepUpNeeded`."""
    _check_may_enrol(member, Factor.PASSKEY)
    known = [passkey for passkey in list_passkeys(member.user_id) if passkey.host == host]
    user = get_user(member.user_id)
    options, state = webauthn.ask_for_new(host, user, known)
    return Question(options, ceremonies.begin(Kind.PASSKEY_ENROLMENT, state, member.session_id))


def confirm_passkey(member: Member, answer: Answer, *, user_agent: str, name: str) -> str:
    """Keep a passkey that the browser has made. Gives the session's new token.

    Raises `InvalidPasskey`, `StaleCeremony`, `AlreadyEnrolled`, `NotCounted`, `StepUpNeeded` or
    `TooManyAttempts`.
    """
    count_try(member)
    state = ceremonies.finish(Kind.PASSKEY_ENROLMENT, answer.token, member.session_id)
    lock_user(member.user_id)
    _check_may_enrol(member, Factor.PASSKEY)
    with refusing(f"user:{member.user_id}", step="enrolment"):
        made = webauthn.check_new(answer.host, state, answer.text)
        _check_unknown(made.id)
    passkey = Passkey(
        user_id=member.user_id,
        name=name,
        host=answer.host,
        credential_id=made.id,
        credential=made.data,
        sign_count=made.sign_count,
        transports=made.transports,
        is_synced=made.is_synced,
    )
    return _add(member, passkey, user_agent)


def _check_may_enrol(member: Member, kind: Factor) -> None:
    found = read_session(member)
    if found.step not in (Step.ENROL, Step.NOTHING):
        raise AlreadyEnrolled
    if kind not in get_policy().factors:
        raise NotCounted
    if found.is_complete:
        require_fresh(member, Act.FACTORS)


def _check_unknown(credential_id: bytes) -> None:
    known = select(Passkey.id).where(Passkey.credential_id == credential_id)
    if db.session.scalars(known).first() is not None:
        raise webauthn.WrongAnswer("known already")


def _add(member: Member, factor: TotpDevice | Passkey, user_agent: str) -> str:
    """Keep a new factor: what was shown of it is a proof as well."""
    record(member, Action.FACTOR_ENROLLED, f"user:{member.user_id}", factor=factor.kind)
    tell(factor.user_id, Notice.FACTOR_ADDED, actor=member, factor=factor.word)
    token = complete(
        member, Second(factor.kind), user_agent
    )  # before it is there, and would be asked for
    db.session.add(factor)
    return token
