"""What rules have to know besides entries: as it is now, even where they are tried on the past."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import func, select

from portal.access.models import RoleAssignment
from portal.access.permissions import OVERSIGHT, POWER
from portal.access.roles import list_roles
from portal.alerts.hours import Hours
from portal.alerts.judging import Facts, People
from portal.alerts.models import WorkingHours
from portal.alerts.networks import Networks, read_networks
from portal.alerts.rules import Rule, Who
from portal.audit.actions import Action
from portal.audit.entries import Entry
from portal.audit.models import AuditEntry
from portal.core.errors import Misconfigured
from portal.core.settings import active
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User, UserState

FindHeld = Callable[[], People]  # legal holds are of a layer above: see documents.retention


def read_facts(rules: Collection[Rule], entries: Collection[Entry], find_held: FindHeld) -> Facts:
    """As much as these rules ask of these entries."""
    asked = {rule.who for rule in rules}
    actors = {entry.actor_id for entry in entries if entry.actor_id}
    roles = _powerful_roles() if any(rule.gives_power for rule in rules) else frozenset()
    networks, _ = find_networks()
    return Facts(
        hours=find_hours(),
        networks=networks,
        held=find_held() if Who.HELD in asked else {},
        deactivated=_deactivated(actors) if Who.DEACTIVATED in asked else {},
        powerful_roles=roles,
        powerful_groups=_groups_holding(roles) if roles else frozenset(),
    )


def find_hours() -> Hours:
    """The working hours, as somebody has said they are or as they are by default."""
    row = db.session.get(WorkingHours, (bound_tenant_id(), bound_tenant_id()))
    if row is None:
        return Hours()
    begin, end = (time(*divmod(minute, 60)) for minute in (row.begin_minute, row.end_minute))
    return Hours(zone=row.zone, days=frozenset(row.days), begin=begin, end=end)


def find_networks() -> tuple[Networks | None, str]:
    """The operator's list of networks, or None and why there is none."""
    path = active().network_labels
    if path is None:
        return None, "The operator has not supplied a list of networks."
    try:
        return read_networks(path), ""
    except Misconfigured as error:
        return None, f"The operator’s list of networks is of no use: {error}."


def _powerful_roles() -> frozenset[str]:
    powerful = POWER | OVERSIGHT
    return frozenset(key for key, role in list_roles().items() if role.permissions & powerful)


def _groups_holding(roles: Collection[str]) -> frozenset[str]:
    held = select(RoleAssignment.group_id).where(
        RoleAssignment.group_id.is_not(None), RoleAssignment.role.in_(sorted(roles))
    )
    return frozenset(map(str, db.session.scalars(held)))


def _deactivated(people: Collection[UUID]) -> Mapping[UUID, datetime]:
    """Those of them who are deactivated now, and since when, as the log tells."""
    gone = select(User.id).where(User.id.in_(people), User.state == UserState.DEACTIVATED)
    targets = {f"user:{user_id}": user_id for user_id in db.session.scalars(gone)}
    if not targets:
        return {}
    newest = (
        select(AuditEntry.target, func.max(AuditEntry.id))
        .where(
            AuditEntry.target.in_(sorted(targets)),
            AuditEntry.action == Action.MEMBER_DEACTIVATED,
        )
        .group_by(AuditEntry.target)
    )
    latest = [entry_id for _, entry_id in db.session.execute(newest)]
    ended = select(AuditEntry.target, AuditEntry.at).where(AuditEntry.id.in_(latest))
    return {targets[target]: at for target, at in db.session.execute(ended)}
