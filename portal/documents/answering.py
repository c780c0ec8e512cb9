"""Deciding about requests for access: a role that holds what was asked for, or an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.access.approvals.models import PendingAct
from portal.access.decision import ORGANISATION, Forbidden, Grant, decide
from portal.access.endings import Ending
from portal.access.holders import OwnRights, get_person
from portal.access.locking import lock_access_as
from portal.access.models import RoleAssignment
from portal.access.people import find_actor
from portal.access.permissions import Permission, Role
from portal.access.requests import service
from portal.access.requests.models import AccessRequest
from portal.access.requests.queries import get_request
from portal.access.roles import list_live_roles
from portal.access.service import Way, assign_role, grant_role, require_to_hand_out, waits
from portal.audit.actor import Actor
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.auth.notices import Notice, tell
from portal.core.errors import Conflict, Invalid, NotFound
from portal.documents.places import Place, get_place
from portal.documents.requests import decides_requests, may_decide_on, visible_place
from portal.documents.sharing import can_give, require_to_give_until
from portal.users.models import User, UserState
from portal.users.queries import get_user, names_of


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


def show_request(actor: Actor, request_id: UUID) -> ShownRequest:
    """A request for who may decide it. Raises `Forbidden` or `NotFound`."""
    request, place = _get(actor, request_id)
    asker = find_actor(request.user_id)
    return ShownRequest(
        request,
        visible_place(actor, request, {request.folder_id: place}),
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
    actor = lock_access_as(actor)
    request, place = _to_decide(actor, request_id)
    require_fresh(actor, Act.ROLES)
    role = _roles_for(actor, request, place).get(role_key)
    if role is None:
        raise Invalid("This role does not hold what was asked for, or you can't give it.")
    if expires_at is None and not decide(actor, Permission.ROLE_ASSIGN):
        raise Invalid("Say until when it is to hold.")
    if place.folders:
        require_to_give_until(actor, place, role, expires_at)
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
    if not is_own and not may_decide_on(actor, place):
        raise NotFound
    return request, place


def _to_decide(actor: Actor, request_id: UUID) -> tuple[AccessRequest, Place]:
    request, place = _get(actor, request_id)
    if request.user_id == actor.user_id:
        raise OwnRights(Permission.ROLE_ASSIGN, place.target(request.target))
    return request, place


def _roles_for(actor: Actor, request: AccessRequest, place: Place) -> Mapping[str, Role]:
    """The roles that hold what was asked for, can be given there, and `actor` may give there."""
    return {
        key: role
        for key, role in list_live_roles().items()
        if request.permission in role.permissions and _may_give(actor, role, place)
    }


def _may_give(actor: Actor, role: Role, place: Place) -> bool:
    """On a folder by the rules of sharing it; in the organisation by those of assigning roles."""
    if place.folders:
        return can_give(actor, place, role)
    if role.is_scoped:
        return False
    try:
        require_to_hand_out(actor, role)
    except Forbidden:
        return False
    return True


def _tell_requester(actor: Actor, request: AccessRequest, answer: str) -> None:
    wanted = request.wanted
    tell(
        request.user_id,
        Notice.ACCESS_ANSWERED,
        actor=actor,
        to=wanted.sentence if wanted else "",
        answer=answer,
    )
