"""Agreeing, as the second person, to what somebody else wants done, by all rules of that moment.

What each kind of act takes is in a table that is handed in: the acts are known higher up.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.access.approvals import choice, service
from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import (
    get_act,
    kinds_of,
    list_past,
    list_waiting,
)
from portal.access.decision import Forbidden, Target, decide, require
from portal.access.people import find_actor
from portal.access.permissions import Permission
from portal.access.queries import names_of_groups
from portal.access.roles import permissions_from
from portal.audit.actor import Actor
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.auth.members import ListedMember, describe_members
from portal.core.errors import Conflict, PortalError
from portal.users.queries import get_user, names_of

Step = Callable[[Actor, PendingAct], None]


class NotNow(Conflict):
    """Acts of this kind are not done at present."""

    message = "This organisation is closing. Everything can be read, but nothing can be changed."


@dataclass(frozen=True, slots=True)
class Agreed:
    """How an act is done that two people agreed to.

    `check` raises `Forbidden` for whoever may not do it; it is asked about both.
    """

    check: Step
    do: Step


@dataclass(frozen=True, slots=True)
class Acts:
    """Acts as a list shows them, with the names of who asked and decided, and of what they are
    about.
    """

    acts: Sequence[PendingAct]
    people: Mapping[UUID, str]
    targets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShownAct:
    """One act in full; `member` is the person it is about, for who may see members.

    `reached` names all whom it comes to, and `allows` is what it gives them. `why_not` says why the
    reader can't agree, whoever else could; empty where they can.
    """

    act: PendingAct
    people: Mapping[UUID, str]
    targets: Mapping[str, str]
    member: ListedMember | None
    reached: Sequence[str]
    allows: Sequence[Permission]
    why_not: str


def list_acts(actor: Actor) -> tuple[Acts, Acts]:
    """What waits, and what ended lately, of all that `actor` may agree to. Raises `Forbidden`."""
    service.require_any(actor)
    kinds = kinds_of(actor)
    waiting, past = list_waiting(kinds), list_past(kinds)
    people, targets = _names([*waiting, *past])
    return Acts(waiting, people, targets), Acts(past, people, targets)


def show_act(actor: Actor, act_id: UUID, table: Mapping[Kind, Agreed]) -> ShownAct:
    """One act. Raises `Forbidden` or `NotFound`."""
    act = _get(actor, act_id)
    people, targets = _names([act])
    kind, _, id_ = act.target.partition(":")
    tells = kind == "user" and decide(actor, Permission.MEMBER_READ)
    [member] = describe_members([get_user(UUID(id_))]) if tells else [None]
    reached = names_of({UUID(id_) for id_ in act.payload.get("people", ())})
    allows = sorted(permissions_from(act.payload.get("permissions", ())))
    why_not = _why_not(actor, act, table)
    return ShownAct(act, people, targets, member, sorted(reached.values()), allows, why_not)


def approve_act(actor: Actor, act_id: UUID, table: Mapping[Kind, Agreed]) -> PendingAct:
    """Agree to an act, which is done at once. The rights of both are looked at now.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `NotNow`, `Void`, and what doing it raises.
    """
    act = _get(actor, act_id)
    require_fresh(actor, Act.APPROVALS)
    agreed = _how(act, table)
    service.agree(actor, act)
    agreed.check(actor, act)
    _check_asker(act, agreed)
    agreed.do(actor, act)
    return act


def decline_act(actor: Actor, act_id: UUID) -> None:
    """Refuse what somebody else asked for.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Conflict`.
    """
    act = _get(actor, act_id)
    require_fresh(actor, Act.APPROVALS)
    service.decline(actor, act)


def withdraw_act(actor: Actor, act_id: UUID) -> None:
    """Take one's own question back. Raises `Forbidden`, `NotFound` or `Conflict`."""
    service.withdraw(actor, _get(actor, act_id))


def change_choice(actor: Actor, kinds: Collection[str], reason: str = "") -> PendingAct | None:
    """Want two people for these acts: see `choice.change_choice`. Raises `StepUpNeeded` too."""
    require(actor, Permission.POLICY_EDIT)
    require_fresh(actor, Act.POLICY)
    return choice.change_choice(actor, kinds, reason)


def _get(actor: Actor, act_id: UUID) -> PendingAct:
    service.require_any(actor)
    act = get_act(act_id)
    require(actor, act.what.permission, Target(act.target))
    return act


def _how(act: PendingAct, table: Mapping[Kind, Agreed]) -> Agreed:
    agreed = table.get(act.what)
    if agreed is None:
        raise NotNow
    return agreed


def _why_not(actor: Actor, act: PendingAct, table: Mapping[Kind, Agreed]) -> str:
    try:
        _how(act, table).check(actor, act)
    except PortalError as refused:
        return refused.message
    return ""


def _check_asker(act: PendingAct, agreed: Agreed) -> None:
    asker = find_actor(act.asked_by)
    if asker is None:
        raise service.Void(act)
    try:
        agreed.check(asker, act)
    except Forbidden:
        raise service.Void(act) from None


def _names(acts: Sequence[PendingAct]) -> tuple[Mapping[UUID, str], Mapping[str, str]]:
    """The names of the people in these acts, and of what they are about."""
    about = [act.target.partition(":") for act in acts]
    about += [("group", ":", act.payload["group"]) for act in acts if "group" in act.payload]
    filters = [act.payload.get("filters", {}) for act in acts]
    about += [("user", ":", chosen["actor_id"]) for chosen in filters if "actor_id" in chosen]
    ids = {kind: {UUID(id_) for k, _, id_ in about if k == kind} for kind in ("user", "group")}
    deciding = {id_ for act in acts for id_ in (act.asked_by, act.decided_by) if id_}
    people, groups = names_of(ids["user"] | deciding), names_of_groups(ids["group"])
    targets = {f"user:{id_}": name for id_, name in people.items()}
    return people, targets | {f"group:{id_}": name for id_, name in groups.items()}
