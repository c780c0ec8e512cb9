"""The groups that a table of people names: which they are, and what forbids putting people in."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from portal.access.exclusive import list_exclusive_pairs
from portal.access.groups.members import require_to_add
from portal.access.groups.rules import roles_of
from portal.access.models import Group
from portal.access.names import group_key
from portal.access.roles import list_roles
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.core.errors import PortalError
from portal.tenancy.session import db

MOST_GROUPS = 20  # for one person
SEPARATOR = ";"


@dataclass(frozen=True, slots=True)
class NamedGroup:
    """A group, the roles that it gives, and why the actor can't put people into it, if so.

    `is_refused`: it is the actor's rights that are lacking.
    """

    id: UUID
    name: str
    roles: frozenset[str]
    problem: str = ""
    is_refused: bool = False


def split_names(text: str) -> tuple[str, ...]:
    """The names in a field of a table."""
    return tuple(name.strip() for name in text.split(SEPARATOR) if name.strip())


def find_groups(actor: Actor, names: Iterable[str]) -> Mapping[str, NamedGroup]:
    """The groups of these names, by what names are compared by. Statements grow with the groups."""
    keys = {group_key(name) for name in names}
    if not keys:
        return {}
    rows = db.session.execute(
        select(Group.id, Group.name, Group.name_key).where(Group.name_key.in_(keys))
    )
    return {row.name_key: _named(actor, row.id, row.name) for row in rows.all()}


def groups_problem(
    names: Collection[str], known: Mapping[str, NamedGroup], role: str
) -> tuple[str, bool]:
    """What is wrong with somebody's being in these groups besides holding `role`.

    With it, whether that is a refusal and not a fault of the table. ("", False): nothing is wrong.
    """
    if len(names) > MOST_GROUPS:
        return f"At most {MOST_GROUPS} groups for one person.", False
    for name in names:
        if group_key(name) not in known:
            return f"There is no group “{name}”.", False
    groups = [known[group_key(name)] for name in names]
    for group in groups:
        if group.problem:
            return f"{group.name}: {group.problem}", group.is_refused
    held = frozenset({role}).union(*(group.roles for group in groups))
    for pair in sorted(list_exclusive_pairs(), key=sorted) if groups else ():
        if pair <= held:
            first, second = sorted(list_roles()[key].name for key in pair)
            return f"Nobody can be {first} and {second} at the same time.", True
    return "", False


def _named(actor: Actor, group_id: UUID, name: str) -> NamedGroup:
    problem, is_refused = "", False
    try:
        require_to_add(actor, group_id, ())
    except PortalError as error:
        problem, is_refused = str(error), isinstance(error, RecordedRefusal)
    return NamedGroup(group_id, name, roles_of(group_id), problem, is_refused)
