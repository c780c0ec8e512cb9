"""What others than the actor hold at this moment, in the form that `decide` takes."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, union_all

from portal.access.decision import Grant, Member
from portal.access.models import RoleAssignment
from portal.access.permissions import Permission
from portal.access.queries import GRANT_COLUMNS, grants_from, held_by
from portal.access.roles import list_live_roles
from portal.core import clock
from portal.tenancy.session import db
from portal.users.models import User, UserState

# They have no session here, and what they proved is older than any act allows.
NO_SESSION = UUID(int=0)
NEVER = datetime.min.replace(tzinfo=UTC)

_user, _role = User.__table__, RoleAssignment.__table__


def find_actor(user_id: UUID) -> Member | None:
    """An active person with what they hold now, or None."""
    return find_actors([user_id]).get(user_id)


def find_actors(user_ids: Collection[UUID]) -> Mapping[UUID, Member]:
    """Those of the people who are active, with what they hold now, in one statement."""
    statements = (
        select(_user.c.id, _user.c.name, _user.c.email, *GRANT_COLUMNS)
        .select_from(rows)
        .where(_user.c.id.in_(set(user_ids)), _user.c.state == UserState.ACTIVE)
        for rows in held_by(_user, _user.c.id)
    )
    rows_of: dict[UUID, list[Any]] = defaultdict(list)
    for row in db.session.execute(union_all(*statements)):
        rows_of[row.id].append(row)
    now = clock.now()
    return {
        user_id: Member(
            user_id=user_id,
            name=rows[0].name,
            email=rows[0].email,
            session_id=NO_SESSION,
            proved_at=NEVER,
            grants=grants_from(rows, now),
        )
        for user_id, rows in rows_of.items()
    }


def still_held(member: Member) -> tuple[Grant, ...]:
    """What a member came with, as far as it is theirs now; nothing, once they are deactivated.

    Nothing is added to it: a session may be for less than its person holds.
    """
    statements = (
        select(*GRANT_COLUMNS)
        .select_from(rows)
        .where(_user.c.id == member.user_id, _user.c.state == UserState.ACTIVE)
        for rows in held_by(_user, _user.c.id)
    )
    found = db.session.execute(union_all(*statements)).all()
    if not found:
        return ()
    now = {grant.assignment_id: grant for grant in grants_from(found, clock.now())}
    return tuple(
        now.get(grant.assignment_id, grant)
        for grant in member.grants
        if grant.assignment_id is None or grant.assignment_id in now
    )


def list_people_with(permission: Permission, folder_ids: Collection[UUID] = ()) -> frozenset[UUID]:
    """The active people who hold `permission`: everywhere, or on one of these folders by name."""
    roles = [key for key, role in list_live_roles().items() if permission in role.permissions]
    statements = (
        select(_user.c.id)
        .select_from(rows)
        .where(
            _user.c.state == UserState.ACTIVE,
            _role.c.role.in_(roles),
            or_(_role.c.folder_id.is_(None), _role.c.folder_id.in_(set(folder_ids))),
            or_(_role.c.expires_at.is_(None), _role.c.expires_at > clock.now()),
        )
        for rows in held_by(_user, _user.c.id)
    )
    return frozenset(db.session.scalars(union_all(*statements)))
