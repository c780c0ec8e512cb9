"""What officers do about alerts: acknowledge them, and say what is one.

By `Permission.AUDIT_EXPORT`, which those have who look after the log, and not who only reads it.
"""

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from portal.access.decision import Target, require
from portal.access.permissions import Permission
from portal.alerts.built_in import BUILT_IN, FIXED
from portal.alerts.facts import find_hours
from portal.alerts.hours import Hours, list_zones
from portal.alerts.known_rules import get_known
from portal.alerts.models import Alert, AlertRule, WorkingHours
from portal.alerts.rules import OF_PEOPLE, WINDOWS, About, Kind, Rule
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.texts import is_one_line
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db

MAX_RULES = 100
MAX_NAME = 100
MAX_TARGET = 80
MAX_COMMENT = 2000
MAX_THRESHOLD = 5000  # below what is read of the past


class AlreadyAcknowledged(Conflict):
    """Somebody else was quicker."""

    message = "This alert has been acknowledged already."


class FixedRule(Conflict):
    """The rule that watches over the others."""

    message = "This rule stays as it is: by it the others can’t be changed unseen."


def acknowledge_alert(actor: Actor, alert_id: UUID, comment: str) -> None:
    """Say that an alert was looked at, and what came of it.

    Raises `Forbidden`, `NotFound`, `Invalid` or `AlreadyAcknowledged`.
    """
    require(actor, Permission.AUDIT_EXPORT, Target(f"alert:{alert_id}"))
    alert = db.session.get(Alert, (bound_tenant_id(), alert_id))
    if alert is None:
        raise NotFound
    if not 0 < len(comment.strip()) <= MAX_COMMENT:
        raise Invalid("Say what came of it.")
    opened = update(Alert).where(Alert.id == alert_id, Alert.acknowledged_at.is_(None))
    if not change(opened.values(acknowledged_at=clock.now(), acknowledged_by=actor.user_id)):
        raise AlreadyAcknowledged
    alert.comment = comment.strip()
    record(actor, Action.ALERT_ACKNOWLEDGED, f"alert:{alert_id}", rule=str(alert.rule_id))


