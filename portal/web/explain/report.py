"""Who could open a thing, as a table that can be kept and opened elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.access.decision import Grant
from portal.access.history.world import Given
from portal.access.permissions import Role
from portal.access.reach import Can
from portal.core.tables import csv_table
from portal.documents.explaining import Could


@dataclass(frozen=True, slots=True)
class Naming:
    """What to call roles by key, people and groups by id, places by target."""

    roles: Mapping[str, Role]
    people: Mapping[UUID, str]
    groups: Mapping[UUID, str]
    places: Mapping[str, str]

    def role(self, key: str) -> str:
        """A role's name."""
        return self.roles[key].name if key in self.roles else key

    def group(self, group_id: UUID) -> str:
        """A group's name."""
        return self.groups.get(group_id, f"group {group_id}")

    def place(self, folder_id: UUID | None) -> str:
        """Where a role holds."""
        if folder_id is None:
            return "the whole organisation"
        return self.places.get(f"folder:{folder_id}", f"folder {folder_id}")

    def person(self, user_id: UUID | None) -> str:
        """Who gave it."""
        return self.people.get(user_id, "") if user_id else ""


def reach_csv(found: Sequence[Could], target: str, at: datetime, naming: Naming) -> str:
    """A line for each person: what they could do, and through what."""
    rows = (
        (
            at.isoformat(),
            target,
            one.name,
            one.user_id,
            *("yes" if can in one.can else "no" for can in Can),
            "; ".join(_in_words(given, grant, naming) for given, grant in one.through),
        )
        for one in found
    )
    return csv_table(("as of", "thing", "person", "id", *Can, "through"), rows)


def _in_words(given: Given, grant: Grant, naming: Naming) -> str:
    by = f" through {naming.group(grant.group_id)}" if grant.group_id else ""
    return f"{naming.role(given.role)}{by} on {naming.place(given.folder_id)}"
