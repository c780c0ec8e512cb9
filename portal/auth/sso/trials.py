"""The test sign-in: an admin goes to the provider and back, and sees every step."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.access.decision import Member, require
from portal.access.permissions import Permission
from portal.access.roles import get_role, list_roles
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.auth.live_sessions import read_again
from portal.auth.sso.client import Registration
from portal.auth.sso.journeys import Vouched
from portal.auth.sso.models import IdentityProvider, ProviderState
from portal.auth.sso.people import check_can_join, groups_in, roles_by_groups
from portal.auth.sso.queries import find_identity, get_provider, registration_of
from portal.auth.sso.refusals import Reason, SsoRefused
from portal.auth.sso.tokens import is_multi_factor
from portal.core import clock
from portal.users.queries import get_user


@dataclass(frozen=True, slots=True)
class Trial:
    """What a sign-in like this one would come to."""

    provider: IdentityProvider
    person: str
    roles: Sequence[str]
    groups: Sequence[str]
    is_multi_factor: bool


def begin_trial(actor: Actor, provider_id: UUID) -> Registration:
    """What to depart with. Raises `Forbidden`, `NotFound` or `StepUpNeeded`."""
    require(actor, Permission.SSO_EDIT)
    require_fresh(actor, Act.SSO)
    return registration_of(get_provider(actor, provider_id))


def end_trial(member: Member, vouched: Vouched) -> Trial:
    """Note that the provider works, and say what it would come to.

    Raises `Forbidden`, `NotFound`, `SessionEnded`, or `SsoRefused` where the settings have changed
    since it was begun.
    """
    actor = read_again(member)
    provider = get_provider(actor, vouched.registration.provider_id)
    if registration_of(provider) != vouched.registration:
        raise SsoRefused(Reason.PROVIDER_CHANGED, provider.id, purpose="test")
    if provider.state == ProviderState.DRAFT:
        provider.state = ProviderState.TESTED
    provider.tested_at = clock.now()
    record(actor, Action.PROVIDER_TESTED, f"provider:{provider.id}")
    named = list_roles()
    roles = sorted(named[key].name for key in roles_by_groups(provider, vouched.claims))
    return Trial(
        provider=provider,
        person=_person(provider, vouched),
        roles=roles,
        groups=sorted(groups_in(provider, vouched.claims)),
        is_multi_factor=is_multi_factor(vouched.claims),
    )


def _person(provider: IdentityProvider, vouched: Vouched) -> str:
    identity = find_identity(provider.issuer, vouched.subject)
    if identity is not None:
        user = get_user(identity.user_id)
        return f"This account is linked to {user.name} ({user.email})."
    try:
        email = check_can_join(provider, vouched.claims)
    except SsoRefused as error:
        return f"This account would not be let in: {error}"
    role = get_role(str(provider.default_role)).name
    return f"An account would be made for {email}, with the role {role}."
