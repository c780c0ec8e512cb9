"""Entries of the log as rules look at them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_

from portal.alerts.rules import OF_PEOPLE, About, Kind, Rule, Who
from portal.audit.actions import Action
from portal.audit.actor import ActorKind
from portal.audit.entries import ENTRIES, Entry, entry_from
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.severity import Severity
from portal.audit.tlog.models import AuditLeaf
from portal.core import clock
from portal.tenancy.session import db

MOST_READ = 10_000  # of what came before, or of a month that a rule is tried on

# What alerting itself leads to makes no alert, or one would lead to the next.
OWN = frozenset({Action.ALERT_RAISED, Action.MAIL_DROPPED, Action.MAIL_FAILED, Action.MAIL_SENT})

_entry, _aside, _leaf = AuditEntry.__table__, AuditAside.__table__, AuditLeaf.__table__
_NUMBERED = ENTRIES.join(_leaf, _leaf.c.id == _entry.c.id)

# What is new for a person, or is not.
_SEEN_WITH = {
    Kind.NEW_ACTION: _entry.c.action,
    Kind.NEW_ADDRESS: _aside.c.address,
    Kind.NEW_NETWORK: _aside.c.address,
}


def read_numbered(first: int, limit: int) -> tuple[Sequence[Entry], int]:
    """The entries that have the numbers from `first` on, and the number that is next."""
    rows = _NUMBERED.add_columns(_leaf.c.number).where(_leaf.c.number >= first)
    found = db.session.execute(rows.order_by(_leaf.c.number).limit(limit)).all()
    entries = [entry_from(row[:-1]) for row in found if row.action not in OWN]
    return entries, found[-1].number + 1 if found else first


def read_before(rule: Rule, first: int, since: datetime, about: Collection[Entry]) -> list[Entry]:
    """Entries that a rule may be about, numbered before `first` and not older than `since`.

    Only those that can count together with the entries `about` which it is asked: of the same
    people, or targets. The newest, where there are too many; where it is asked what somebody was
    seen with, of each such thing the newest, however many there are.
    """
    rows = _narrowed(_NUMBERED, rule).where(_leaf.c.number < first, _entry.c.id >= _id_at(since))
    if rule.kind in OF_PEOPLE or rule.about == About.PERSON:
        rows = rows.where(_entry.c.actor_id.in_({one.actor_id for one in about if one.actor_id}))
    elif rule.about == About.TARGET:
        rows = rows.where(_entry.c.target.in_({one.target for one in about}))
    what = _SEEN_WITH.get(rule.kind)
    if what is not None and not rule.gives_power:  # which the database can't tell
        newest = rows.with_only_columns(func.max(_leaf.c.number)).group_by(_entry.c.actor_id, what)
        rows = _NUMBERED.where(_leaf.c.number.in_(newest))
    return _newest(rows.order_by(_leaf.c.number.desc()))


def read_since(rule: Rule, since: datetime) -> list[Entry]:
    """Entries that a rule may be about, oldest first; the newest, where there are too many."""
    rows = _narrowed(ENTRIES, rule).where(_entry.c.id >= _id_at(since))
    return _newest(rows.order_by(_entry.c.id.desc()))


def _newest(rows: Select[Any]) -> list[Entry]:
    return [entry_from(row) for row in db.session.execute(rows.limit(MOST_READ))][::-1]


def _narrowed(rows: Select[Any], rule: Rule) -> Select[Any]:
    """As much of `judging.matches` as the database can tell by its indexes."""
    rows = rows.where(_entry.c.action.not_in(sorted(OWN)))
    if rule.actions:
        rows = rows.where(_entry.c.action.in_(sorted(rule.actions)))
    if rule.severity:
        wanted = Severity(rule.severity).and_above()
        weighing = sorted(action.value for action in Action if action.severity in wanted)
        rows = rows.where(_entry.c.action.in_(weighing))
    if rule.outcome:
        rows = rows.where(_entry.c.outcome == rule.outcome)
    if rule.target:
        within = _entry.c.target.startswith(f"{rule.target}:", autoescape=True)
        rows = rows.where(or_(_entry.c.target == rule.target, within))
    if rule.who == Who.OPERATOR:
        rows = rows.where(_entry.c.actor_kind == ActorKind.OPERATOR)
    return rows


def _id_at(at: datetime) -> UUID:
    """The least id that was made at a moment (RFC 9562, UUIDv7)."""
    return UUID(int=max(clock.milliseconds_of(at), 0) << 80)
