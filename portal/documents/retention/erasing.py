"""Asking that a person's data be erased (GDPR, Article 17), deciding it, and carrying it out.

A granted request is a wish like the trash's: the worker's next run destroys what nothing keeps, and
later runs the rest as soon as nothing keeps it any more.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from portal.access.decision import Forbidden, Target, require
from portal.access.locking import lock_access
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.erasing import erase_account
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.ids import new_id
from portal.documents.models import DocumentStar
from portal.documents.retention.erasures import (
    count_documents,
    get_erasure,
    in_the_way,
    is_done,
    needs_another,
    target_of,
)
from portal.documents.retention.facts import list_live_holds
from portal.documents.retention.locking import lock_retention, lock_retention_as
from portal.documents.retention.models import ErasureRequest, ErasureState
from portal.tenancy.session import change, db
from portal.users.queries import find_user_by_email

MAX_REASON = 2000


class OwnErasure(Forbidden):
    """Nobody decides about their own data."""

    message = "This is about you. Somebody else has to decide."


class OwnRequest(Forbidden):
    """Who has asked does not grant it, where somebody else can."""

    message = "You have asked for this yourself. Another compliance officer has to grant it."


def ask_erasure(
    actor: Actor, email: str, reason: str, *, documents: bool, account: bool
) -> ErasureRequest:
    """Ask that a person's documents, account or both be erased; an officer decides.

    Raises `Forbidden`, `Invalid`, or `Conflict` where a request about them is open already, or the
    account was erased.
    """
    require(actor, Permission.ERASURE_ASK)
    user = find_user_by_email(email)
    if user is None:
        raise Invalid("No member has this e-mail.")
    if user.is_erased:
        raise Conflict("This account was erased already.")
    if not (documents or account):
        raise Invalid("Choose what is to be erased.")
    open_ones = select(ErasureRequest.id).where(
        ErasureRequest.user_id == user.id, ErasureRequest.state == ErasureState.OPEN
    )
    if db.session.execute(open_ones).first():
        raise Conflict("A request about this person waits for an answer already.")
    request = ErasureRequest(
        id=new_id(),
        user_id=user.id,
        wants_documents=documents,
        wants_account=account,
        reason=_said(reason),
        answer="",
        asked_by=actor.user_id,
    )
    db.session.add(request)
    record(
        actor,
        Action.ERASURE_ASKED,
        f"user:{user.id}",
        documents=documents,
        account=account,
        request=str(request.id),
    )
    return request


def decide_erasure(actor: Actor, request_id: UUID, *, is_granted: bool, answer: str) -> None:
    """Grant or refuse a request, with an answer that is kept and sent to nobody.

    It takes two people to have something erased, unless there is a single officer. Raises
    `Forbidden`, `OwnErasure`, `OwnRequest`, `StepUpNeeded`, `NotFound`, `Invalid` or `Conflict`.
    """
    target = Target(target_of(request_id))
    lock_access()  # so that who else could decide stays as it is
    actor = lock_retention_as(actor)
    require(actor, Permission.ERASURE_DECIDE, target)
    require_fresh(actor, Act.RETENTION)
    request = get_erasure(request_id)
    if request.user_id == actor.user_id:
        raise OwnErasure(Permission.ERASURE_DECIDE, target)
    if is_granted and needs_another(actor, request):
        raise OwnRequest(Permission.ERASURE_DECIDE, target)
    request.answer = _said(answer)
    db.session.flush()
    state = ErasureState.GRANTED if is_granted else ErasureState.REFUSED
    decided = change(
        update(ErasureRequest)
        .where(ErasureRequest.id == request_id, ErasureRequest.state == ErasureState.OPEN)
        .values(state=state, decided_by=actor.user_id, decided_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if not decided:
        raise Conflict("This has been decided already.")
    action = Action.ERASURE_GRANTED if is_granted else Action.ERASURE_REFUSED
    detail: dict[str, Any] = {"request": str(request_id)}
    if is_granted and request.asked_by == actor.user_id:
        detail["alone"] = True
    record(actor, action, f"user:{request.user_id}", **detail)


def withdraw_erasure(actor: Actor, request_id: UUID, reason: str) -> None:
    """Have a granted request erase nothing more; what it has erased by then is gone.

    Raises `Forbidden`, `OwnErasure`, `StepUpNeeded`, `NotFound`, `Invalid`, or `Conflict` where it
    is not granted, or is carried out.
    """
    actor = lock_retention_as(actor)  # so nobody else decides, and nothing is erased meanwhile
    require(actor, Permission.ERASURE_DECIDE, Target(target_of(request_id)))
    require_fresh(actor, Act.RETENTION)
    request = find_to_withdraw(actor, request_id)
    request.withdrawal = _said(reason)
    request.state, request.withdrawn_by = ErasureState.WITHDRAWN, actor.user_id
    request.withdrawn_at = clock.now()
    record(actor, Action.ERASURE_WITHDRAWN, f"user:{request.user_id}", request=str(request_id))


def find_to_withdraw(actor: Actor, request_id: UUID) -> ErasureRequest:
    """A granted request that is not carried out yet. Raises as `withdraw_erasure` does."""
    target = Target(target_of(request_id))
    require(actor, Permission.ERASURE_DECIDE, target)
    request = get_erasure(request_id)
    if request.user_id == actor.user_id:
        raise OwnErasure(Permission.ERASURE_DECIDE, target)
    if request.state != ErasureState.GRANTED:
        raise Conflict("Only a request that was granted can be withdrawn.")
    if is_done(request, count_documents(request)):
        raise Conflict("This has been carried out already.")
    return request


def list_accounts_to_erase() -> Sequence[UUID]:
    """The granted requests for accounts that are not erased yet."""
    return db.session.scalars(
        select(ErasureRequest.id)
        .where(
            ErasureRequest.state == ErasureState.GRANTED,
            ErasureRequest.wants_account,
            ErasureRequest.account_erased_at.is_(None),
        )
        .order_by(ErasureRequest.id)
    ).all()


def erase_account_of(request_id: UUID) -> bool:
    """Erase the account of a granted request, unless something is in the way; says whether."""
    lock_access()
    lock_retention()
    request = get_erasure(request_id)
    if request.state != ErasureState.GRANTED or in_the_way(request):
        return False
    if request.account_erased_at is not None:
        return False
    if any(request.user_id in hold.on for hold in list_live_holds()):
        return False
    erase_account(SYSTEM, request.user_id)
    change(delete(DocumentStar).where(DocumentStar.user_id == request.user_id))
    request.account_erased_at = clock.now()
    return True


def _said(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("Say why.")
    if len(text) > MAX_REASON:
        raise Invalid(f"Say why in {MAX_REASON} characters at most.")
    return text
