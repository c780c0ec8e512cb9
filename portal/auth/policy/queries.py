"""The policy in force for the bound tenant: its own choices, held to the installation's floor."""

from dataclasses import replace
from typing import Any

from portal.auth.assurance import Audience, Factor, Policy
from portal.auth.policy.models import SignInPolicy
from portal.core.settings import active
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

_policy = SignInPolicy.__table__
# The columns of a tenant's choices, for statements that read them along with something else.
CHOICES = (
    _policy.c.mfa_for,
    _policy.c.mfa_roles,
    _policy.c.factors,
    _policy.c.grace_days,
    _policy.c.mfa_since,
    _policy.c.idle_minutes,
    _policy.c.absolute_hours,
    _policy.c.password_min_length,
    _policy.c.password_max_age_days,
    _policy.c.is_sso_only,
)


def get_policy() -> Policy:
    """The policy that holds now."""
    return policy_from(find_choices())


def find_choices() -> SignInPolicy | None:
    """What the tenant's admins chose, or None."""
    tenant_id = bound_tenant_id()
    return db.session.get(SignInPolicy, (tenant_id, tenant_id))


def policy_from(chosen: Any) -> Policy:
    """What a tenant's row (or one that holds `CHOICES`), or its absence, amounts to."""
    settings = active()
    policy = Policy(
        idle_minutes=settings.session_idle_minutes,
        absolute_hours=settings.session_absolute_hours,
        password_min_length=settings.password_min_length,
    )
    if chosen is None:
        return policy
    return within_floor(
        replace(
            policy,
            mfa_for=Audience(chosen.mfa_for),
            mfa_roles=frozenset(chosen.mfa_roles),
            factors=frozenset(map(Factor, chosen.factors)),
            grace_days=chosen.grace_days,
            since=chosen.mfa_since,
            idle_minutes=chosen.idle_minutes,
            absolute_hours=chosen.absolute_hours,
            password_min_length=chosen.password_min_length,
            password_max_age_days=chosen.password_max_age_days,
            is_sso_only=chosen.is_sso_only,
        )
    )


def within_floor(policy: Policy) -> Policy:
    """`policy` with whatever is looser than the installation allows drawn tight."""
    settings = active()
    return replace(
        policy,
        mfa_for=Audience.EVERYBODY if settings.mfa_for_everybody else policy.mfa_for,
        grace_days=min(policy.grace_days, settings.mfa_max_grace_days),
        idle_minutes=min(policy.idle_minutes, settings.session_idle_minutes),
        absolute_hours=min(policy.absolute_hours, settings.session_absolute_hours),
        password_min_length=max(policy.password_min_length, settings.password_min_length),
    )
