"""Reading and changing a tenant's policy of signing in, within the installation's floor."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from portal.access.decision import require
from portal.access.locking import lock_access_as
from portal.access.permissions import Permission
from portal.access.roles import list_live_roles
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act, Audience, Policy
from portal.auth.fresh import require_fresh
from portal.auth.policy.limits import end_fallen_sessions
from portal.auth.policy.models import SignInPolicy
from portal.auth.policy.queries import find_choices, policy_from
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.settings import active
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

LONGEST_MIN_LENGTH = 64  # NIST SP 800-63B-4, 3.1.1.2: as much must be allowed at least
EXPIRY_DAYS = (30, 730)


class BeyondFloor(Invalid):
    """Something in it is looser than the installation allows, or means nothing."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How loose a tenant's policy may be: the installation's floor."""

    is_mfa_for_everybody: bool
    max_grace_days: int
    max_idle_minutes: int
    max_absolute_hours: int
    min_password_length: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The policy in force with its bounds; `version` tells whether it is still the same later."""

    policy: Policy
    bounds: Bounds
    version: str


def get_bounds() -> Bounds:
    """What the operator has set."""
    settings = active()
    return Bounds(
        settings.mfa_for_everybody,
        settings.mfa_max_grace_days,
        settings.session_idle_minutes,
        settings.session_absolute_hours,
        settings.password_min_length,
    )


def show_policy(actor: Actor) -> Shown:
    """The policy for those who may see it. Raises `Forbidden`."""
    require(actor, Permission.POLICY_READ)
    chosen = find_choices()
    return Shown(policy_from(chosen), get_bounds(), _version_of(chosen))


def check_policy(wanted: Policy) -> None:
    """Raises `BeyondFloor` with everything that is wrong."""
    faults = [*_nothing_left(wanted), *_too_loose(wanted, get_bounds())]
    if faults:
        raise BeyondFloor(" ".join(faults))


def change_policy(actor: Actor, wanted: Policy, *, version: str) -> None:
    """Have another policy hold from the next request on, for sessions that are open as well.

    Those that it does not let stand end for good; those that owe more now are asked for it.
    Raises `Forbidden`, `StepUpNeeded`, `BeyondFloor`, or `Conflict` where the policy is no more the
    one of that `version`.
    """
    actor = lock_access_as(actor)  # or a role could be retired that it comes to name
    require(actor, Permission.POLICY_EDIT)
    require_fresh(actor, Act.POLICY)
    check_policy(wanted)
    chosen = db.session.scalars(select(SignInPolicy).with_for_update()).one_or_none()
    if _version_of(chosen) != version:
        raise Conflict("Somebody else has changed the policy in the meantime. Look at it again.")
    present = policy_from(chosen)
    changes = changes_between(present, wanted)
    if not changes:
        raise Conflict("This is the policy already.")
    end_fallen_sessions()
    if chosen is None:
        chosen = SignInPolicy(id=bound_tenant_id())
        db.session.add(chosen)
    for name, value in as_plain(wanted).items():
        setattr(chosen, name, value)
    chosen.changed_at, chosen.changed_by = clock.now(), actor.user_id
    chosen.mfa_since = from_now(wanted, present).since
    record(
        actor,
        Action.POLICY_CHANGED,
        "policy",
        before={name: before for name, (before, _) in changes.items()},
        after={name: after for name, (_, after) in changes.items()},
        ended_sessions=end_fallen_sessions(),
    )


def changes_between(present: Policy, wanted: Policy) -> dict[str, tuple[Any, Any]]:
    """Each choice that differs, as it was and as it would be."""
    before, after = as_plain(present), as_plain(wanted)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def from_now(wanted: Policy, present: Policy) -> Policy:
    """`wanted` once it is in force: whoever is asked for more has the grace from now on."""
    return replace(wanted, since=clock.now() if asks_more(wanted, present) else present.since)


def asks_more(wanted: Policy, present: Policy) -> bool:
    """Whether somebody who has done enough so far may have to set up a factor."""
    everybody, roles = Audience.EVERYBODY, Audience.ROLES
    if present.factors - wanted.factors:
        return True
    if wanted.mfa_for == everybody:
        return present.mfa_for != everybody
    if wanted.mfa_for == roles and present.mfa_for == roles:
        return bool(wanted.mfa_roles - present.mfa_roles)
    return wanted.mfa_for == roles and present.mfa_for != everybody


def as_plain(policy: Policy) -> dict[str, Any]:
    """What a tenant chooses, as it is stored and recorded."""
    return {
        "mfa_for": str(policy.mfa_for),
        "mfa_roles": sorted(policy.mfa_roles),
        "factors": sorted(map(str, policy.factors)),
        "grace_days": policy.grace_days,
        "idle_minutes": policy.idle_minutes,
        "absolute_hours": policy.absolute_hours,
        "password_min_length": policy.password_min_length,
        "password_max_age_days": policy.password_max_age_days,
    }


def _nothing_left(wanted: Policy) -> list[str]:
    faults = []
    if not wanted.factors:
        faults.append("Choose at least one kind of factor that counts.")
    if wanted.mfa_for == Audience.ROLES and not wanted.mfa_roles:
        faults.append("Choose the roles whose holders must have a second factor.")
    if wanted.mfa_roles - list_live_roles().keys():
        faults.append("There is no such role.")
    return faults


def _too_loose(wanted: Policy, bounds: Bounds) -> list[str]:
    longest, (first, last) = LONGEST_MIN_LENGTH, EXPIRY_DAYS
    age = wanted.password_max_age_days
    rules = (
        (
            wanted.mfa_for == Audience.EVERYBODY or not bounds.is_mfa_for_everybody,
            "This installation asks everybody for a second factor.",
        ),
        (
            0 <= wanted.grace_days <= bounds.max_grace_days,
            f"The grace is {bounds.max_grace_days} days at most in this installation.",
        ),
        (
            1 <= wanted.idle_minutes <= bounds.max_idle_minutes,
            f"A session may be unused for 1 to {bounds.max_idle_minutes} minutes.",
        ),
        (
            1 <= wanted.absolute_hours <= bounds.max_absolute_hours,
            f"A session may last 1 to {bounds.max_absolute_hours} hours.",
        ),
        (
            bounds.min_password_length <= wanted.password_min_length <= longest,
            f"The shortest password has {bounds.min_password_length} to {longest} characters.",
        ),
        (
            age is None or first <= age <= last,
            f"Passwords expire after {first} to {last} days, or not at all.",
        ),
    )
    return [fault for is_kept, fault in rules if not is_kept]


def _version_of(chosen: SignInPolicy | None) -> str:
    return chosen.changed_at.isoformat() if chosen else ""
