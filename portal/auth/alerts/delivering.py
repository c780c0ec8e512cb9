"""Telling of alerts that were raised: by mail to everybody who reads the log."""

from collections import Counter
from collections.abc import Sequence

from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.auth.alerts.models import Alert
from portal.auth.alerts.rules import Rule
from portal.auth.notices import Notice, tell

MOST_NAMED = 5


def deliver(raised: Sequence[tuple[Rule, Alert]]) -> None:
    """Tell of alerts, in the present transaction: one mail a reader, however many there are."""
    mailed = Counter(f"{a.rule_name} ({a.weight})" for rule, a in raised if rule.is_mailed)
    if not mailed:
        return
    for user_id in sorted(list_people_with(Permission.AUDIT_READ)):
        tell(user_id, Notice.ALERTS_RAISED, alerts=_in_words(mailed))


def _in_words(mailed: Counter[str]) -> str:
    named = [
        f"{name}, {count} times" if count > 1 else name
        for name, count in mailed.most_common(MOST_NAMED)
    ]
    more = len(mailed) - MOST_NAMED
    return "; ".join([*named, f"and {more} others"] if more > 0 else named)
