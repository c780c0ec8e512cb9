"""Asking for access to what one was refused, and deciding about it: what needs folders.

Admins decide every request; who may share a folder, those on it and beneath. Neither is told the
name of a document thereby.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select, true

from portal.access.approvals.models import PendingAct
from portal.access.decision import (
    ORGANISATION,
    Forbidden,
    Grant,
    decide,
    folders_of,
    holds_anywhere,
)
from portal.access.endings import Ending
from portal.access.holders import OwnRights, get_person
from portal.access.models import RoleAssignment
from portal.access.people import find_actor, list_people_with
from portal.access.permissions import DOCUMENTS, MANAGEMENT, Permission, Role
from portal.access.requests import service
from portal.access.requests.models import AccessRequest
from portal.access.requests.queries import get_request, list_requests_of, waiting
from portal.access.roles import list_live_roles
from portal.access.service import Way, assign_role, grant_role, require_to_hand_out, waits
from portal.audit.actor import Actor
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.auth.notices import Notice, tell
from portal.core.errors import Conflict, Invalid, NotFound
from portal.documents.places import TOP, Place, get_place, list_places, subtree_of
from portal.documents.queries import find_anywhere
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import get_user, names_of

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


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request for who may decide it: who asks, what they hold, and the roles that would do."""

    request: AccessRequest
    place: Place
    user: User
    held: Sequence[Grant]
    roles: Mapping[str, Role]
    people: Mapping[UUID, str]
    is_own: bool
    may_be_lasting: bool


def ask_for_access(actor: Actor, permission: Permission, target: str, reason: str) -> AccessRequest:
    """Ask for a permission on a document, a folder, or in the organisation.

    Raises `NotFound`, `Invalid` or `Conflict`.
    """
    place = _place_of(target)
    if permission not in ON_FOLDERS and place is not TOP:
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
        .where(_may_decide(actor))
        .order_by(AccessRequest.id)
        .limit(service.MOST * 10)
    ).all()
    places = list_places({r.folder_id for r in (*own, *to_decide) if r.folder_id})
    people = {id_ for r in (*own, *to_decide) for id_ in (r.user_id, r.decided_by) if id_}
    return Requests(
        [ListedRequest(r, _seen(actor, r, places)) for r in own],
        [ListedRequest(r, _seen(actor, r, places)) for r in to_decide],
        names_of(people),
    )


def count_to_decide(actor: Actor) -> Select[tuple[int]]:
    """The statement that counts what `actor` may decide."""
    return waiting(select(func.count()).select_from(AccessRequest)).where(_may_decide(actor))


def decides_requests(actor: Actor) -> bool:
    """Whether there can be anything for `actor` to decide."""
    return decide(actor, Permission.ROLE_ASSIGN) or holds_anywhere(actor, Permission.FOLDER_SHARE)


def show_request(actor: Actor, request_id: UUID) -> ShownRequest:
    """A request for who may decide it. Raises `Forbidden` or `NotFound`."""
    request, place = _get(actor, request_id)
    asker = find_actor(request.user_id)
    return ShownRequest(
        request,
        _seen(actor, request, {request.folder_id: place}),
        get_user(request.user_id),
        asker.grants if asker else (),
        _roles_for(actor, request, place),
        names_of([request.decided_by] if request.decided_by else []),
        is_own=request.user_id == actor.user_id,
        may_be_lasting=decide(actor, Permission.ROLE_ASSIGN),
    )


def approve_request(
    actor: Actor, request_id: UUID, role_key: str, expires_at: datetime | None
) -> bool:
    """Give the role that was chosen; whether it is held now, or waits for a second person.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid`, `Conflict` or `ExclusiveRoles`.
    """
    request, place = _to_decide(actor, request_id)
    require_fresh(actor, Act.ROLES)
    role = _roles_for(actor, request, place).get(role_key)
    if role is None:
        raise Invalid("This role does not hold what was asked for, or you can't give it.")
    if expires_at is None and not decide(actor, Permission.ROLE_ASSIGN):
        raise Invalid("Say until when it is to hold.")
    if get_user(request.user_id).state != UserState.ACTIVE or not place.is_live:
        raise Conflict("The person or the folder is not there any more. Decline it.")
    service.close_request(actor, request, Ending.APPROVED)
    given = _give(actor, request, role, expires_at)
    assignment_id = None if waits(given) else given.id
    service.note_granted(actor, request, role.key, assignment_id)
    _tell_requester(actor, request, "Approved" if assignment_id else "A second person is asked")
    return assignment_id is not None


def decline_request(actor: Actor, request_id: UUID, answer: str) -> None:
    """Refuse what somebody asked for. Raises `Forbidden`, `NotFound`, `Invalid` or `Conflict`."""
    request, _place = _to_decide(actor, request_id)
    service.decline_request(actor, request, answer)
    _tell_requester(actor, request, "Declined")


