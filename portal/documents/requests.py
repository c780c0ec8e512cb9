"""Asking for access to what one was refused, and who may decide about it: what needs folders.

Admins decide every request; who may share a folder, those on it and beneath. Neither is told the
name of a document thereby.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select, true

from portal.access.decision import (
    ORGANISATION,
    decide,
    folders_of,
    holds_anywhere,
)
from portal.access.people import list_people_with
from portal.access.permissions import DOCUMENTS, Permission
from portal.access.requests import service
from portal.access.requests.models import AccessRequest
from portal.access.requests.queries import list_requests_of, waiting
from portal.audit.actor import Actor
from portal.auth.notices import Notice, tell
from portal.core.errors import Conflict, Invalid, NotFound
from portal.documents.places import TOP, Place, list_places, subtree_of
from portal.documents.things import get_place_of
from portal.tenancy.session import db
from portal.users.queries import names_of

# What can be held on a folder; everything else concerns the whole organisation.
ON_FOLDERS = DOCUMENTS | {Permission.ACCESS_READ, Permission.FOLDER_SHARE}
SEES_NAMES = (Permission.ROLE_ASSIGN, Permission.FOLDER_SHARE, Permission.DOCUMENT_READ)
MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """A request as a list shows it; `place` is empty where its reader may not see the folder."""

    request: AccessRequest
    place: Place


@dataclass(frozen=True, slots=True)
class Requests:
    """One's own requests, and those one may decide, with the names of the people in them."""

    own: Sequence[ListedRequest]
    to_decide: Sequence[ListedRequest]
    people: Mapping[UUID, str]


def ask_for_access(actor: Actor, permission: Permission, target: str, reason: str) -> AccessRequest:
    """Ask for a permission on a document, a folder, or in the organisation.

    Raises `NotFound`, `Invalid` or `Conflict`.
    """
    place = _place_of(target)
    if permission not in ON_FOLDERS and place.folders:
        raise Invalid("This concerns the whole organisation.")
    if decide(actor, permission, place.target()):
        raise Conflict("You may do this already.")
    request = service.open_request(actor, permission, target, place.folder_id, reason)
    for user_id in _list_deciders(place, actor)[:MOST_TOLD]:
        tell(user_id, Notice.ACCESS_ASKED, actor=actor, to=permission.sentence)
    return request


def list_requests(actor: Actor) -> Requests:
    """What somebody asked for, and what they may decide, longest waiting first."""
    own = list_requests_of(actor.user_id)
    to_decide = db.session.scalars(
        waiting(select(AccessRequest))
        .where(may_decide(actor))
        .order_by(AccessRequest.id)
        .limit(service.MOST * 10)
    ).all()
    places = list_places({r.folder_id for r in (*own, *to_decide) if r.folder_id})
    people = {id_ for r in (*own, *to_decide) for id_ in (r.user_id, r.decided_by) if id_}
    return Requests(
        [ListedRequest(r, visible_place(actor, r, places)) for r in own],
        [ListedRequest(r, visible_place(actor, r, places)) for r in to_decide],
        names_of(people),
    )


def count_to_decide(actor: Actor) -> Select[tuple[int]]:
    """The statement that counts what `actor` may decide."""
    return waiting(select(func.count()).select_from(AccessRequest)).where(may_decide(actor))


def decides_requests(actor: Actor) -> bool:
    """Whether there can be anything for `actor` to decide."""
    return decide(actor, Permission.ROLE_ASSIGN) or holds_anywhere(actor, Permission.FOLDER_SHARE)


def _list_deciders(place: Place, asker: Actor) -> Sequence[UUID]:
    """Who may decide, nearest first: those who share the folder, then those who assign roles."""
    folder_ids = [folder.id for folder in place.folders]
    owners = list_people_with(Permission.FOLDER_SHARE, folder_ids) if folder_ids else frozenset()
    admins = list_people_with(Permission.ROLE_ASSIGN)
    return [id_ for id_ in (*sorted(owners), *sorted(admins - owners)) if id_ != asker.user_id]


def may_decide_on(actor: Actor, place: Place) -> bool:
    """Whether `actor` may decide about requests for what lies at a place."""
    return decide(actor, Permission.ROLE_ASSIGN) or (
        bool(place.folders) and decide(actor, Permission.FOLDER_SHARE, place.target())
    )


def may_decide(actor: Actor) -> ColumnElement[bool]:
    """The same as `may_decide_on`, of rows; one's own are somebody else's to decide."""
    if decide(actor, Permission.ROLE_ASSIGN):
        which: ColumnElement[bool] = true()
    elif decide(actor, Permission.FOLDER_SHARE):
        which = AccessRequest.folder_id.is_not(None)
    elif owned := folders_of(actor, Permission.FOLDER_SHARE):
        which = AccessRequest.folder_id.in_(select(subtree_of(sorted(owned)).c.id))
    else:
        which = false()
    return which & (AccessRequest.user_id != actor.user_id)


def visible_place(
    actor: Actor, request: AccessRequest, places: Mapping[UUID | None, Place]
) -> Place:
    """Where a request is about, as far as its reader may see the folders."""
    place = places.get(request.folder_id, TOP)
    for permission in SEES_NAMES:
        if decide(actor, permission, place.target()):
            return place.seen_by(actor, permission)
    return TOP


def _place_of(target: str) -> Place:
    """Where a thing lies that somebody was refused. Raises `NotFound`."""
    if target == ORGANISATION.name:
        return TOP
    try:
        return get_place_of(target)
    except Invalid:
        raise NotFound from None
