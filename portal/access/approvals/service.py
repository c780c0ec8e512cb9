"""Asking a second person, and the ends that such a question can come to.

An act ends once: by a conditional UPDATE, so of two decisions at the same time one is refused.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, true, update

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import find_waiting, get_act, kinds_of, needs_two
from portal.access.decision import ORGANISATION, Forbidden, Target, require
from portal.access.endings import Ending
from portal.access.holders import OwnRights
from portal.access.locking import lock_access, lock_access_as
from portal.access.people import list_people_with
from portal.access.permissions import OVERSIGHT, Permission, Role
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor, ActorKind
from portal.audit.service import RecordedRefusal, record
from portal.core import clock
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.tenancy.session import change, db

VALID_FOR = timedelta(days=3)

NO_OTHER_OFFICER = (
    "Two people have to agree to this here, and nobody else may. "
    "An admin can make somebody else a compliance officer."
)


class SecondPersonNeeded(RecordedRefusal):
    """Two people have to agree, and by the way that was taken nobody can be asked."""

    status = 409
    message = "Two people have to agree to this here, and this way of asking can't wait."

    def __init__(self, kind: Kind, target: str) -> None:
        super().__init__(target, reason="needs-two", kind=kind)


class NobodyElse(Conflict):
    """There is no second person."""

    message = (
        "Two people have to agree to this here, and nobody else may. "
        "The operator of the portal can invite another admin."
    )


class SamePerson(Forbidden):
    """Two people have to agree, and this one has asked."""

    message = "You have asked for this yourself. Somebody else has to decide."


class SomebodyElses(Forbidden):
    """Only who has asked takes a question back."""

    message = "Somebody else has asked for this. You can decline it."


class Void(RecordedRefusal):
    """Whoever asked may not do this any more. Recording the refusal ends the act."""

    status = 409
    message = "Whoever asked for this may not do it any more. It is void, and nothing was done."
    action = Action.ACT_VOIDED

    def __init__(self, act: PendingAct) -> None:
        super().__init__(act.target, act=str(act.id), kind=act.kind)
        self.act_id = act.id

    def record(self, actor: Actor) -> None:
        act = get_act(self.act_id)
        if _end(act, actor, Ending.VOID):
            super().record(actor)


def wants_second(actor: Actor, kind: Kind) -> bool:
    """Whether `actor` may do an act of this kind only if somebody else agrees.

    The operator acts alone: that is how an organisation gets its admins, and gets them back.
    """
    return actor.kind != ActorKind.OPERATOR and needs_two(kind)


def require_alone(actor: Actor, kind: Kind, target: str) -> None:
    """Raises `SecondPersonNeeded` where two people are wanted, for ways that can't wait."""
    if wants_second(actor, kind):
        raise SecondPersonNeeded(kind, target)


def require_alone_to_give(actor: Actor, roles: Iterable[Role], target: str) -> None:
    """Raises `SecondPersonNeeded` where somebody would come to hold a role for which two people
    are wanted: by being given it, by coming into a group, or by what it allows being widened.
    """
    if any(role.is_powerful for role in roles):
        require_alone(actor, Kind.GRANT_ADMIN, target)


def ask(actor: Actor, kind: Kind, target: str, payload: Any, reason: str = "") -> PendingAct:
    """Put an act before those who may agree to it, once it is decided that `actor` may do it.

    Raises `NobodyElse`, or `Conflict` where one of its kind waits about the target already.
    """
    lock_access()
    if list_people_with(kind.permission) <= {actor.user_id}:
        raise NobodyElse(NO_OTHER_OFFICER if kind.permission in OVERSIGHT else None)
    _expire(PendingAct.kind == kind, PendingAct.target == target)
    if find_waiting(kind, target):
        raise Conflict("This waits for a second person already.")
    act = PendingAct(
        id=new_id(),
        kind=kind,
        target=target,
        payload=payload,
        reason=reason,
        asked_by=actor.user_id,
        expires_at=clock.now() + VALID_FOR,
    )
    db.session.add(act)
    db.session.flush()
    record(actor, Action.ACT_ASKED, target, **_detail(act), reason=reason, **payload)
    return act


def require_any(actor: Actor) -> None:
    """Raises `Forbidden` for those who may agree to nothing."""
    if not kinds_of(actor):
        raise Forbidden(Permission.ROLE_ASSIGN, ORGANISATION)


def agree(actor: Actor, act: PendingAct) -> None:
    """Note that a second person agrees; whoever calls this does the act. Raises as `_decide`."""
    _decide(actor, act, Ending.APPROVED, Action.ACT_APPROVED)


def decline(actor: Actor, act: PendingAct) -> None:
    """Refuse what somebody else asked for. Raises as `_decide`."""
    _decide(actor, act, Ending.DECLINED, Action.ACT_DECLINED)


def withdraw(actor: Actor, act: PendingAct) -> None:
    """Take one's own question back. Raises `SomebodyElses` or `Conflict`."""
    if act.asked_by != actor.user_id:
        raise SomebodyElses(act.what.permission, Target(act.target))
    _close(actor, act, Ending.WITHDRAWN, Action.ACT_WITHDRAWN)


def lapse(kind: Kind, target: str) -> None:
    """End what waits about a target, as it was done without: asking anew is about another thing."""
    _expire(PendingAct.kind == kind, PendingAct.target == target, is_due=False)


def sweep_acts(long_ago: timedelta) -> None:
    """Expire what nobody answered, and delete what ended long ago; the log still tells of it."""
    _expire()
    db.session.execute(delete(PendingAct).where(PendingAct.decided_at < clock.now() - long_ago))


def _decide(actor: Actor, act: PendingAct, ending: Ending, action: Action) -> None:
    """Raises `Forbidden`, `SamePerson`, `OwnRights` or `Conflict`."""
    permission, target = act.what.permission, Target(act.target)
    actor = lock_access_as(actor)
    require(actor, permission, target)
    if act.asked_by == actor.user_id:
        raise SamePerson(permission, target)
    if act.target == f"user:{actor.user_id}":
        raise OwnRights(permission, target)
    _close(actor, act, ending, action)


def _close(actor: Actor, act: PendingAct, ending: Ending, action: Action) -> None:
    lock_access()  # before any row: what follows takes it as well
    if not _end(act, actor, ending):
        raise Conflict("This has been decided, or has expired.")
    record(actor, action, act.target, **_detail(act))


def _end(act: PendingAct, actor: Actor, ending: Ending) -> bool:
    now = clock.now()
    return bool(
        change(
            update(PendingAct)
            .where(
                PendingAct.id == act.id,
                PendingAct.decision.is_(None),
                PendingAct.expires_at > now,
            )
            .values(decision=ending, decided_by=actor.user_id, decided_at=now)
            .execution_options(synchronize_session=False)
        )
    )


def _expire(*which: Any, is_due: bool = True) -> None:
    """End each of these acts by itself, so that of two who do it at once one tells of it."""
    now = clock.now()
    due = PendingAct.expires_at <= now if is_due else true()
    waiting = select(PendingAct).where(PendingAct.decision.is_(None), due, *which)
    for act in db.session.scalars(waiting.order_by(PendingAct.id)):
        ended = change(
            update(PendingAct)
            .where(PendingAct.id == act.id, PendingAct.decision.is_(None))
            .values(decision=Ending.EXPIRED, decided_at=now)
            .execution_options(synchronize_session=False)
        )
        if ended:
            record(SYSTEM, Action.ACT_EXPIRED, act.target, **_detail(act))


def _detail(act: PendingAct) -> dict[str, Any]:
    return {"act": str(act.id), "kind": act.kind}
