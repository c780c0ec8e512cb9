"""Who holds a role: by name or through which group, where, by whose hand, since and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from portal.access.decision import require
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core import clock
from portal.tenancy.paging import cut_page
from portal.tenancy.session import db
from portal.users.models import User

PAGE_SIZE = 50

_role, _membership, _group, _user = (
    model.__table__ for model in (RoleAssignment, GroupMembership, Group, User)
)
_granter = aliased(_user, name="granter")


@dataclass(frozen=True, slots=True)
class HeldCount:
    """How many people were given a role by name, and how many groups."""

    people: int = 0
    groups: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """One way in which somebody holds a role. A group with nobody in it has no person."""

    user_id: UUID | None
    name: str | None
    group_id: UUID | None
    group: str | None
    folder_id: UUID | None
    granted_by: str | None
    way: str
    reason: str
    since: datetime
    expires_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether its end has come."""
        return self.expires_at is not None and self.expires_at <= clock.now()


@dataclass(frozen=True, slots=True)
class HolderPage:
    """Holders by name, with the number of all."""

    rows: Sequence[Held]
    page: int
    pages: int
    total: int


def count_held() -> Mapping[str, HeldCount]:
    """For each role that somebody was given: to how many. In one statement."""
    rows = db.session.execute(
        select(
            _role.c.role,
            func.count(_role.c.user_id.distinct()),
            func.count(_role.c.group_id.distinct()),
        ).group_by(_role.c.role)
    )
    return {key: HeldCount(people, groups) for key, people, groups in rows}


def list_holders(actor: Actor, key: str, page: int = 1) -> HolderPage:
    """A page of those who hold a role, and how they come to. Raises `Forbidden`."""
    require(actor, Permission.MEMBER_READ)
    by_name = _ways(key).order_by(func.lower(_user.c.name), _role.c.id, _membership.c.id)
    found = cut_page(by_name, page, PAGE_SIZE)
    held = [_held(row) for row in db.session.execute(found.rows)]
    return HolderPage(held, found.page, found.pages, found.total)


def _ways(key: str) -> Select[Any]:
    """Each assignment with each person whom it reaches."""
    holder = func.coalesce(_role.c.user_id, _membership.c.user_id)
    return (
        select(
            _user.c.id.label("user_id"),
            _user.c.name,
            _role.c.group_id,
            _group.c.name.label("group_name"),
            _role.c.folder_id,
            _granter.c.name.label("granted_by"),
            _role.c.way,
            _role.c.reason,
            _role.c.created_at,
            _membership.c.added_at,
            _role.c.expires_at,
        )
        .select_from(_role)
        .outerjoin(_membership, _membership.c.group_id == _role.c.group_id)
        .outerjoin(_group, _group.c.id == _role.c.group_id)
        .outerjoin(_user, _user.c.id == holder)
        .outerjoin(_granter, _granter.c.id == _role.c.granted_by)
        .where(_role.c.role == key)
    )


def _held(row: Any) -> Held:
    """Through a group somebody holds it since the later of its being given and their joining."""
    return Held(
        row.user_id,
        row.name,
        row.group_id,
        row.group_name,
        row.folder_id,
        row.granted_by,
        row.way,
        row.reason,
        max(row.created_at, row.added_at or row.created_at),
        row.expires_at,
    )
