"""Who has access to what: every person with each role they hold, by name or through a group."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import aliased

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.audit.actor import Actor
from portal.documents.naming import names_of_targets
from portal.reports.report import BATCH_SIZE, Report, Row, moment
from portal.tenancy.session import db
from portal.users.models import User

_user, _role, _group, _membership = (
    model.__table__ for model in (User, RoleAssignment, Group, GroupMembership)
)
_granter = aliased(_user, name="granter")


def _rows(actor: Actor) -> Iterator[Row]:
    roles, folders = list_roles(), _folder_names(actor)
    for row in db.session.execute(_held().execution_options(yield_per=BATCH_SIZE)):
        role = roles.get(row.role)
        yield (
            row.person,
            row.email,
            row.state,
            (role.name if role else row.role) or "None",
            _place(row, folders),
            row.through or "",
            moment(row.created_at),
            moment(row.expires_at),
            row.granted_by or "",
            row.way or "",
            row.reason or "",
        )


def _held() -> Select[Any]:
    """Everybody with each assignment that reaches them; who holds nothing comes once."""
    by_name = select(_role.c.user_id, _role.c.id).where(_role.c.user_id.is_not(None))
    by_group = select(_membership.c.user_id, _role.c.id).join_from(
        _membership, _role, _role.c.group_id == _membership.c.group_id
    )
    held = union_all(by_name, by_group).subquery("held")
    return (
        select(
            _user.c.name.label("person"),
            _user.c.email,
            _user.c.state,
            _role.c.role,
            _role.c.folder_id,
            _group.c.name.label("through"),
            _role.c.created_at,
            _role.c.expires_at,
            _granter.c.name.label("granted_by"),
            _role.c.way,
            _role.c.reason,
        )
        .select_from(_user)
        .outerjoin(held, held.c.user_id == _user.c.id)
        .outerjoin(_role, _role.c.id == held.c.id)
        .outerjoin(_group, _group.c.id == _role.c.group_id)
        .outerjoin(_granter, _granter.c.id == _role.c.granted_by)
        .order_by(func.lower(_user.c.name), _user.c.id, _role.c.id)
    )


def _folder_names(actor: Actor) -> Mapping[str, str]:
    used = select(_role.c.folder_id).where(_role.c.folder_id.is_not(None)).distinct()
    return names_of_targets(
        actor, [f"folder:{folder_id}" for folder_id in db.session.scalars(used)]
    )


def _place(row: Any, folders: Mapping[str, str]) -> str:
    if row.role is None:
        return ""
    if row.folder_id is None:
        return "The whole organisation"
    return folders.get(f"folder:{row.folder_id}", f"folder {row.folder_id}")


REPORT = Report(
    key="access",
    name="Who has access to what",
    sentence="Every person with each role they hold: where, through which group, given by whom, "
    "since and until when.",
    permission=Permission.MEMBER_READ,
    columns=(
        "Person",
        "E-mail",
        "State",
        "Role",
        "Where",
        "Through the group",
        "Since",
        "Until",
        "Given by",
        "Way",
        "Reason",
    ),
    rows=_rows,
)
