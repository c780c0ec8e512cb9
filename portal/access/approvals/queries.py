"""Reading what waits for a second person, and for which acts one is wanted."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import AccessPolicy, PendingAct
from portal.access.decision import decide
from portal.audit.actor import Actor
from portal.core import clock
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

SHOWN_FOR = timedelta(days=30)


def find_choice() -> AccessPolicy | None:
    """What the tenant's admins chose, or None."""
    tenant_id = bound_tenant_id()
    return db.session.get(AccessPolicy, (tenant_id, tenant_id))


def list_needing_two() -> frozenset[Kind]:
    """The kinds of act for which two people are wanted."""
    chosen = find_choice()
    chosen_kinds = frozenset(k for k in Kind if chosen is not None and k in chosen.needs_two)
    return chosen_kinds | {Kind.CHANGE_CHOICE} if chosen_kinds else chosen_kinds


def needs_two(kind: Kind) -> bool:
    """Whether two people are wanted for an act."""
    return kind in list_needing_two()


def kinds_of(actor: Actor) -> Sequence[Kind]:
    """The kinds that `actor` may ask for and agree to."""
    return [kind for kind in Kind if decide(actor, kind.permission)]


def find_waiting(kind: Kind, target: str) -> PendingAct | None:
    """The act of a kind about a target that waits, or None."""
    return db.session.scalars(
        _waiting(select(PendingAct)).where(PendingAct.kind == kind, PendingAct.target == target)
    ).one_or_none()


def get_act(act_id: UUID) -> PendingAct:
    """One act, decided or not. Raises `NotFound`."""
    found = db.session.get(PendingAct, (bound_tenant_id(), act_id))
    if found is None:
        raise NotFound
    return found


def list_waiting(kinds: Collection[Kind]) -> Sequence[PendingAct]:
    """The acts of these kinds that wait, oldest first."""
    statement = _waiting(select(PendingAct)).where(PendingAct.kind.in_(kinds))
    return db.session.scalars(statement.order_by(PendingAct.id)).all()


def list_past(kinds: Collection[Kind]) -> Sequence[PendingAct]:
    """The acts of these kinds that ended in the last 30 days, latest first."""
    return db.session.scalars(
        select(PendingAct)
        .where(PendingAct.kind.in_(kinds), PendingAct.decided_at > clock.now() - SHOWN_FOR)
        .order_by(PendingAct.decided_at.desc(), PendingAct.id)
        .limit(100)
    ).all()


def count_waiting_for(actor: Actor) -> Select[tuple[int]]:
    """The statement that counts what `actor` may decide: neither asked by them nor about them."""
    return _waiting(select(func.count()).select_from(PendingAct)).where(
        PendingAct.kind.in_(kinds_of(actor)),
        PendingAct.asked_by != actor.user_id,
        PendingAct.target != f"user:{actor.user_id}",
    )


def _waiting(statement: Select[Any]) -> Select[Any]:
    return statement.where(PendingAct.decision.is_(None), PendingAct.expires_at > clock.now())
