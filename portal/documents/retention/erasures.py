"""Requests for erasure as the pages show them.

What keeps something is told in full to who may know of holds; others are told how much stays, and
not why, or they could tell who is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from portal.access.decision import Target, decide, require
from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.auth.erasing import can_be_erased
from portal.core import clock
from portal.core.errors import NotFound
from portal.documents.models import Document
from portal.documents.retention.explaining import chain_of
from portal.documents.retention.facts import Judged, judge
from portal.documents.retention.models import ErasureRequest, ErasureState
from portal.documents.retention.things import names_of_documents
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.queries import get_user, names_of

MOST_SHOWN = 100  # documents that stay


@dataclass(frozen=True, slots=True)
class ListedErasure:
    """A request as the list shows it."""

    request: ErasureRequest
    name: str


@dataclass(frozen=True, slots=True)
class Staying:
    """A document that stays for now, and why."""

    document_id: UUID
    name: str
    why: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownErasure:
    """One request: how many documents there are, how many go at once, and what stays.

    `staying` names them only for who may know of holds; `stays` counts them. `account` says in
    words what is in the way of erasing it. `needs_another`: whoever looks has asked, and somebody
    else is there to grant it.
    """

    request: ErasureRequest
    name: str
    asked_by: str
    decided_by: str
    documents: int
    stays: int
    staying: Sequence[Staying]
    account: str
    is_own: bool
    is_asked_by_self: bool
    needs_another: bool
    withdrawn_by: str
    is_done: bool

    @property
    def goes(self) -> int:
        """How many documents the next run destroys, or would, were it granted."""
        return self.documents - self.stays


def list_erasures(actor: Actor) -> Sequence[ListedErasure]:
    """Every request, the open ones first, then the latest. Raises `Forbidden`."""
    require(actor, Permission.ERASURE_ASK)
    found = db.session.scalars(
        select(ErasureRequest)
        .order_by(ErasureRequest.state != ErasureState.OPEN, ErasureRequest.id.desc())
        .limit(200)
    ).all()
    names = names_of([request.user_id for request in found])
    return [ListedErasure(request, names[request.user_id]) for request in found]


def show_erasure(actor: Actor, request_id: UUID) -> ShownErasure:
    """One request. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.ERASURE_ASK, Target(target_of(request_id)))
    request = get_erasure(request_id)
    people = (request.user_id, request.asked_by, request.decided_by, request.withdrawn_by)
    names = names_of([user_id for user_id in people if user_id])
    judged = judge(_documents_of(request)) if request.wants_documents else ()
    staying = [one for one in judged if one.fate.holds or _is_kept(one.fate.keep_until)]
    return ShownErasure(
        request,
        names[request.user_id],
        names.get(request.asked_by, "") if request.asked_by else "",
        names.get(request.decided_by, "") if request.decided_by else "",
        len(judged),
        len(staying),
        _named(staying[:MOST_SHOWN]) if decide(actor, Permission.HOLD_EDIT) else (),
        in_the_way(request),
        actor.user_id == request.user_id,
        actor.user_id == request.asked_by,
        needs_another(actor, request),
        names.get(request.withdrawn_by, "") if request.withdrawn_by else "",
        is_done(request, len(judged)),
    )


def needs_another(actor: Actor, request: ErasureRequest) -> bool:
    """Whether somebody else than `actor` has to grant it: they have asked, and are not the only
    officer. The person whom it is about counts as another officer, though they can't grant it:
    otherwise one of two officers could have the other's data erased alone.
    """
    if request.asked_by != actor.user_id:
        return False
    return bool(list_people_with(Permission.ERASURE_DECIDE) - {actor.user_id})


def in_the_way(request: ErasureRequest) -> str:
    """What keeps an account from being erased that anybody may know of; "" for nothing."""
    if not request.wants_account or request.account_erased_at is not None:
        return ""
    if not can_be_erased(get_user(request.user_id)):
        return "It is erased once an admin has deactivated it."
    if count_documents(request):
        return "It is erased after the last of these documents."
    return ""


def is_done(request: ErasureRequest, documents: int) -> bool:
    """Whether all that was granted is carried out, where so many documents of it are left."""
    if request.state != ErasureState.GRANTED or documents:
        return False
    return not request.wants_account or request.account_erased_at is not None


def is_to_be_erased(user_id: UUID) -> bool:
    """Whether an erasure of somebody's account was granted that has not been carried out yet."""
    granted = select(ErasureRequest.id).where(
        ErasureRequest.user_id == user_id,
        ErasureRequest.state == ErasureState.GRANTED,
        ErasureRequest.wants_account,
        ErasureRequest.account_erased_at.is_(None),
    )
    return db.session.execute(granted.limit(1)).first() is not None


def count_documents(request: ErasureRequest) -> int:
    """How many documents are left of those that a request wants erased."""
    if not request.wants_documents:
        return 0
    statement = select(func.count()).select_from(_documents_of(request).subquery())
    return db.session.execute(statement).scalar_one()


def _documents_of(request: ErasureRequest) -> Select[UUID]:
    """The documents that a request is about: those that were there when it was decided."""
    statement = select(Document.id).where(Document.created_by == request.user_id)
    if request.decided_at is not None:
        statement = statement.where(Document.created_at <= request.decided_at)
    return statement


def _is_kept(until: datetime | None) -> bool:
    return until is not None and until > clock.now()


def _named(staying: Sequence[Judged]) -> Sequence[Staying]:
    names = names_of_documents([facts.document_id for facts, _ in staying])
    return [
        Staying(facts.document_id, names[facts.document_id], chain_of(fate))
        for facts, fate in staying
    ]


def get_erasure(request_id: UUID) -> ErasureRequest:
    """One request, as it is by now. Raises `NotFound`."""
    identity = (bound_tenant_id(), request_id)
    request = db.session.get(ErasureRequest, identity, populate_existing=True)
    if request is None:
        raise NotFound
    return request


def target_of(request_id: UUID) -> str:
    """What the log calls it, where it is about the request and not about the person."""
    return f"erasure:{request_id}"
