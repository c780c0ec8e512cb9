"""Members who lost their factors: all are removed, by one person or by two who agree."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import find_waiting
from portal.access.approvals.service import ask, lapse, wants_second
from portal.access.decision import decide
from portal.access.locking import lock_access, lock_access_as
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.factors.queries import factors_of
from portal.auth.fresh import require_fresh
from portal.auth.membership import get_subject
from portal.auth.notices import Notice, tell
from portal.auth.sessions import end_sessions_of
from portal.core.errors import Conflict
from portal.tenancy.session import change
from portal.users.models import User
from portal.users.queries import get_user, lock_user


def reset_factors(actor: Actor, user_id: UUID, reason: str = "") -> PendingAct | None:
    """Remove all of a person's factors and end their sessions; the next sign-in sets up anew.

    Where two people have to agree, nothing is removed yet: gives the act that waits for the second
    one. An operator acts alone. Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Conflict`.
    """
    actor = lock_access_as(actor)
    user = get_subject(actor, user_id, Permission.MEMBER_RESET)
    require_fresh(actor, Act.MEMBERS)
    if wants_second(actor, Kind.RESET_FACTORS):
        _require_factors(user, bool(factors_of(user.id)))
        return ask(actor, Kind.RESET_FACTORS, f"user:{user.id}", {}, reason)
    _remove_factors(actor, user)
    return None


def require_to_reset(actor: Actor, act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may remove the factors of whom this is about."""
    get_subject(lock_access_as(actor), _person_in(act), Permission.MEMBER_RESET)


def reset_agreed(actor: Actor, act: PendingAct) -> None:
    """Remove somebody's factors, once a second person agrees. Raises `NotFound` or `Conflict`."""
    _remove_factors(actor, get_user(_person_in(act)), **act.consent.detail())


def find_reset(actor: Actor, user_id: UUID) -> PendingAct | None:
    """The reset of a member's factors that waits, if there is one and the actor may decide it."""
    if not decide(actor, Permission.MEMBER_RESET):
        return None
    return find_waiting(Kind.RESET_FACTORS, f"user:{user_id}")


def _person_in(act: PendingAct) -> UUID:
    return UUID(act.target.partition(":")[2])


def _remove_factors(actor: Actor, user: User, **agreed: Any) -> None:
    lock_access()
    lock_user(user.id)
    removed = {
        model.__tablename__: change(delete(model).where(model.user_id == user.id))
        for model in (TotpDevice, Passkey, RecoveryCode)
    }
    _require_factors(user, any(removed.values()))
    lapse(Kind.RESET_FACTORS, f"user:{user.id}")
    ended = end_sessions_of(user.id)
    record(
        actor,
        Action.FACTOR_RESET,
        f"user:{user.id}",
        removed=removed,
        ended_sessions=ended,
        **agreed,
    )
    tell(user.id, Notice.FACTORS_RESET, actor=actor)


def _require_factors(user: User, has_some: bool) -> None:
    if not has_some:
        raise Conflict(f"{user.name} has no second factor set up.")
