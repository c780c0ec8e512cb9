"""What follows from a provider's word, by the purpose somebody was sent there for."""

from dataclasses import dataclass

from sqlalchemy import select

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.arrivals import note_arrival
from portal.auth.assurance import First, Second
from portal.auth.factors.queries import factors_of
from portal.auth.invitations import redeem_invitation
from portal.auth.live_sessions import find_session, read_again
from portal.auth.models import UserSession
from portal.auth.notices import Notice, tell
from portal.auth.sessions import note_proof, open_session
from portal.auth.sso.journeys import Vouched
from portal.auth.sso.models import IdentityProvider, SsoSession
from portal.auth.sso.people import follow_groups, get_person, link_identity
from portal.auth.sso.queries import find_identity, get_offered
from portal.auth.sso.refusals import Reason, SsoRefused
from portal.auth.sso.tokens import is_multi_factor, is_subject
from portal.auth.tokens import hash_token
from portal.tenancy.session import db
from portal.users.models import User
from portal.users.queries import get_user


@dataclass(frozen=True, slots=True)
class Entry:
    """A session that was opened, and whether anything is left to prove."""

    token: str
    is_complete: bool


def sign_in(origin: Actor, vouched: Vouched, *, user_agent: str) -> Entry:
    """Open a session for whom the provider vouched for. Raises `SsoRefused` or `NotFound`."""
    provider = get_offered(vouched.registration.provider_id)
    user = get_person(origin, provider, vouched)
    return _open(origin, provider, user, vouched, user_agent)


def accept(origin: Actor, vouched: Vouched, invitation: str, *, user_agent: str) -> Entry:
    """Accept an invitation with a provider's account in place of a password.

    Raises `SsoRefused`, `NotFound` or `InvalidInvitation`.
    """
    provider = get_offered(vouched.registration.provider_id)
    user = redeem_invitation(origin, invitation)
    link_identity(origin, provider, vouched, user)
    return _open(origin, provider, user, vouched, user_agent)


def link(member: Member, vouched: Vouched) -> None:
    """Link the person's own account, and tell them. Raises `SsoRefused`, `NotFound` or
    `SessionEnded`.
    """
    provider = get_offered(vouched.registration.provider_id)
    user = get_user(read_again(member).user_id)
    link_identity(member, provider, vouched, user)
    tell(user.id, Notice.ACCOUNT_LINKED, actor=member, provider=provider.name)


def prove(member: Member, vouched: Vouched) -> Member:
    """Note that the provider has just asked the person anew. Raises `SsoRefused`, also for who has
    a factor to give here: somebody else may know what the provider asks for.
    """
    provider = get_offered(vouched.registration.provider_id)
    identity = find_identity(provider.issuer, vouched.subject)
    if identity is None or identity.user_id != member.user_id:
        raise SsoRefused(Reason.OTHER_PERSON, provider.id)
    if factors_of(member.user_id):
        raise SsoRefused(Reason.OWN_FACTOR, provider.id)
    record(member, Action.PROOF_RENEWED, f"user:{member.user_id}", by=First.SSO)
    return note_proof(member, _second_of(provider, vouched))


def _open(
    origin: Actor, provider: IdentityProvider, user: User, vouched: Vouched, user_agent: str
) -> Entry:
    follow_groups(origin, provider, user, vouched.claims)
    record(origin, Action.SSO_ACCEPTED, f"user:{user.id}", provider=str(provider.id))
    token = open_session(origin, user, First.SSO, user_agent, _second_of(provider, vouched))
    _remember(provider, vouched, token)
    found = find_session(token, origin)
    is_complete = found is not None and found.is_complete
    if found is not None and is_complete:
        note_arrival(found, user_agent)
    return Entry(token, is_complete)


def _remember(provider: IdentityProvider, vouched: Vouched, token: str) -> None:
    """What the session needs to be ended together with the provider's."""
    session_id = db.session.execute(
        select(UserSession.id).where(UserSession.token_hash == hash_token(token))
    ).scalar_one()
    named = vouched.claims.get("sid")
    db.session.add(
        SsoSession(
            session_id=session_id,
            provider_id=provider.id,
            subject=vouched.subject,
            provider_session=named if is_subject(named) else None,
            id_token=vouched.id_token,
        )
    )


def _second_of(provider: IdentityProvider, vouched: Vouched) -> Second | None:
    """The second factor that the provider asked for, where the tenant takes its word."""
    trusted = provider.trusts_mfa and is_multi_factor(vouched.claims)
    return Second.SSO if trusted else None
