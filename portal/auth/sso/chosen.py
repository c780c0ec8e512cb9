"""What an admin enters about a provider, and which of it gives roles to others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from portal.access.decision import Forbidden
from portal.audit.actor import Actor
from portal.auth.sso.models import IdentityProvider


class RolesByAnother(Forbidden):
    """Somebody who can't hand out a role has others come to hold it by a provider's word."""

    message = (
        "You can't decide who gets roles by this provider. Leave “Accounts are made for” and "
        "“Roles by group” empty, or leave the issuer, the client id, the domains and the claim as "
        "they are."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What an admin entered. An empty `client_secret` keeps the one there is."""

    name: str
    issuer: str
    client_id: str
    client_secret: str = ""
    allowed_domains: Sequence[str] = ()
    default_role: str | None = None
    groups_claim: str = ""
    group_roles: Mapping[str, str] = field(default_factory=dict)
    trusts_mfa: bool = False


def roles_in(chosen: Chosen) -> set[str]:
    """Every role that is named."""
    return set(chosen.group_roles.values()) | (
        {chosen.default_role} if chosen.default_role else set()
    )


def handed_out(chosen: Chosen, provider: IdentityProvider | None) -> Iterator[str]:
    """The roles that somebody is given who had no right to them before."""
    for group, role in sorted(chosen.group_roles.items()):
        if not _stands(group, chosen, provider):
            yield role
    if chosen.default_role and not _makes_accounts_as_before(chosen, provider):
        yield chosen.default_role


def deciders(actor: Actor, chosen: Chosen, provider: IdentityProvider | None) -> dict[str, str]:
    """By whose decision each group gives its role, once `actor` has it as chosen."""
    before = (provider.deciders or {}) if provider is not None else {}
    decided = {
        group: before.get(group) if _stands(group, chosen, provider) else _id_of(actor)
        for group in chosen.group_roles
    }
    return {group: decider for group, decider in decided.items() if decider}


def takes_same_word(chosen: Chosen, provider: IdentityProvider) -> bool:
    """Whether it stays the same word that is taken: another issuer is somebody else, and another
    client may be told of other people.
    """
    return (provider.issuer, provider.client_id) == (chosen.issuer, chosen.client_id)


def names_same_groups(chosen: Chosen, provider: IdentityProvider) -> bool:
    """Whether groups stay what they were: another claim may hold what people choose themselves."""
    return takes_same_word(chosen, provider) and provider.groups_claim == chosen.groups_claim


def _stands(group: str, chosen: Chosen, provider: IdentityProvider | None) -> bool:
    """Whether a group gives the role that it gave before, to the same people."""
    return (
        provider is not None
        and names_same_groups(chosen, provider)
        and provider.group_roles.get(group) == chosen.group_roles[group]
    )


def _makes_accounts_as_before(chosen: Chosen, provider: IdentityProvider | None) -> bool:
    return (
        provider is not None
        and takes_same_word(chosen, provider)
        and provider.default_role == chosen.default_role
        and set(chosen.allowed_domains) <= set(provider.allowed_domains)
    )


def _id_of(actor: Actor) -> str | None:
    return str(actor.user_id) if actor.user_id else None