def _give(
    actor: Actor, request: AccessRequest, role: Role, expires_at: datetime | None
) -> RoleAssignment | PendingAct:
    holder, folder_id = get_person(request.user_id), request.folder_id
    how: dict[str, Any] = {
        "way": Way.REQUEST,
        "reason": f"Request {request.id}: {request.reason}",
        "expires_at": expires_at,
    }
    if decide(actor, Permission.ROLE_ASSIGN):
        return assign_role(actor, holder, role.key, folder_id, **how)
    return grant_role(actor, holder, role, folder_id, **how)


def _get(actor: Actor, request_id: UUID) -> tuple[AccessRequest, Place]:
    if not decides_requests(actor):
        raise Forbidden(Permission.ROLE_ASSIGN, ORGANISATION)
    request = get_request(request_id)
    place = get_place(request.folder_id)
    is_own = request.user_id == actor.user_id
    if not is_own and not _may_decide_on(actor, place):
        raise NotFound
    return request, place


def _to_decide(actor: Actor, request_id: UUID) -> tuple[AccessRequest, Place]:
    request, place = _get(actor, request_id)
    if request.user_id == actor.user_id:
        raise OwnRights(Permission.ROLE_ASSIGN, place.target(request.target))
    return request, place


def _place_of(target: str) -> Place:
    """Where a thing lies that somebody was refused. Raises `NotFound`."""
    kind, _, id_ = target.partition(":")
    if target == ORGANISATION.name:
        return TOP
    try:
        thing_id = UUID(id_)
    except ValueError:
        raise NotFound from None
    if kind == "folder":
        place, is_trashed = get_place(thing_id), False
    elif kind == "document":
        located = find_anywhere(thing_id)
        place, is_trashed = located.place, located.document.trashed_at is not None
    else:
        raise NotFound
    if is_trashed or not place.is_live:
        raise NotFound
    return place


def _may_decide_on(actor: Actor, place: Place) -> bool:
    return decide(actor, Permission.ROLE_ASSIGN) or (
        place is not TOP and decide(actor, Permission.FOLDER_SHARE, place.target())
    )


def _may_decide(actor: Actor) -> ColumnElement[bool]:
    """The same as `_may_decide_on`, of rows; one's own are somebody else's to decide."""
    if decide(actor, Permission.ROLE_ASSIGN):
        which: ColumnElement[bool] = true()
    elif decide(actor, Permission.FOLDER_SHARE):
        which = AccessRequest.folder_id.is_not(None)
    elif owned := folders_of(actor, Permission.FOLDER_SHARE):
        which = AccessRequest.folder_id.in_(select(subtree_of(sorted(owned)).c.id))
    else:
        which = false()
    return which & (AccessRequest.user_id != actor.user_id)


def _seen(actor: Actor, request: AccessRequest, places: Mapping[UUID | None, Place]) -> Place:
    place = places.get(request.folder_id, TOP)
    for permission in SEES_NAMES:
        if decide(actor, permission, place.target()):
            return place.seen_by(actor, permission)
    return TOP


def _roles_for(actor: Actor, request: AccessRequest, place: Place) -> Mapping[str, Role]:
    """The roles that hold what was asked for, can be given there, and `actor` may give there."""
    return {
        key: role
        for key, role in list_live_roles().items()
        if request.permission in role.permissions
        and not (role.permissions & MANAGEMENT if request.folder_id else role.is_scoped)
        and _may_give(actor, role, place)
    }


def _may_give(actor: Actor, role: Role, place: Place) -> bool:
    """An admin by the rules of assigning; who shares a folder, within what they hold there."""
    if not decide(actor, Permission.ROLE_ASSIGN):
        return all(decide(actor, permission, place.target()) for permission in role.permissions)
    try:
        require_to_hand_out(actor, role)
    except Forbidden:
        return False
    return True


def _list_deciders(place: Place, asker: Actor) -> Sequence[UUID]:
    """Who may decide, nearest first: those who share the folder, then those who assign roles."""
    folder_ids = [folder.id for folder in place.folders]
    owners = list_people_with(Permission.FOLDER_SHARE, folder_ids) if folder_ids else frozenset()
    admins = list_people_with(Permission.ROLE_ASSIGN)
    return [id_ for id_ in (*sorted(owners), *sorted(admins - owners)) if id_ != asker.user_id]


def _tell_requester(actor: Actor, request: AccessRequest, answer: str) -> None:
    wanted = request.wanted
    tell(
        request.user_id,
        Notice.ACCESS_ANSWERED,
        actor=actor,
        to=wanted.sentence if wanted else "",
        answer=answer,
    )
