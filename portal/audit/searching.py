"""Pages of the log, and what is near to an entry: by key, so that each costs the same wherever it
lies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    UnaryExpression,
    select,
    true,
    union_all,
)

from portal.audit.models import AuditEntry
from portal.audit.queries import Filters, matching, weighing
from portal.audit.severity import Severity
from portal.tenancy.session import db

PAGE_SIZE = 50
NEIGHBOURS = 3  # on either side of an entry


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


def list_newest(filters: Filters) -> Sequence[AuditEntry]:
    """The newest entries that match, at most a page of them."""
    return _nearest(filters, true(), AuditEntry.id.desc())[:PAGE_SIZE]


def list_neighbours(entry_id: UUID) -> tuple[Sequence[AuditEntry], Sequence[AuditEntry]]:
    """The entries right after and right before one, newest first."""
    found = _any_of(
        select(AuditEntry.id).where(beyond).order_by(order).limit(NEIGHBOURS)
        for beyond, order in (
            (AuditEntry.id > entry_id, AuditEntry.id.asc()),
            (AuditEntry.id < entry_id, AuditEntry.id.desc()),
        )
    )
    entries = db.session.scalars(found).all()
    return (
        [entry for entry in entries if entry.id > entry_id],
        [entry for entry in entries if entry.id < entry_id],
    )


def list_entries_of(target: str, *, actor_id: UUID | None, before: UUID | None = None) -> EntryPage:
    """A page of the newest entries about a thing, and of what a person did, older than `before`.

    Each kind is looked for by its own index.
    """
    older = AuditEntry.id < before if before is not None else true()
    wanted = [AuditEntry.target == target]
    if actor_id is not None:
        wanted.append(AuditEntry.actor_id == actor_id)
    found = _any_of(
        select(AuditEntry.id).where(one, older).order_by(AuditEntry.id.desc()).limit(PAGE_SIZE + 1)
        for one in wanted
    )
    rows = db.session.scalars(found.limit(PAGE_SIZE + 1)).all()
    older_than = rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else None
    return EntryPage(rows[:PAGE_SIZE], newer=None, older=older_than)


def _any_of(limited: Iterable[Select[UUID]]) -> Select[AuditEntry]:
    """The entries that any of some statements gives, each found by its own index, newest first."""
    ids = union_all(*(select(one.subquery().c.id) for one in limited))
    return select(AuditEntry).where(AuditEntry.id.in_(ids)).order_by(AuditEntry.id.desc())


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
        first.where(AuditEntry.action == action).subquery() for action in weighing(Severity.ALERT)
    )
    return union_all(*(select(one.c.id) for one in of_each))
