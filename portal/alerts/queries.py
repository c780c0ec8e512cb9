"""Alerts and rules as those see them who read the log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select

from portal.access.decision import holds_anywhere, require
from portal.access.permissions import Permission
from portal.alerts.built_in import BUILT_IN, FIXED
from portal.alerts.facts import find_hours, find_networks
from portal.alerts.hours import Hours
from portal.alerts.known_rules import all_rules
from portal.alerts.models import Alert, AlertEntry, AlertRule
from portal.alerts.rules import Rule
from portal.alerts.sentences import say
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.service import record
from portal.core.errors import NotFound
from portal.core.ids import ids_named
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.queries import list_names

PAGE_SIZE = 50
MOST_COUNTED = 100  # of open alerts, for the navigation


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Alerts, the latest first, with the id to go on from, and everybody's name."""

    alerts: Sequence[Alert]
    older: UUID | None
    people: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """One alert with its entries, oldest first, and how many of them were pruned since."""

    alert: Alert
    entries: Sequence[AuditEntry]
    people: Mapping[UUID, str]
    pruned: int

    @property
    def address(self) -> str | None:
        """Of which address it is, as far as that is still known."""
        return self.entries[-1].address if self.alert.is_of_address and self.entries else None


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule in a sentence. `is_changed`: the organisation has made it, or has changed it."""

    rule: Rule
    says: str
    is_built_in: bool
    is_fixed: bool
    is_changed: bool
    why_not: str  # it can't run


@dataclass(frozen=True, slots=True)
class ShownRules:
    """Every rule, and the hours that some ask for."""

    rules: Sequence[ListedRule]
    hours: Hours


def list_alerts(actor: Actor, *, is_open: bool, before: UUID | None = None) -> AlertPage:
    """A page of the alerts that are open, or that were acknowledged. Raises `Forbidden`.

    Recorded as a reading of the log, which they are made of.
    """
    require(actor, Permission.AUDIT_READ)
    is_none = Alert.acknowledged_at.is_(None)
    found = select(Alert).where(is_none if is_open else ~is_none)
    if before is not None:
        found = found.where(Alert.id < before)
    rows = db.session.scalars(found.order_by(Alert.id.desc()).limit(PAGE_SIZE + 1)).all()
    record(actor, Action.AUDIT_READ, "alerts")
    older = rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None
    return AlertPage(rows[:PAGE_SIZE], older, list_names())


def show_alert(actor: Actor, alert_id: UUID) -> ShownAlert:
    """One alert. Raises `Forbidden` or `NotFound`. Recorded as a reading of the log."""
    require(actor, Permission.AUDIT_READ)
    alert = db.session.get(Alert, (bound_tenant_id(), alert_id))
    if alert is None:
        raise NotFound
    found = db.session.execute(
        select(AlertEntry.entry_id, AuditEntry)
        .outerjoin(AuditEntry, AuditEntry.id == AlertEntry.entry_id)
        .where(AlertEntry.alert_id == alert_id)
        .order_by(AlertEntry.entry_id)
    ).all()
    entries = [entry for _, entry in found if entry is not None]
    record(actor, Action.AUDIT_READ, f"alert:{alert_id}")
    return ShownAlert(alert, entries, list_names(), len(found) - len(entries))


def list_shown_rules(actor: Actor) -> ShownRules:
    """Every rule. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_READ)
    _, missing = find_networks()
    kept = set(db.session.scalars(select(AlertRule.id)))
    listed = [
        ListedRule(
            rule,
            say(rule),
            rule.id in BUILT_IN,
            rule.id in FIXED,
            rule.id in kept,
            missing if rule.needs_networks else "",
        )
        for rule in all_rules()
    ]
    return ShownRules(listed, find_hours())


def names_of_alerts(actor: Actor, targets: Collection[str]) -> dict[str, str]:
    """What those `alert:…` and `alert-rule:…` targets are called that are still there.

    Raises `Forbidden`.
    """
    require(actor, Permission.AUDIT_READ)
    alert_ids, rule_ids = ids_named("alert", targets), ids_named("alert-rule", targets)
    names: dict[str, str] = {}
    if alert_ids:
        alerts = select(Alert.id, Alert.rule_name).where(Alert.id.in_(alert_ids))
        names |= {f"alert:{i}": name for i, name in db.session.execute(alerts)}
    if rule_ids:
        names |= {f"alert-rule:{rule.id}": rule.name for rule in all_rules()}
    return names


def sees_alerts(actor: Actor) -> bool:
    """Whether somebody sees the alerts at all."""
    return holds_anywhere(actor, Permission.AUDIT_READ)


def count_open() -> Select[int]:
    """How many alerts wait to be acknowledged; of many, so many."""
    waiting = select(Alert.id).where(Alert.acknowledged_at.is_(None)).limit(MOST_COUNTED)
    return select(func.count()).select_from(waiting.subquery())
