"""The audit log as an officer reads it: allowed, recorded, with the names of people and groups."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.queries import list_group_names, names_of_groups, people_in
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.counting import find_begin
from portal.audit.models import AuditEntry
from portal.audit.pruning import Mark, find_mark
from portal.audit.queries import Filters, get_entry
from portal.audit.searching import (
    EntryPage,
    list_entries_of,
    list_neighbours,
    search_entries,
)
from portal.audit.service import record
from portal.core.errors import NotFound
from portal.core.ids import ids_named
from portal.users.queries import list_names, names_of

LOOKED_THROUGH = 50_000  # entries at once, where no index leads to some


@dataclass(frozen=True, slots=True)
class Choices:
    """All people and groups by id, to choose a filter from."""

    people: Mapping[UUID, str]
    groups: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Found(Choices):
    """A page of entries. Those before `begin` were not looked at, as there are too many; the last
    page of a log that was pruned tells where it begins.
    """

    page: EntryPage
    begin: datetime | None = None
    pruned: Mark | None = None

    @property
    def entries(self) -> Sequence[AuditEntry]:
        """The entries, newest first."""
        return self.page.entries


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry with its neighbours, newest first, and the people and groups in them by id."""

    entry: AuditEntry
    newer: Sequence[AuditEntry]
    older: Sequence[AuditEntry]
    people: Mapping[UUID, str]
    groups: Mapping[UUID, str]


def search(
    actor: Actor, filters: Filters, *, before: UUID | None = None, after: UUID | None = None
) -> Found:
    """A page of the log. Raises `Forbidden`. The reading is recorded with its filters."""
    require(actor, Permission.AUDIT_READ)
    begin = _begin_of(filters)
    bounded = replace(with_people(filters), since=begin or filters.since)
    page = search_entries(bounded, before=before, after=after)
    record_reading(actor, filters)
    return Found(list_names(), list_group_names(), page, begin, _begin_of_log(page))


def _begin_of_log(page: EntryPage) -> Mark | None:
    mark = find_mark()
    return None if page.older else mark


def _begin_of(filters: Filters) -> datetime | None:
    """How far back is looked, where every entry has to be looked at and there are too many."""
    if not (filters.has_no_index or filters.is_of_a_kind):
        return None
    return find_begin(Filters(since=filters.since, until=filters.until), LOOKED_THROUGH)


def with_people(filters: Filters) -> Filters:
    """Filters that say who is in the group they name, if they name one."""
    return replace(filters, people=people_in(filters.group_id)) if filters.group_id else filters


def record_reading(actor: Actor, filters: Filters, **detail: Any) -> UUID:
    """Record that what fits the filters was read; gives the entry's id."""
    asked = {name: str(value) for name, value in filters.given.items()}
    return record(actor, Action.AUDIT_READ, "audit", filters=asked, **detail)


def find_nothing(actor: Actor) -> Found:
    """No entries, where the filters can't be understood: leaving them out would give away more
    than was asked for. Raises `Forbidden`.
    """
    require(actor, Permission.AUDIT_READ)
    return Found(list_names(), list_group_names(), EntryPage((), newer=None, older=None))


def list_choices() -> Choices:
    """Whom a filter may name."""
    return Choices(list_names(), list_group_names())


def get(actor: Actor, entry_id: UUID) -> Shown:
    """One entry. Raises `Forbidden` or `NotFound`. The reading is recorded."""
    require(actor, Permission.AUDIT_READ)
    entry = get_entry(entry_id)
    newer, older = list_neighbours(entry_id)
    record(actor, Action.AUDIT_READ, f"audit:{entry_id}")
    people = {*_people_in(entry), *_actors_of([*newer, *older])}
    return Shown(entry, newer, older, names_of(people), _groups_in([entry, *newer, *older]))


def list_timeline(actor: Actor, target: str, *, before: UUID | None = None) -> Found:
    """What happened to a thing, or to a person and by them, newest first.

    Raises `Forbidden`, or `NotFound` where the log tells of nothing. The reading is recorded.
    """
    require(actor, Permission.AUDIT_READ)
    user_id = next(iter(ids_named("user", [target])), None)
    page = list_entries_of(target, actor_id=user_id, before=before)
    if not page.entries:
        raise NotFound
    record(actor, Action.AUDIT_READ, target, form="timeline")
    people, groups = names_around(page.entries, target)
    return Found(people, groups, page, pruned=_begin_of_log(page))


def names_around(
    entries: Sequence[AuditEntry], *more: str
) -> tuple[Mapping[UUID, str], Mapping[UUID, str]]:
    """The names of people and of groups in entries, by id; of some more targets, too."""
    targets = [*_targets_of(entries), *more]
    people = {*_actors_of(entries), *ids_named("user", targets)}
    return names_of(people), names_of_groups(ids_named("group", targets))


def _actors_of(entries: Sequence[AuditEntry]) -> Collection[UUID]:
    return {entry.actor_id for entry in entries if entry.actor_id}


def _targets_of(entries: Sequence[AuditEntry]) -> Sequence[str]:
    return [entry.target for entry in entries]


def _people_in(entry: AuditEntry) -> Collection[UUID]:
    people = {*_actors_of([entry]), *ids_named("user", [entry.target])}
    if "person" in entry.detail:
        people.add(UUID(entry.detail["person"]))
    return people


def _groups_in(entries: Sequence[AuditEntry]) -> Mapping[UUID, str]:
    return names_of_groups(ids_named("group", _targets_of(entries)))
