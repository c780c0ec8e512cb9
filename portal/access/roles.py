"""The roles there are in a tenant: the built-in ones, and those that it made for itself."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from portal.access.models import CustomRole
from portal.access.permissions import BUILT_IN, Permission, Role
from portal.core.errors import NotFound
from portal.tenancy.session import db

_KNOWN = {permission.value: permission for permission in Permission}

_custom = CustomRole.__table__
_COLUMNS = select(
    _custom.c.key,
    _custom.c.name,
    _custom.c.sentence,
    _custom.c.permissions,
    _custom.c.is_scoped,
    _custom.c.retired_at,
)


def permissions_from(values: Collection[str]) -> frozenset[Permission]:
    """Permissions by their values. What this version does not know gives nothing."""
    return frozenset(_KNOWN[value] for value in values if value in _KNOWN)


def name_key(name: str) -> str:
    """What names of roles are told apart by: neither case, width nor spaces make a difference."""
    return " ".join(unicodedata.normalize("NFKC", name).split()).casefold()


def list_roles() -> Mapping[str, Role]:
    """Every role by its key, built-in ones first, retired ones too, for they are still named."""
    rows = db.session.execute(_COLUMNS.order_by(_custom.c.name, _custom.c.id))
    return BUILT_IN | {row.key: role_from(row) for row in rows}


def list_live_roles() -> Mapping[str, Role]:
    """Every role that can be given, by its key."""
    return {key: role for key, role in list_roles().items() if not role.is_retired}


def find_live_role(key: str) -> Role | None:
    """The role of that key if there is one that can be given."""
    if key in BUILT_IN:
        return BUILT_IN[key]
    row = db.session.execute(
        _COLUMNS.where(_custom.c.key == key, _custom.c.retired_at.is_(None))
    ).one_or_none()
    return role_from(row) if row else None


def find_live_role_named(text: str) -> Role | None:
    """The role of that key or name if there is one that can be given. Names are told apart."""
    roles = list_live_roles()
    named = {name_key(role.name): role for role in roles.values()}
    return roles.get(text) or named.get(name_key(text))


def get_role(key: str) -> Role:
    """A role, retired or not. Raises `NotFound`."""
    if key in BUILT_IN:
        return BUILT_IN[key]
    row = db.session.execute(_COLUMNS.where(_custom.c.key == key)).one_or_none()
    if row is None:
        raise NotFound
    return role_from(row)


def role_from(row: Any) -> Role:
    """What a row of the tenant's own roles amounts to."""
    return Role(
        row.key,
        row.name,
        row.sentence,
        permissions_from(row.permissions),
        is_scoped=row.is_scoped,
        is_builtin=False,
        is_retired=row.retired_at is not None,
    )
