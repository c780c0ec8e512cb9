"""For which acts a tenant wants two people."""

from collections.abc import Collection
from typing import Any

from portal.access.approvals.kinds import CHOOSABLE, Kind
from portal.access.approvals.models import AccessPolicy, PendingAct
from portal.access.approvals.queries import find_choice, list_needing_two
from portal.access.approvals.service import ask, wants_second
from portal.access.decision import require
from portal.access.locking import lock_access_as
from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

TARGET = "policy"
TWO = 2


def change_choice(actor: Actor, kinds: Collection[str], reason: str = "") -> PendingAct | None:
    """Want two people for these acts from now on, and for no others.

    As soon as two are wanted for anything, changing that takes two as well, or one admin could
    turn it off, act and turn it on again: gives the act that waits. Raises `Forbidden`, `Invalid`
    or `Conflict`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.POLICY_EDIT)
    wanted = [kind for kind in CHOOSABLE if kind in kinds]
    if set(kinds) - set(wanted):
        raise Invalid("There is no such kind of act.")
    if set(wanted) == list_needing_two() - {Kind.CHANGE_CHOICE}:
        raise Conflict("This is the choice already.")
    _require_others(wanted)
    if wants_second(actor, Kind.CHANGE_CHOICE):
        payload = {"kinds": sorted(map(str, wanted))}
        return ask(actor, Kind.CHANGE_CHOICE, TARGET, payload, reason)
    _choose(actor, wanted)
    return None


def require_to_choose(actor: Actor, _act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may change the choice."""
    require(actor, Permission.POLICY_EDIT)


def choose_agreed(actor: Actor, act: PendingAct) -> None:
    """Have the choice hold that was asked for."""
    _choose(actor, act.payload["kinds"], **act.consent.detail())


def _choose(actor: Actor, wanted: Collection[str], **agreed: Any) -> None:
    chosen, before = find_choice(), list_needing_two() - {Kind.CHANGE_CHOICE}
    if chosen is None:
        chosen = AccessPolicy(id=bound_tenant_id())
        db.session.add(chosen)
    chosen.needs_two = sorted(map(str, wanted))
    chosen.changed_at, chosen.changed_by = clock.now(), actor.user_id
    detail: dict[str, Any] = {"before": sorted(map(str, before)), "after": chosen.needs_two}
    record(actor, Action.CHOICE_CHANGED, TARGET, **detail, **agreed)


def _require_others(wanted: Collection[Kind]) -> None:
    """With a single person who may decide, nothing could be done any more."""
    for permission in sorted({k.permission for k in wanted} | {Permission.POLICY_EDIT}):
        if wanted and len(list_people_with(permission)) < TWO:
            raise Conflict(
                "Nobody else here could agree to this: only one person holds the right "
                f"“{permission.sentence}”. Give it to somebody else first."
            )
