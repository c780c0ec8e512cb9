"""What becomes of requests for access, whoever may decide them (`portal/documents/answering.py`).

One ends once: by a conditional UPDATE, so of two decisions at the same time one is refused.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from portal.access.endings import Ending
from portal.access.locking import lock_access
from portal.access.permissions import Permission
from portal.access.requests.models import AccessRequest
from portal.access.requests.queries import get_request, waiting
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.tenancy.session import change, db

VALID_FOR = timedelta(days=14)
A_DAY = timedelta(days=1)
MOST = 20  # that wait, or were asked for within a day: each is a mail to several people
LONGEST = 300


def open_request(
    actor: Actor, permission: Permission, target: str, folder_id: UUID | None, reason: str
) -> AccessRequest:
    """Put a request before those who may decide it. Raises `Invalid` or `Conflict`."""
    reason = clean_text(reason)
    if not reason:
        raise Invalid("Say what you need it for.")
    lock_access()
    _expire(AccessRequest.user_id == actor.user_id)
    _check_first(actor, permission, folder_id)
    request = AccessRequest(
        id=new_id(),
        user_id=actor.user_id,
        permission=permission,
        target=target,
        folder_id=folder_id,
        reason=reason,
        expires_at=clock.now() + VALID_FOR,
    )
    db.session.add(request)
    db.session.flush()
    record(actor, Action.ACCESS_ASKED, target, **_detail(request), reason=reason)
    return request


def withdraw_request(actor: Actor, request_id: UUID) -> None:
    """Take one's own request back. Raises `NotFound` or `Conflict`."""
    request = get_request(request_id)
    if request.user_id != actor.user_id:
        raise NotFound
    close_request(actor, request, Ending.WITHDRAWN)
    record(actor, Action.ACCESS_WITHDRAWN, f"user:{request.user_id}", **_detail(request))


def decline_request(actor: Actor, request: AccessRequest, answer: str) -> None:
    """Refuse a request, once it is decided that `actor` may. Raises `Invalid` or `Conflict`."""
    answer = clean_text(answer)
    close_request(actor, request, Ending.DECLINED, answer=answer)
    record(
        actor, Action.ACCESS_DECLINED, f"user:{request.user_id}", **_detail(request), answer=answer
    )


def note_granted(
    actor: Actor, request: AccessRequest, role: str, assignment_id: UUID | None
) -> None:
    """Tell what an approved request led to; None: a second person has yet to agree."""
    change(
        update(AccessRequest)
        .where(AccessRequest.id == request.id)
        .values(assignment_id=assignment_id)
        .execution_options(synchronize_session=False)
    )
    grant: dict[str, Any] = {
        "role": role,
        "assignment": str(assignment_id) if assignment_id else None,
    }
    record(actor, Action.ACCESS_GRANTED, f"user:{request.user_id}", **_detail(request), **grant)


def close_request(
    actor: Actor, request: AccessRequest, ending: Ending, *, answer: str = ""
) -> None:
    """End a request, once. Raises `Conflict`."""
    lock_access()  # before any row: what follows takes it as well
    now = clock.now()
    if not change(
        update(AccessRequest)
        .where(
            AccessRequest.id == request.id,
            AccessRequest.decision.is_(None),
            AccessRequest.expires_at > now,
        )
        .values(decision=ending, decided_by=actor.user_id, decided_at=now, answer=answer)
        .execution_options(synchronize_session=False)
    ):
        raise Conflict("This request has been decided, or has expired.")


def sweep_requests(long_ago: timedelta) -> None:
    """Expire what nobody answered, and delete what ended long ago; the log still tells of it."""
    _expire()
    before = clock.now() - long_ago
    db.session.execute(delete(AccessRequest).where(AccessRequest.decided_at < before))


def clean_text(text: str) -> str:
    """A reason or an answer as it is kept: one line. Raises `Invalid`."""
    text = text.strip()
    if len(text) > LONGEST or not (text == "" or is_one_line(text)):
        raise Invalid(f"One line of {LONGEST} characters at most, all of them visible.")
    return text


def _check_first(actor: Actor, permission: Permission, folder_id: UUID | None) -> None:
    own = AccessRequest.user_id == actor.user_id
    same = (AccessRequest.permission == permission) & (
        AccessRequest.folder_id == folder_id if folder_id else AccessRequest.folder_id.is_(None)
    )
    if db.session.execute(waiting(select(AccessRequest.id)).where(own, same)).first():
        raise Conflict("You have asked for this already. It waits for an answer.")
    lately = or_(AccessRequest.decision.is_(None), AccessRequest.asked_at > clock.now() - A_DAY)
    asked = select(func.count()).select_from(AccessRequest).where(own, lately)
    if db.session.execute(asked).scalar_one() >= MOST:
        raise Conflict(f"You have asked for {MOST} things already. Wait for the answers.")


def _expire(*which: Any) -> None:
    """End each of these requests by itself, so that of two who do it at once one tells of it."""
    now = clock.now()
    due = select(AccessRequest).where(
        AccessRequest.decision.is_(None), AccessRequest.expires_at <= now, *which
    )
    for request in db.session.scalars(due.order_by(AccessRequest.id)):
        ended = change(
            update(AccessRequest)
            .where(AccessRequest.id == request.id, AccessRequest.decision.is_(None))
            .values(decision=Ending.EXPIRED, decided_at=now)
            .execution_options(synchronize_session=False)
        )
        if ended:
            record(SYSTEM, Action.ACCESS_EXPIRED, f"user:{request.user_id}", **_detail(request))


def _detail(request: AccessRequest) -> dict[str, Any]:
    return {
        "request": str(request.id),
        "permission": request.permission,
        "folder": str(request.folder_id) if request.folder_id else None,
    }
