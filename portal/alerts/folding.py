"""Hits brought together into alerts: the same rule about the same, not long after the last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from portal.alerts.judging import Hit
from portal.audit.entries import Entry


@dataclass(slots=True)
class Folded:
    """An alert in the making. `alert_id` is of one that is there already, and takes in more."""

    subject: str
    entry_count: int
    first_at: datetime
    last_at: datetime
    hits: list[Entry]  # what came to it now, each of which met the rule
    before: Sequence[Entry] = ()  # what belongs to it besides
    alert_id: UUID | None = None


def fold(hits: Iterable[Hit], there: Iterable[Folded], quiet: timedelta) -> list[Folded]:
    """The alerts that hits make or are taken in by, of those `there` that are open."""
    newest = {alert.subject: alert for alert in there}
    touched: list[Folded] = []
    for hit in hits:
        alert = newest.get(hit.subject)
        if alert is None or hit.entry.at > alert.last_at + quiet:
            alert = newest[hit.subject] = Folded(
                hit.subject, hit.count, hit.entries[0].at, hit.entry.at, [hit.entry], hit.entries
            )
            touched.append(alert)
            continue
        if not alert.hits:
            touched.append(alert)
        alert.entry_count += 1
        alert.last_at = max(alert.last_at, hit.entry.at)
        alert.hits.append(hit.entry)
    return touched
