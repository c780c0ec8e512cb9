"""The audit log as an officer reads it: allowed, recorded, with the names of people and groups."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.queries import list_group_names, names_of_groups, people_in
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import Filters, get_entry
from portal.audit.searching import EntryPage, search_entries
from portal.audit.service import record
from portal.users.queries import list_names, names_of

UNKNOWN = "unknown"  # the target of a sign-in with an e-mail that nobody has


@dataclass(frozen=True, slots=True)
class Choices:
    """All people and groups by id, to choose a filter from."""

    people: Mapping[UUID, str]
    groups: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Found(Choices):
    """A page of entries."""

    page: EntryPage

    @property
    def entries(self) -> Sequence[AuditEntry]:
        """The entries, newest first."""
        return self.page.entries


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry, with the people and the groups in it by id."""

    entry: AuditEntry
    people: Mapping[UUID, str]
    groups: Mapping[UUID, str]


def search(
    actor: Actor, filters: Filters, *, before: UUID | None = None, after: UUID | None = None
) -> Found:
    """A page of the log. Raises `Forbidden`. The reading is recorded with its filters."""
    require(actor, Permission.AUDIT_READ)
    page = search_entries(with_people(filters), before=before, after=after)
    record_reading(actor, filters)
    return Found(list_names(), list_group_names(), page)


def with_people(filters: Filters) -> Filters:
    """Filters that say who is in the group they name, if they name one."""
    return replace(filters, people=people_in(filters.group_id)) if filters.group_id else filters


def record_reading(actor: Actor, filters: Filters, **detail: Any) -> None:
    """Record that what fits the filters was read."""
    asked = {name: str(value) for name, value in filters.given.items()}
    record(actor, Action.AUDIT_READ, "audit", filters=asked, **detail)


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
    record(actor, Action.AUDIT_READ, f"audit:{entry_id}")
    return Shown(entry, names_of(_people_in(entry)), _groups_in([entry]))


def _people_in(entry: AuditEntry) -> Collection[UUID]:
    kind, _, name = entry.target.partition(":")
    people = {entry.actor_id} if entry.actor_id else set()
    if kind == "user" and name != UNKNOWN:
        people.add(UUID(name))
    if "person" in entry.detail:
        people.add(UUID(entry.detail["person"]))
    return people


def _groups_in(entries: Sequence[AuditEntry]) -> Mapping[UUID, str]:
    targets = (entry.target.partition(":") for entry in entries)
    return names_of_groups({UUID(name) for kind, _, name in targets if kind == "group"})
