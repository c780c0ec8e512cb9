"""Keeping searches of the log, sharing them, and finding them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from portal.access.decision import require
from portal.access.log_searches.models import LogSearch
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User

MOST = 100  # of one person
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class ListedSearch:
    """A search with the name of whoever keeps it."""

    search: LogSearch
    owner: str


def save_search(actor: Actor, name: str, query: Mapping[str, str], *, is_shared: bool) -> LogSearch:
    """Keep what was asked for under a name. Raises `Forbidden`, `Invalid` or `Conflict`."""
    require(actor, Permission.AUDIT_READ)
    own = select(func.count()).where(LogSearch.user_id == actor.user_id)
    if db.session.execute(own).scalar_one() >= MOST:
        raise Conflict("You keep a hundred searches already. Delete one first.")
    search = LogSearch(id=new_id(), user_id=actor.user_id, query=dict(query))
    _call(search, name, is_shared=is_shared)
    db.session.add(search)
    _record(actor, Action.SEARCH_SAVED, search, filters=search.query)
    return search


def change_search(actor: Actor, search_id: UUID, name: str, *, is_shared: bool) -> None:
    """Call one's own search otherwise, or share it or no more.

    Raises `Forbidden`, `NotFound`, `Invalid` or `Conflict`.
    """
    search = get_own_search(actor, search_id)
    _call(search, name, is_shared=is_shared)
    _record(actor, Action.SEARCH_CHANGED, search)


def delete_search(actor: Actor, search_id: UUID) -> None:
    """Keep one's own search no more. Raises `Forbidden` or `NotFound`."""
    search = get_own_search(actor, search_id)
    db.session.delete(search)
    _record(actor, Action.SEARCH_DELETED, search)


def get_own_search(actor: Actor, search_id: UUID) -> LogSearch:
    """A search that the actor keeps. Raises `Forbidden`, or `NotFound` for somebody else's."""
    require(actor, Permission.AUDIT_READ)
    search = db.session.get(LogSearch, (bound_tenant_id(), search_id))
    if search is None or search.user_id != actor.user_id:
        raise NotFound
    return search


def list_searches(actor: Actor) -> Sequence[ListedSearch]:
    """The actor's own searches, and those that others share, by name. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_READ)
    statement = (
        select(LogSearch, User.name)
        .join(User, User.id == LogSearch.user_id)
        .where(or_(LogSearch.user_id == actor.user_id, LogSearch.is_shared))
        .order_by(func.lower(LogSearch.name), LogSearch.id)
    )
    return [ListedSearch(search, owner) for search, owner in db.session.execute(statement)]


def _call(search: LogSearch, name: str, *, is_shared: bool) -> None:
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not is_one_line(name):
        raise Invalid("Enter a name on one line.")
    same = select(LogSearch.id).where(
        LogSearch.user_id == search.user_id, LogSearch.name == name, LogSearch.id != search.id
    )
    if db.session.scalars(same).first():
        raise Conflict(f"You keep a search called {name} already.")
    search.name, search.is_shared = name, is_shared


def _record(actor: Actor, action: Action, search: LogSearch, **detail: Any) -> None:
    whole: dict[str, Any] = {"name": search.name, "is_shared": search.is_shared, **detail}
    record(actor, action, f"log-search:{search.id}", **whole)
