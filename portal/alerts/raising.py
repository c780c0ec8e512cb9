"""Alerts made of hits, or taken in by those that are open already."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update

from portal.alerts.folding import Folded, fold
from portal.alerts.judging import MOST_KEPT, Hit
from portal.alerts.models import Alert, AlertEntry
from portal.alerts.rules import About, Rule
from portal.alerts.sentences import say
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.entries import Entry
from portal.audit.models import AuditAside
from portal.audit.service import record
from portal.core.ids import new_id
from portal.tenancy.session import change, db


def raise_alerts(rule: Rule, hits: Sequence[Hit]) -> list[Alert]:
    """Raise the alerts that a rule's hits make; gives those that were not there before."""
    since = min(hit.entry.at for hit in hits) - rule.quiet
    folded = fold(hits, _list_open(rule, since), rule.quiet)
    return [_make(rule, each) for each in folded if not (each.alert_id and _add_to(each))]


def _list_open(rule: Rule, since: datetime) -> Iterable[Folded]:
    """The open alerts of a rule that can take in more, the latest last."""
    found = (
        select(Alert, AuditAside.address)
        .outerjoin(AuditAside, AuditAside.id == Alert.last_entry_id)
        .where(Alert.rule_id == rule.id, Alert.last_at >= since, Alert.acknowledged_at.is_(None))
        .order_by(Alert.last_at, Alert.id)
    )
    for alert, address in db.session.execute(found):
        subject = address if alert.is_of_address else alert.subject
        if subject is not None:
            yield Folded(
                subject, alert.entry_count, alert.first_at, alert.last_at, [], alert_id=alert.id
            )


def _add_to(folded: Folded) -> bool:
    """Whether an alert took in more; one that was acknowledged meanwhile does not."""
    added = change(
        update(Alert)
        .where(Alert.id == folded.alert_id, Alert.acknowledged_at.is_(None))
        .values(
            entry_count=folded.entry_count,
            last_at=folded.last_at,
            last_entry_id=folded.hits[-1].id,
        )
        .execution_options(synchronize_session=False)
    )
    if added:
        room = MOST_KEPT - (folded.entry_count - len(folded.hits))
        _keep(folded.alert_id, folded.hits[: max(room, 0)])
    return bool(added)


def _make(rule: Rule, folded: Folded) -> Alert:
    entries = _each_once([*folded.before, *folded.hits])
    alert = Alert(
        id=new_id(),
        rule_id=rule.id,
        rule_name=rule.name,
        says=say(rule),
        weight=rule.weight,
        subject="" if rule.about == About.ADDRESS else folded.subject,
        is_of_address=rule.about == About.ADDRESS,
        raised_by=folded.hits[0].id,
        last_entry_id=folded.hits[-1].id,
        entry_count=max(folded.entry_count, len(entries)) if folded.before else len(entries),
        first_at=entries[0].at,
        last_at=folded.last_at,
    )
    db.session.add(alert)
    db.session.flush()
    _keep(alert.id, entries[:MOST_KEPT])
    record(SYSTEM, Action.ALERT_RAISED, f"alert:{alert.id}", rule=str(rule.id))
    return alert


def _each_once(entries: Iterable[Entry]) -> list[Entry]:
    return list({entry.id: entry for entry in entries}.values())


def _keep(alert_id: UUID | None, entries: Sequence[Entry]) -> None:
    rows = [{"id": new_id(), "alert_id": alert_id, "entry_id": entry.id} for entry in entries]
    if rows:
        db.session.execute(insert(AlertEntry), rows)
