"""What a role of a tenant's own may be: its name, and what it can and can't allow."""

from collections.abc import Set
from dataclasses import dataclass

from sqlalchemy import select

from portal.access.models import RoleAssignment
from portal.access.names import require_own_look
from portal.access.permissions import ORGANISATION_WIDE, OVERSIGHT, POWER, Permission
from portal.access.roles import list_live_roles, name_key
from portal.core.errors import Conflict, Invalid
from portal.core.texts import is_one_line
from portal.tenancy.session import db

MAX_NAME, MAX_SENTENCE = 60, 200  # the columns' lengths


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a role is to be."""

    name: str
    sentence: str
    permissions: frozenset[Permission]


def check_chosen(chosen: Chosen, *, is_scoped: bool) -> None:
    """Raises `Invalid` or `Conflict` where there can be no such role."""
    texts = ((chosen.name, MAX_NAME), (chosen.sentence, MAX_SENTENCE))
    if not all(1 <= len(text.strip()) <= most and is_one_line(text) for text, most in texts):
        raise Invalid("Name and sentence are one line each, with something to be seen in it.")
    if "=" in chosen.name:
        raise Invalid("A name has no “=”: a provider’s groups are written down with it.")
    require_own_look(chosen.name)
    if not chosen.permissions:
        raise Invalid("Choose at least one permission.")
    if is_scoped:
        check_folders(chosen.permissions)
    if chosen.permissions & POWER and chosen.permissions & OVERSIGHT:
        raise Invalid(
            "Nobody watches over their own acts, so no role allows both this: "
            f"{_sentences(chosen.permissions & OVERSIGHT)}; "
            f"and any of this: {_sentences(chosen.permissions & POWER)}."
        )


def check_folders(permissions: Set[Permission]) -> None:
    """Raises `Invalid` where some of it can't be held on a folder."""
    if permissions & ORGANISATION_WIDE:
        raise Invalid(
            "This concerns the whole organisation, and can’t be held on a folder: "
            f"{_sentences(permissions & ORGANISATION_WIDE)}."
        )


def is_given_on_folders(key: str) -> bool:
    """Whether somebody holds a role on a folder."""
    statement = select(RoleAssignment.id).where(
        RoleAssignment.role == key, RoleAssignment.folder_id.is_not(None)
    )
    return db.session.execute(statement).first() is not None


def require_free_name(name: str, *, besides: str = "") -> None:
    """Raises `Conflict` where another live role is called so, or named so by its key.

    Call `lock_access` first.
    """
    taken = {
        name_key(text)
        for role in list_live_roles().values()
        if role.key != besides
        for text in (role.key, role.name)
    }
    if name_key(name) in taken:
        raise Conflict(f"There is a role called {name.strip()} already.")


def _sentences(permissions: Set[Permission]) -> str:
    return "; ".join(permission.sentence for permission in sorted(permissions))
