"""The audit log as an officer reads it: allowed, recorded, with the names of people and groups."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.queries import names_of_groups
from portal.audit import queries
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import EntryPage, Filters
from portal.audit.service import record
from portal.users.queries import list_names, names_of

UNKNOWN = "unknown"  # the target of a sign-in with an e-mail that nobody has


@dataclass(frozen=True, slots=True)
class Found:
    """A page of entries, the groups in them by id, and all people to choose a filter from."""

    page: EntryPage
    people: Mapping[UUID, str]
    groups: Mapping[UUID, str] = field(default_factory=dict)

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
    page = queries.search_entries(filters, before=before, after=after)
    asked = {name: str(value) for name, value in asdict(filters).items() if value}
    record(actor, Action.AUDIT_READ, "audit", filters=asked)
    return Found(page, list_names(), _groups_in(page.entries))


def find_nothing(actor: Actor) -> Found:
    """No entries, where the filters can't be understood: leaving them out would give away more
    than was asked for. Raises `Forbidden`.
    """
    require(actor, Permission.AUDIT_READ)
    return Found(EntryPage((), newer=None, older=None), list_names())


def get(actor: Actor, entry_id: UUID) -> Shown:
    """One entry. Raises `Forbidden` or `NotFound`. The reading is recorded."""
    require(actor, Permission.AUDIT_READ)
    entry = queries.get_entry(entry_id)
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
