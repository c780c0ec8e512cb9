"""Who a provider means: the pair of issuer and subject, and never an e-mail.

An e-mail says only whether an account may be made for somebody who has none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from email_validator import EmailNotValidError, validate_email

from portal.access.claimed import claimed_by, replace_claimed_roles
from portal.access.groups.feeds import join_claimed, leave_unclaimed
from portal.access.holders import person
from portal.access.roles import get_role
from portal.access.service import Way, grant_role
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.closing.queries import find_end
from portal.auth.sso.journeys import Vouched
from portal.auth.sso.models import ExternalIdentity, IdentityProvider
from portal.auth.sso.queries import domain_of, find_identity
from portal.auth.sso.refusals import Reason, SsoRefused
from portal.core import clock
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import canonical, find_user_by_email, get_user


def get_person(origin: Actor, provider: IdentityProvider, vouched: Vouched) -> User:
    """The member whom the provider vouched for, made one if need be. Raises `SsoRefused`."""
    identity = find_identity(provider.issuer, vouched.subject)
    if identity is None:
        return _provision(origin, provider, vouched)
    user = get_user(identity.user_id)
    if user.state != UserState.ACTIVE:
        raise SsoRefused(Reason.DEACTIVATED, provider.id, user=str(user.id))
    identity.last_used_at = clock.now()
    return user


def link_identity(
    origin: Actor, provider: IdentityProvider, vouched: Vouched, user: User
) -> ExternalIdentity:
    """Have the provider's account stand for `user` from now on. Raises `SsoRefused`."""
    if find_identity(provider.issuer, vouched.subject) is not None:
        raise SsoRefused(Reason.LINKED_ELSEWHERE, provider.id, user=str(user.id))
    identity = ExternalIdentity(
        user_id=user.id,
        provider_id=provider.id,
        issuer=provider.issuer,
        subject=vouched.subject,
    )
    db.session.add(identity)
    record(origin, Action.IDENTITY_LINKED, f"user:{user.id}", provider=str(provider.id))
    return identity


def follow_groups(
    origin: Actor, provider: IdentityProvider, user: User, claims: Mapping[str, Any]
) -> None:
    """Have somebody hold the roles that their groups at the provider stand for, and be in the
    groups that it fills. What goes, goes first: what comes may not be held together with it.
    """
    groups = groups_in(provider, claims)
    leave_unclaimed(origin, user, provider.id, groups)
    claimed = claimed_by(user, provider.group_roles, provider.deciders or {}, groups)
    replace_claimed_roles(origin, user, claimed)
    join_claimed(origin, user, provider.id, groups)


def roles_by_groups(provider: IdentityProvider, claims: Mapping[str, Any]) -> frozenset[str]:
    """The roles that the groups in these claims stand for."""
    mapped, groups = provider.group_roles, groups_in(provider, claims)
    return frozenset(mapped[group] for group in groups if group in mapped)


def groups_in(provider: IdentityProvider, claims: Mapping[str, Any]) -> Sequence[str]:
    """The groups that a provider names."""
    listed = claims.get(provider.groups_claim) if provider.groups_claim else None
    groups = [listed] if isinstance(listed, str) else listed
    return [g for g in groups if isinstance(g, str)] if isinstance(groups, list) else []


def check_can_join(provider: IdentityProvider, claims: Mapping[str, Any]) -> str:
    """The e-mail for which an account may be made. Raises `SsoRefused`."""
    email = _email_in(claims)
    if email and find_user_by_email(email) is not None:
        raise SsoRefused(Reason.NOT_LINKED, provider.id)
    if provider.default_role is None or find_end() is not None:
        raise SsoRefused(Reason.UNKNOWN_PERSON, provider.id)
    if not email or not _is_verified(claims):
        raise SsoRefused(Reason.EMAIL_UNVERIFIED, provider.id)
    if domain_of(email) not in provider.allowed_domains:
        raise SsoRefused(Reason.EMAIL_DOMAIN, provider.id)
    return email


def _provision(origin: Actor, provider: IdentityProvider, vouched: Vouched) -> User:
    email = check_can_join(provider, vouched.claims)
    user = User(
        id=new_id(), email=email, name=_name_in(vouched.claims, email), state=UserState.ACTIVE
    )
    db.session.add(user)
    db.session.flush()  # what follows refers to the person
    role = str(provider.default_role)
    record(
        origin, Action.MEMBER_PROVISIONED, f"user:{user.id}", provider=str(provider.id), role=role
    )
    reason = f"First sign-in by {provider.name}"
    grant_role(origin, person(user), get_role(role), way=Way.PROVISIONING, reason=reason)
    link_identity(origin, provider, vouched, user)
    return user


def _email_in(claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    if not isinstance(email, str) or len(email) > 254:
        return ""
    try:
        validate_email(email, check_deliverability=False)
    except EmailNotValidError:
        return ""
    return canonical(email)


def _is_verified(claims: Mapping[str, Any]) -> bool:
    """Whether the provider stands for the e-mail. Entra ID says it by a claim of its own."""
    return claims.get("email_verified") is True or claims.get("xms_edov") in (True, "1")


def _name_in(claims: Mapping[str, Any], email: str) -> str:
    name = claims.get("name")
    if isinstance(name, str) and 1 <= len(name.strip()) <= 200 and is_one_line(name):
        return name.strip()
    return email.partition("@")[0]
