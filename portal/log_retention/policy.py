"""For how many days the log is kept: the tenant's choice, held to the installation's floor."""

from typing import Any

from sqlalchemy import select

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.service import ask, lapse, wants_second
from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.settings import active
from portal.documents.retention.locking import lock_retention_as
from portal.log_retention.models import LogPolicy
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

MAX_DAYS = 36_500
TARGET = "audit"


def keep_days() -> int | None:
    """For so many days entries are kept at least; None: for ever. Never less than the floor, also
    where it was raised since.
    """
    chosen = db.session.scalars(select(LogPolicy.keep_days)).one_or_none()
    return None if chosen is None else max(chosen, active().log_floor_days)


def choose_retention(actor: Actor, days: int | None, reason: str = "") -> PendingAct | None:
    """Have entries go after so many days from the next run on, or never.

    Where two people have to agree to that, the log is kept as before until the second one does:
    gives the act that waits. Keeping it longer takes no second person. Raises `Forbidden`,
    `StepUpNeeded`, `Invalid`, `NobodyElse` or `Conflict`.
    """
    require(actor, Permission.RETENTION_EDIT)
    require_fresh(actor, Act.RETENTION)
    check_days(days)
    before = keep_days()
    if days == before:
        raise Conflict("This is how long the log is kept already.")
    is_shorter = days is not None and (before is None or days < before)
    if is_shorter and wants_second(actor, Kind.PRUNE_LOG):
        return ask(actor, Kind.PRUNE_LOG, TARGET, {"days": days}, reason)
    lapse(Kind.PRUNE_LOG, TARGET)
    _choose(actor, days)
    return None


def require_to_choose(actor: Actor, _act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may decide how long the log is kept."""
    require(actor, Permission.RETENTION_EDIT)


def choose_agreed(actor: Actor, act: PendingAct) -> None:
    """Keep the log for as long as two people agreed to. Raises `Invalid` where the floor was
    raised since.
    """
    days = act.payload["days"]
    check_days(days)
    _choose(actor, days, **act.consent.detail())


def check_days(days: int | None) -> None:
    """Raises `Invalid` for what the installation does not allow."""
    floor = active().log_floor_days
    if days is not None and not floor <= days <= MAX_DAYS:
        raise Invalid(f"This installation keeps every log for {floor} days at least.")


def _choose(actor: Actor, days: int | None, **agreed: Any) -> None:
    require(lock_retention_as(actor), Permission.RETENTION_EDIT)
    tenant_id, before = bound_tenant_id(), keep_days()
    policy = db.session.get(LogPolicy, (tenant_id, tenant_id))
    if policy is None:
        policy = LogPolicy(id=tenant_id)
        db.session.add(policy)
    policy.keep_days = days
    policy.changed_at, policy.changed_by = clock.now(), actor.user_id
    record(actor, Action.LOG_POLICY_CHANGED, TARGET, before=before, after=days, **agreed)
