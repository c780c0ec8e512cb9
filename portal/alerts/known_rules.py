"""The rules that hold in an organisation: built-in ones, as changed there, and its own."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from portal.alerts.built_in import BUILT_IN
from portal.alerts.models import AlertRule
from portal.alerts.rules import About, Kind, Rule, Who
from portal.audit.severity import Severity
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def all_rules() -> Sequence[Rule]:
    """Every rule, be it on or off: the built-in ones, then the others by their age."""
    rows = {row.id: row for row in db.session.scalars(select(AlertRule).order_by(AlertRule.id))}
    built_in = [rule_of(rows.pop(i)) if i in rows else rule for i, rule in BUILT_IN.items()]
    return [*built_in, *map(rule_of, rows.values())]


def get_known(rule_id: UUID) -> Rule:
    """One rule. Raises `NotFound`."""
    row = db.session.get(AlertRule, (bound_tenant_id(), rule_id), populate_existing=True)
    if row is not None:
        return rule_of(row)
    if rule_id not in BUILT_IN:
        raise NotFound
    return BUILT_IN[rule_id]


def rule_of(row: AlertRule) -> Rule:
    """What a row says."""
    return Rule(
        id=row.id,
        name=row.name,
        kind=Kind(row.kind),
        actions=frozenset(row.actions),
        severity=row.severity,
        outcome=row.outcome,
        target=row.target,
        who=Who(row.who),
        gives_power=row.gives_power,
        threshold=row.threshold,
        window_minutes=row.window_minutes,
        about=About(row.about),
        weight=Severity(row.weight),
        is_mailed=row.is_mailed,
        is_on=row.is_on,
    )
