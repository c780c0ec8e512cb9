"""Reading the audit log. `access.audit_log` decides who may, and records each reading."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    UnaryExpression,
    or_,
    select,
    true,
    union_all,
)

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.severity import Severity
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

PAGE_SIZE = 50
LATEST = 1000  # of one person's entries, in which is looked for what they did lately

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the reader looks for; None and "" mean any. `severity` is the least that an action
    weighs. Times are aware; `until` is exclusive.
    """

    actor_id: UUID | None = None
    action: str | None = None
    severity: str | None = None
    target: str = ""
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    without_action: str | None = None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries, newest first, with the ids to go on from in either direction."""

    entries: Sequence[AuditEntry]
    newer: UUID | None
    older: UUID | None


def search_entries(
    filters: Filters, *, before: UUID | None = None, after: UUID | None = None
) -> EntryPage:
    """A page of the newest entries that match, older than `before` or newer than `after`.

    Paged by key: a page costs the same however deep it lies, and entries that arrive meanwhile
    shift nothing.
    """
    if after is not None:
        rows = _nearest(filters, AuditEntry.id > after, AuditEntry.id.asc())
        entries = rows[:PAGE_SIZE][::-1]
        has_newer, has_older = len(rows) > PAGE_SIZE, True
    else:
        older = AuditEntry.id < before if before is not None else true()
        rows = _nearest(filters, older, AuditEntry.id.desc())
        entries = rows[:PAGE_SIZE]
        has_newer, has_older = before is not None, len(rows) > PAGE_SIZE
    return EntryPage(
        entries,
        newer=entries[0].id if entries and has_newer else None,
        older=entries[-1].id if entries and has_older else None,
    )


def list_latest(actions: Collection[str], limit: int) -> Sequence[AuditEntry]:
    """The newest entries of these actions, latest first."""
    return db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.action.in_(actions))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    ).all()


def get_entry(entry_id: UUID) -> AuditEntry:
    """One entry. Raises `NotFound`."""
    entry = db.session.get(AuditEntry, (bound_tenant_id(), entry_id))
    if entry is None:
        raise NotFound
    return entry


def matching(statement: Select[*Columns], filters: Filters) -> Select[*Columns]:
    """A statement over the log, narrowed to the entries that match."""
    if filters.actor_id:
        statement = statement.where(AuditEntry.actor_id == filters.actor_id)
    if filters.action:
        statement = statement.where(AuditEntry.action == filters.action)
    if filters.severity:
        statement = statement.where(AuditEntry.action.in_(_weighing(filters.severity)))
    if filters.without_action:
        statement = statement.where(AuditEntry.action != filters.without_action)
    if filters.outcome:
        statement = statement.where(AuditEntry.outcome == filters.outcome)
    if filters.target:
        statement = statement.where(
            or_(
                AuditEntry.target == filters.target,
                AuditEntry.target.startswith(f"{filters.target}:", autoescape=True),
            )
        )
    if filters.since:
        statement = statement.where(AuditEntry.at >= filters.since)
    if filters.until:
        statement = statement.where(AuditEntry.at < filters.until)
    return statement


def _nearest(
    filters: Filters, beyond: ColumnElement[bool], order: UnaryExpression[UUID]
) -> Sequence[AuditEntry]:
    """The first entries that match, in this order: a page, and one that tells of more."""
    found = matching(select(AuditEntry), filters).where(beyond)
    if filters.severity == Severity.ALERT:
        found = found.where(AuditEntry.id.in_(_nearest_of_each(filters, beyond, order)))
    return db.session.scalars(found.order_by(order).limit(PAGE_SIZE + 1)).all()


def _nearest_of_each(
    filters: Filters, beyond: ColumnElement[bool], order: UnaryExpression[UUID]
) -> CompoundSelect[UUID]:
    """The first entries of each action, by the index of actions.

    What is so rare would else be looked for through the whole log, to fill a page. Whatever weighs
    less is common enough, and its actions too many.
    """
    any_action = matching(select(AuditEntry.id), replace(filters, severity=None)).where(beyond)
    first = any_action.order_by(order).limit(PAGE_SIZE + 1)
    of_each = (
        first.where(AuditEntry.action == action).subquery() for action in _weighing(Severity.ALERT)
    )
    return union_all(*(select(one.c.id) for one in of_each))


def _weighing(severity: str) -> Sequence[str]:
    wanted = Severity(severity).and_above()
    return [action.value for action in Action if action.severity in wanted]


def list_own_targets(actor: Actor, actions: Collection[Action]) -> Mapping[str, datetime]:
    """What the actor did one of some things to, and when last; of their latest entries only.

    One's own acts are told to everybody who did them, so this takes no permission and is not
    recorded as a reading of the log. An index leads to the entries, and to no more of them.
    """
    own = (
        select(
            AuditEntry.id, AuditEntry.target, AuditEntry.at, AuditEntry.action, AuditEntry.outcome
        )
        .where(AuditEntry.actor_id == actor.user_id)
        .order_by(AuditEntry.id.desc())
        .limit(LATEST)
        .subquery()
    )
    told = select(own.c.target, own.c.at).where(
        own.c.action.in_(sorted(actions)), own.c.outcome == Outcome.SUCCESS
    )
    return {row.target: row.at for row in db.session.execute(told.order_by(own.c.id))}
