"""Reading a tenant's providers, and whom they vouch for."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.auth.sso.client import Registration
from portal.auth.sso.models import ExternalIdentity, IdentityProvider, ProviderState
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def list_providers(actor: Actor) -> Sequence[IdentityProvider]:
    """All providers, by name. Raises `Forbidden`."""
    require(actor, Permission.SSO_EDIT)
    return db.session.scalars(
        select(IdentityProvider).order_by(IdentityProvider.name, IdentityProvider.id)
    ).all()


def get_provider(actor: Actor, provider_id: UUID) -> IdentityProvider:
    """One provider. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.SSO_EDIT)
    return find_provider(provider_id)


def find_provider(provider_id: UUID) -> IdentityProvider:
    """One provider, for whoever comes by it. Raises `NotFound`."""
    provider = db.session.get(IdentityProvider, (bound_tenant_id(), provider_id))
    if provider is None:
        raise NotFound
    return provider


def get_offered(provider_id: UUID) -> IdentityProvider:
    """A provider that people can sign in with. Raises `NotFound`."""
    provider = find_provider(provider_id)
    if provider.state != ProviderState.OFFERED:
        raise NotFound
    return provider


def list_offered() -> Sequence[IdentityProvider]:
    """The providers that the sign-in page offers, by name."""
    return db.session.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.state == ProviderState.OFFERED)
        .order_by(IdentityProvider.name, IdentityProvider.id)
    ).all()


def list_providers_of(user_id: UUID | None) -> Sequence[IdentityProvider]:
    """The offered providers at which a person has an account that is linked, by name."""
    linked = select(ExternalIdentity.issuer).where(ExternalIdentity.user_id == user_id)
    return db.session.scalars(
        select(IdentityProvider)
        .where(IdentityProvider.state == ProviderState.OFFERED, IdentityProvider.issuer.in_(linked))
        .order_by(IdentityProvider.name, IdentityProvider.id)
    ).all()


def choose_provider(providers: Sequence[IdentityProvider], email: str) -> IdentityProvider | None:
    """The provider of an e-mail's domain: who has an account here makes no difference."""
    domain = domain_of(email)
    return next((p for p in providers if domain and domain in p.allowed_domains), None)


def domain_of(email: str) -> str:
    """The part of an e-mail behind its last @, in lower case."""
    return email.strip().lower().rpartition("@")[2] if "@" in email else ""


def has_working_provider() -> bool:
    """Whether people can sign in by a provider whose test sign-in worked."""
    return bool(list_offered())  # only one that worked can be offered


def has_tested_provider() -> bool:
    """Whether a test sign-in by some provider worked, whether it is offered or not."""
    tested = select(IdentityProvider.id).where(IdentityProvider.tested_at.is_not(None))
    return db.session.scalars(tested.limit(1)).first() is not None


def registration_of(provider: IdentityProvider) -> Registration:
    """What is needed of a provider to talk to it."""
    return Registration(
        provider_id=provider.id,
        name=provider.name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        groups_claim=provider.groups_claim,
    )


def find_identity(issuer: str, subject: str) -> ExternalIdentity | None:
    """Whom a provider means."""
    return db.session.scalars(
        select(ExternalIdentity).where(
            ExternalIdentity.issuer == issuer, ExternalIdentity.subject == subject
        )
    ).one_or_none()


def list_identities(user_id: UUID | None) -> Sequence[tuple[ExternalIdentity, str]]:
    """A person's identities with the names of their providers, oldest first."""
    rows = db.session.execute(
        select(ExternalIdentity, IdentityProvider.name)
        .join(IdentityProvider, IdentityProvider.id == ExternalIdentity.provider_id)
        .where(ExternalIdentity.user_id == user_id)
        .order_by(ExternalIdentity.id)
    )
    return [(row[0], row[1]) for row in rows]


def get_own_identity(user_id: UUID | None, identity_id: UUID) -> tuple[ExternalIdentity, str]:
    """One of a person's identities, with the name of its provider. Raises `NotFound`."""
    for identity, name in list_identities(user_id):
        if identity.id == identity_id:
            return identity, name
    raise NotFound
