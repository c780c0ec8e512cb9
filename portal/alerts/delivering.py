"""Telling of alerts: those who read the log, by mail, and the log's destinations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.alerts.models import Alert
from portal.alerts.rules import Rule
from portal.audit.severity import Severity
from portal.auth.notices import Notice, tell
from portal.destinations.deliveries import send_alert

MOST_NAMED = 5


def deliver(raised: Sequence[tuple[Rule, Alert]]) -> None:
    """Tell of alerts, in the present transaction: one mail a reader, however many there are."""
    for _, alert in raised:
        send_alert(alert.rule_name, _for_programs(alert), Severity(alert.weight))
    mailed = Counter(f"{a.rule_name} ({a.weight})" for rule, a in raised if rule.is_mailed)
    if not mailed:
        return
    for user_id in sorted(list_people_with(Permission.AUDIT_READ)):
        tell(user_id, Notice.ALERTS_RAISED, alerts=_in_words(mailed))


def _for_programs(alert: Alert) -> Mapping[str, Any]:
    """Ids and no names; of whom it is, where that is an address, its entries tell."""
    return {
        "alert": str(alert.id),
        "rule": str(alert.rule_id),
        "looks_for": alert.says,
        "about": alert.subject,
        "entries": alert.entry_count,
        "last_entry": str(alert.last_entry_id),
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
    }


def _in_words(mailed: Counter[str]) -> str:
    named = [
        f"{name}, {count} times" if count > 1 else name
        for name, count in mailed.most_common(MOST_NAMED)
    ]
    more = len(mailed) - MOST_NAMED
    return "; ".join([*named, f"and {more} others"] if more > 0 else named)
