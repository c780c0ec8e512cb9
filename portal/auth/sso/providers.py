"""A tenant's identity providers as an admin manages them."""

import re
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.access.decision import ORGANISATION, Forbidden, decide, require
from portal.access.groups.feeds import answer_for_feeds, end_feeds
from portal.access.locking import lock_access_as
from portal.access.permissions import Permission, Role
from portal.access.roles import list_live_roles
from portal.access.service import require_to_hand_out
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import end_sessions
from portal.auth.sso.chosen import (
    Chosen,
    RolesByAnother,
    deciders,
    handed_out,
    names_same_groups,
    roles_in,
    takes_same_word,
)
from portal.auth.sso.discovery import is_address
from portal.auth.sso.models import ExternalIdentity, IdentityProvider, ProviderState, SsoSession
from portal.auth.sso.parting import take_claimed_roles
from portal.auth.sso.queries import get_provider, list_offered
from portal.core.errors import Conflict, Invalid
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.tenancy.session import db

_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")


class OnlyProvider(Conflict):
    """Nobody could sign in any more."""

    message = (
        "Single sign-on is the only way in, and this is the only provider that is offered. "
        "Allow other ways first."
    )


def create_provider(actor: Actor, chosen: Chosen) -> IdentityProvider:
    """Enter a provider. Raises `Forbidden`, `Invalid`, `Conflict` or `StepUpNeeded`."""
    _require(actor)
    if not chosen.client_secret:
        raise Invalid("The client secret is missing.")
    _check(actor, chosen, None)
    provider = IdentityProvider(id=new_id(), client_secret=chosen.client_secret)
    provider.deciders = deciders(actor, chosen, None)
    _fill_in(provider, chosen)
    db.session.add(provider)
    _flush()
    record(actor, Action.PROVIDER_CREATED, f"provider:{provider.id}")
    return provider


def change_provider(actor: Actor, provider_id: UUID, chosen: Chosen) -> IdentityProvider:
    """Change a provider; with another issuer, client or secret it has to be tested anew.

    Somebody who assigns no roles, as after breaking the glass, can mend it all the same: what it
    gives by another issuer, client or claim is taken out then, and groups are filled by it no more.

    Raises `Forbidden`, `NotFound`, `Invalid`, `Conflict` or `StepUpNeeded`.
    """
    _require(actor)
    provider = get_provider(actor, provider_id)
    _check(actor, chosen, provider)
    is_another = bool(chosen.client_secret) or not takes_same_word(chosen, provider)
    if not names_same_groups(chosen, provider):
        _answer_for_groups(actor, provider)
    provider.deciders = deciders(actor, chosen, provider)
    if is_another:
        provider.state, provider.tested_at = ProviderState.DRAFT, None
    if chosen.client_secret:
        provider.client_secret = chosen.client_secret
    _fill_in(provider, chosen)
    _flush()
    record(actor, Action.PROVIDER_CHANGED, f"provider:{provider.id}", to_be_tested=is_another)
    return provider


def delete_provider(actor: Actor, provider_id: UUID) -> None:
    """Delete a provider with all that is linked to it: sessions that it opened end, roles that
    people have by its word are taken away, and the groups that it filled are empty.

    Raises `Forbidden`, `NotFound`, `OnlyProvider` or `StepUpNeeded`.
    """
    _require(actor)
    provider = get_provider(actor, provider_id)
    _require_another(provider)
    end_feeds(actor, provider.id)
    opened = select(SsoSession.session_id).where(SsoSession.provider_id == provider.id)
    ended = end_sessions(db.session.scalars(opened).all())
    take_claimed_roles(actor, ExternalIdentity.provider_id == provider.id)
    db.session.delete(provider)
    record(actor, Action.PROVIDER_DELETED, f"provider:{provider.id}", ended_sessions=ended)


def offer_provider(actor: Actor, provider_id: UUID) -> None:
    """Have the sign-in page offer it. Raises `Forbidden`, `NotFound`, `Conflict` or
    `StepUpNeeded`.
    """
    _require(actor)
    provider = get_provider(actor, provider_id)
    if provider.state != ProviderState.TESTED:
        raise Conflict("A provider is offered after a test sign-in that worked.")
    provider.state = ProviderState.OFFERED
    record(actor, Action.PROVIDER_OFFERED, f"provider:{provider.id}")


def withdraw_provider(actor: Actor, provider_id: UUID) -> None:
    """Offer it no more. Raises `Forbidden`, `NotFound`, `Conflict` or `StepUpNeeded`."""
    _require(actor)
    provider = get_provider(actor, provider_id)
    if provider.state != ProviderState.OFFERED:
        raise Conflict("This provider is not offered.")
    _require_another(provider)
    provider.state = ProviderState.TESTED
    record(actor, Action.PROVIDER_WITHDRAWN, f"provider:{provider.id}")


def _require(actor: Actor) -> None:
    require(actor, Permission.SSO_EDIT)
    require_fresh(actor, Act.SSO)


def _require_another(provider: IdentityProvider) -> None:
    offered = {other.id for other in list_offered()}
    if offered == {provider.id} and get_policy().is_sso_only:
        raise OnlyProvider


def _check(actor: Actor, chosen: Chosen, provider: IdentityProvider | None) -> None:
    if not is_address(chosen.issuer) or "?" in chosen.issuer:
        raise Invalid("The issuer is an address like https://login.example.com.")
    texts = (chosen.name, chosen.client_id, chosen.groups_claim)
    if not all(map(is_one_line, texts)) or not chosen.client_id.isascii():
        raise Invalid("This contains invisible characters.")
    if not all(map(_DOMAIN.fullmatch, chosen.allowed_domains)):
        raise Invalid("A domain looks like example.com.")
    if chosen.default_role and not chosen.allowed_domains:
        raise Invalid("Accounts can be made only for e-mails of domains that are named.")
    actor = lock_access_as(actor)  # or a role could be retired that it comes to name
    roles = list_live_roles()
    for key in roles_in(chosen):
        if key not in roles or roles[key].is_scoped:
            raise Invalid("There is no such role for the whole organisation.")
    for key in handed_out(chosen, provider):
        _require_to_hand_out(actor, roles[key])


def _require_to_hand_out(actor: Actor, role: Role) -> None:
    try:
        require_to_hand_out(actor, role)
    except Forbidden as error:
        raise RolesByAnother(error.permission, ORGANISATION) from None


def _answer_for_groups(actor: Actor, provider: IdentityProvider) -> None:
    """Who could not answer for what it fills may end that, as by deleting the provider."""
    if decide(actor, Permission.ROLE_ASSIGN):
        answer_for_feeds(actor, provider.id)
    else:
        end_feeds(actor, provider.id)


def _fill_in(provider: IdentityProvider, chosen: Chosen) -> None:
    provider.name = chosen.name.strip()
    provider.issuer = chosen.issuer
    provider.client_id = chosen.client_id
    provider.allowed_domains = list(chosen.allowed_domains)
    provider.default_role = chosen.default_role
    provider.groups_claim = chosen.groups_claim
    provider.group_roles = dict(chosen.group_roles)
    provider.trusts_mfa = chosen.trusts_mfa


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict("There is a provider with this issuer already.") from None
