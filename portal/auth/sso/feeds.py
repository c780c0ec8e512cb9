"""Which provider fills a group: the side of it that knows the providers."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.groups.feeds import feed_group, fill_by_hand
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.auth.sso.models import IdentityProvider
from portal.auth.sso.queries import get_provider
from portal.core.errors import Conflict
from portal.tenancy.session import db


def change_source(actor: Actor, group_id: UUID, provider_id: UUID | None, claim: str) -> None:
    """Have a provider fill a group from now on, or people by hand. It is empty then.

    Whose word is taken is a matter of single sign-on, so it takes the right to that as well. Raises
    `Forbidden`, `OwnGroup`, `NotFound`, `Invalid`, `Conflict` or `StepUpNeeded`.
    """
    require(actor, Permission.SSO_EDIT)
    require_fresh(actor, Act.ROLES)
    if provider_id is None:
        fill_by_hand(actor, group_id)
        return
    provider = get_provider(actor, provider_id)
    if not provider.groups_claim:
        raise Conflict(f"The settings of {provider.name} don’t say which claim lists groups.")
    feed_group(actor, group_id, provider_id, claim)


def provider_names(provider_ids: Collection[UUID | None]) -> Mapping[UUID, str]:
    """What to call providers, for readers who may not see their settings."""
    wanted = {provider_id for provider_id in provider_ids if provider_id}
    if not wanted:
        return {}
    named = select(IdentityProvider.id, IdentityProvider.name)
    return dict(db.session.execute(named.where(IdentityProvider.id.in_(wanted))).all())