def get_rule(actor: Actor, rule_id: UUID) -> Rule:
    """One rule, to be changed. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.AUDIT_EXPORT, Target(_target(rule_id)))
    return get_known(rule_id)


def create_rule(actor: Actor, wanted: Rule) -> None:
    """Have a rule watch from now on.

    Raises `Forbidden`, `StepUpNeeded`, `Invalid` or `Conflict`.
    """
    require(actor, Permission.AUDIT_EXPORT)
    require_fresh(actor, Act.ALERTS)
    wanted = checked(wanted)
    if db.session.execute(select(func.count(AlertRule.id))).scalar_one() >= MAX_RULES:
        raise Conflict(f"There can be {MAX_RULES} rules of your own, and no more.")
    _keep(actor, wanted)
    record(
        actor, Action.ALERT_RULE_CREATED, _target(wanted.id), name=wanted.name, rule=_detail(wanted)
    )


def change_rule(actor: Actor, rule_id: UUID, wanted: Rule) -> None:
    """Have a rule watch for something else.

    Raises as `create_rule`, and `NotFound` or `FixedRule`.
    """
    before = _get_changeable(actor, rule_id)
    require_fresh(actor, Act.ALERTS)
    wanted = checked(replace(wanted, id=rule_id, is_on=before.is_on))
    _keep(actor, wanted)
    detail: dict[str, Any] = {"before": _detail(before), "after": _detail(wanted)}
    record(actor, Action.ALERT_RULE_CHANGED, _target(rule_id), name=wanted.name, **detail)


def switch_rule(actor: Actor, rule_id: UUID, *, is_on: bool) -> None:
    """Have a rule watch, or not any more.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `FixedRule`.
    """
    rule = _get_changeable(actor, rule_id)
    require_fresh(actor, Act.ALERTS)
    _keep(actor, replace(rule, is_on=is_on))
    record(actor, Action.ALERT_RULE_SWITCHED, _target(rule_id), name=rule.name, is_on=is_on)


def delete_rule(actor: Actor, rule_id: UUID) -> None:
    """Delete a rule, or have a built-in one be as it was. Its alerts stay.

    Raises `Forbidden`, `StepUpNeeded` or `NotFound`.
    """
    rule = get_rule(actor, rule_id)
    require_fresh(actor, Act.ALERTS)
    if not change(delete(AlertRule).where(AlertRule.id == rule_id)):
        raise NotFound
    detail: dict[str, Any] = {"rule": _detail(rule), "is_built_in": rule_id in BUILT_IN}
    record(actor, Action.ALERT_RULE_DELETED, _target(rule_id), name=rule.name, **detail)


def change_hours(actor: Actor, hours: Hours) -> None:
    """Say when people work. Raises `Forbidden`, `StepUpNeeded` or `Invalid`."""
    require(actor, Permission.AUDIT_EXPORT)
    require_fresh(actor, Act.ALERTS)
    if hours.zone not in list_zones():
        raise Invalid("The portal does not know this time zone.")
    if not hours.days <= set(range(7)) or hours.begin == hours.end:
        raise Invalid("Say on which days, from when and until when.")
    before = find_hours()
    minutes = [at.hour * 60 + at.minute for at in (hours.begin, hours.end)]
    own = {"tenant_id": bound_tenant_id(), "id": bound_tenant_id()}
    row = WorkingHours(**own, zone=hours.zone, days=sorted(hours.days))
    row.begin_minute, row.end_minute = minutes
    db.session.merge(row)
    detail: dict[str, Any] = {"before": _hours_detail(before), "after": _hours_detail(hours)}
    record(actor, Action.WORKING_HOURS_CHANGED, "working-hours", **detail)


def checked(rule: Rule) -> Rule:
    """A rule as it can be kept: what its kind has no use for is left out. Raises `Invalid`."""
    if not is_one_line(rule.name) or len(rule.name) > MAX_NAME:
        raise Invalid("Give the rule a name of one line.")
    if not rule.actions <= set(Action):
        raise Invalid("There is no such action.")
    if len(rule.target) > MAX_TARGET:
        raise Invalid("This is no target.")
    shortest, longest = WINDOWS.get(rule.kind, (0, 0))
    window = rule.window_minutes if longest else 0
    if not shortest <= window <= longest:
        raise Invalid(f"How far it looks back is {shortest} to {longest} minutes here.")
    is_count = rule.kind == Kind.COUNT
    if is_count and not 2 <= rule.threshold <= MAX_THRESHOLD:
        raise Invalid(f"How many it takes is 2 to {MAX_THRESHOLD}.")
    about = About.PERSON if rule.kind in OF_PEOPLE else rule.about
    threshold = rule.threshold if is_count else 1
    return replace(rule, window_minutes=window, threshold=threshold, about=about)


def _get_changeable(actor: Actor, rule_id: UUID) -> Rule:
    rule = get_rule(actor, rule_id)
    if rule_id in FIXED:
        raise FixedRule
    return rule


def _keep(actor: Actor, rule: Rule) -> None:
    values = asdict(rule) | {"actions": sorted(rule.actions)}
    row = AlertRule(tenant_id=bound_tenant_id(), **values, changed_by=actor.user_id)
    row.changed_at = clock.now()
    db.session.merge(row)
    db.session.flush()


def _detail(rule: Rule) -> dict[str, Any]:
    fields = asdict(rule) | {"actions": sorted(rule.actions)}
    return {name: value for name, value in fields.items() if name not in ("id", "name")}


def _hours_detail(hours: Hours) -> dict[str, Any]:
    begin, end = f"{hours.begin:%H:%M}", f"{hours.end:%H:%M}"
    return {"zone": hours.zone, "days": sorted(hours.days), "begin": begin, "end": end}


def _target(rule_id: UUID) -> str:
    return f"alert-rule:{rule_id}"
