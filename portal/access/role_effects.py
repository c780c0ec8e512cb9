"""What a change to a role would mean for those who hold it, shown before it is saved."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, union_all

from portal.access.custom_roles import check_change, get_editable
from portal.access.decision import decide
from portal.access.models import GroupMembership, RoleAssignment
from portal.access.permissions import Permission
from portal.access.queries import holders_of
from portal.access.role_rules import Chosen
from portal.access.roles import list_live_roles, role_from
from portal.audit.actor import Actor
from portal.core import clock
from portal.tenancy.session import db
from portal.users.queries import names_of

MOST_NAMED = 50

Places = Sequence[tuple[str, UUID | None]]  # each role somebody holds, and on which folder
Allowed = Mapping[str, frozenset[Permission]]  # what each role allows

_role, _membership = RoleAssignment.__table__, GroupMembership.__table__


@dataclass(frozen=True, slots=True)
class Affected:
    """Somebody, with what they come to hold or to lack."""

    name: str
    permissions: Sequence[Permission]


@dataclass(frozen=True, slots=True)
class Change:
    """What comes or goes: in the role, and for how many people, of whom the first are named."""

    permissions: Sequence[Permission]
    count: int
    named: Sequence[Affected]


@dataclass(frozen=True, slots=True)
class Effect:
    """What changing a role does to the people who hold it."""

    holders: int
    widens: Change
    narrows: Change


def preview_role(actor: Actor, key: str, chosen: Chosen) -> Effect:
    """What changing a role to `chosen` would do. Raises as `change_role`.

    What somebody has by another role at the same place, or everywhere, is neither gained nor lost.
    """
    row = get_editable(actor, key)
    check_change(actor, row, chosen)
    before = {k: role.permissions for k, role in list_live_roles().items()}
    after = before | {key: chosen.permissions}
    held = _held_by_holders(key)
    role = role_from(row)
    return Effect(
        len(held),
        _change(actor, chosen.permissions - role.permissions, held, before, after),
        _change(actor, role.permissions - chosen.permissions, held, after, before),
    )


def _change(
    actor: Actor,
    permissions: frozenset[Permission],
    held: Mapping[UUID, Places],
    less: Allowed,
    more: Allowed,
) -> Change:
    """Who has some of `permissions` where roles allow `more`, and not where they allow `less`."""
    affected = {
        user_id: concerned
        for user_id, places in held.items()
        if (concerned := permissions & _beyond(places, less, more))
    }
    names = names_of(affected) if decide(actor, Permission.MEMBER_READ) else {}
    first = sorted(names.items(), key=lambda item: (item[1].casefold(), item[0]))[:MOST_NAMED]
    named = [Affected(name, sorted(affected[user_id])) for user_id, name in first]
    return Change(sorted(permissions), len(affected), named)


def _beyond(places: Places, less: Allowed, more: Allowed) -> frozenset[Permission]:
    had, has = _amount_to(places, less), _amount_to(places, more)
    return frozenset(p for p, folder in has - had if (p, None) not in had)


def _amount_to(places: Places, allowed: Allowed) -> set[tuple[Permission, UUID | None]]:
    return {(p, folder) for role, folder in places for p in allowed.get(role, ())}


def _held_by_holders(key: str) -> Mapping[UUID, Places]:
    """Every role, with its place, of each person who holds the one."""
    people, now = holders_of([key]), clock.now()
    columns = (_role.c.role, _role.c.folder_id, _role.c.expires_at)
    by_name = select(_role.c.user_id, *columns).where(_role.c.user_id.in_(people))
    by_group = (
        select(_membership.c.user_id, *columns)
        .join_from(_membership, _role, _role.c.group_id == _membership.c.group_id)
        .where(_membership.c.user_id.in_(people))
    )
    found: dict[UUID, list[tuple[str, UUID | None]]] = defaultdict(list)
    for user_id, role, folder_id, expires_at in db.session.execute(union_all(by_name, by_group)):
        if expires_at is None or expires_at > now:
            found[user_id].append((role, folder_id))
    return found
