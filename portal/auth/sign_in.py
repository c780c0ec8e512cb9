"""The steps of signing in: a first proof opens a session, a second one completes it.

Until it is complete a session may do nothing but what it still owes (`assurance.Step`). Each proof
gives it a new token (ASVS 5.0, 7.2.4).
"""

from collections.abc import Sequence

from portal.access.decision import Member
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts, passwords
from portal.auth.arrivals import note_arrival
from portal.auth.assurance import Factor, First, Second
from portal.auth.credentials import (
    check_own_password,
    find_credential,
    lock_credential,
    rehash,
)
from portal.auth.factors.queries import factors_of
from portal.auth.live_sessions import SessionEnded, find_session, read_session
from portal.auth.passkeys import Answer, InvalidPasskey, identify
from portal.auth.policy.queries import get_policy
from portal.auth.proofs import forget_tries, use_code, use_passkey, use_recovery_code
from portal.auth.sessions import note_proof, open_session, renew_token
from portal.tenancy.session import release
from portal.users.models import User, UserState
from portal.users.queries import canonical, find_user_by_email, get_user

PASSWORDS_PER_PLACE = 10  # tries at one person's password, from one address or known browser
PASSWORDS_PER_ADDRESS = 100
STRANGERS_PER_PERSON = 50  # from all addresses, without the browsers that the person signed in from
STRANGERS = 1000  # in the whole organisation
PASSKEYS_PER_ADDRESS = 100


class InvalidCredentials(RecordedRefusal):
    """E-mail or password is wrong, or the person can't sign in: one answer for all of them."""

    status = 401
    message = "E-mail or password is wrong."
    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE


class SsoOnly(RecordedRefusal):
    """The organisation lets nobody in by a password."""

    status = 403
    message = "This organisation signs in by single sign-on only."
    action = Action.SIGN_IN_FAILED


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
    if user is None or password_hash is None or not is_right or not _lets_in(user, password_hash):
        raise InvalidCredentials(f"user:{user.id}" if user else "user:unknown", step="password")
    attempts.forget(place, taking_back=shared)
    if passwords.needs_rehash(password_hash):
        rehash(user.id, passwords.hash_password(password))
    record(origin, Action.PASSWORD_ACCEPTED, f"user:{user.id}")
    token = open_session(origin, user, First.PASSWORD, user_agent)
    found = find_session(token, origin)
    if found and found.is_complete:
        note_arrival(found, user_agent)
    return token


def _lets_in(user: User, password_hash: str) -> bool:
    """Whether the password that was right is the person's still: comparing it took a while, in
    which it may have been given up as stolen.
    """
    credential = lock_credential(user.id)
    is_theirs = credential is not None and credential.password_hash == password_hash
    return is_theirs and user.state == UserState.ACTIVE


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


def takes_passkeys() -> bool:
    """Whether a passkey alone opens the door here."""
    policy = get_policy()
    return policy.allows(First.PASSKEY) and Factor.PASSKEY in policy.factors


def sign_in_by_passkey(origin: Actor, answer: Answer, *, user_agent: str) -> str:
    """The only step, by a passkey that has verified its user. Gives the new session's token.

    Raises `InvalidPasskey`, `StaleCeremony`, `SsoOnly` or `TooManyAttempts`.
    """
    network = attempts.network_of(origin.address)
    attempts.reserve("user:unknown", (PASSKEYS_PER_ADDRESS, f"passkey:{network}"))
    if not get_policy().allows(First.PASSKEY):
        raise SsoOnly("user:unknown", step="passkey")
    user = get_user(identify(answer))
    if user.state != UserState.ACTIVE or not takes_passkeys():
        raise InvalidPasskey(f"user:{user.id}", step="passkey", reason="not let in")
    token = open_session(origin, user, First.PASSKEY, user_agent)
    found = find_session(token, origin)
    if found is None:
        raise SessionEnded
    note_arrival(found, user_agent)
    return token


def check_code(member: Member, code: str, *, user_agent: str) -> str:
    """Second step, by an authenticator. Gives the session's new token.

    Raises `InvalidCode` or `TooManyAttempts`.
    """
    return complete(member, use_code(member, code), user_agent)


def check_recovery_code(member: Member, code: str, *, user_agent: str) -> str:
    """Second step, by a recovery code. Gives the session's new token.

    Raises `InvalidCode` or `TooManyAttempts`.
    """
    return complete(member, use_recovery_code(member, code), user_agent)


def check_passkey(member: Member, answer: Answer, *, user_agent: str) -> str:
    """Second step, by a passkey. Gives the session's new token.

    Raises `InvalidPasskey`, `StaleCeremony` or `TooManyAttempts`.
    """
    return complete(member, use_passkey(member, answer), user_agent)


def prove_again(
    member: Member,
    *,
    code: str = "",
    recovery_code: str = "",
    passkey: Answer | None = None,
    password: str = "",
) -> Member:
    """Confirm within a session that it is still the same person, by one of the best they have.

    Raises `InvalidCode`, `InvalidPasskey`, `StaleCeremony`, `WrongPassword` or `TooManyAttempts`.
    """
    if not factors_of(member.user_id):
        check_own_password(member, password)
        second = None
    elif passkey is not None:
        second = use_passkey(member, passkey)
    elif recovery_code:
        second = use_recovery_code(member, recovery_code)
    else:
        second = use_code(member, code)
    forget_tries(member)
    record(member, Action.PROOF_RENEWED, f"user:{member.user_id}", by=second or First.PASSWORD)
    return note_proof(member, second)


def complete(member: Member, second: Second, user_agent: str) -> str:
    """Note the second proof; gives the session's new token. Raises `SessionEnded`."""
    was_complete = read_session(member).is_complete
    note_proof(member, second)
    forget_tries(member)
    if not was_complete:
        note_arrival(read_session(member), user_agent)
    return renew_token(member, user_agent)
