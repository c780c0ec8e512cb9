"""Requests to remove somebody's factors that wait until a second admin agrees.

One is decided once: by a conditional UPDATE, so of two decisions at the same time one is refused.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from portal.access.decision import Forbidden, Target
from portal.access.permissions import Permission
from portal.access.queries import grants_from, holdings_of
from portal.audit.actor import Actor
from portal.auth.models import PendingReset
from portal.core import clock
from portal.core.errors import Conflict, NotFound
from portal.core.ids import new_id
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import get_user

VALID_FOR = timedelta(days=3)


class Decision(StrEnum):
    """How a request ended."""

    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class SamePerson(Forbidden):
    """Two admins have to agree, and this one has asked."""

    message = "You have asked for this yourself. Another admin has to decide."


class SomebodyElses(Forbidden):
    """Only who has asked takes a request back."""

    message = "Somebody else has asked for this. You can decline it."


def ask(actor: Actor, user: User) -> PendingReset:
    """Put a request before the other admins. Raises `Conflict` where one waits already."""
    now = clock.now()
    db.session.execute(
        update(PendingReset)
        .where(
            PendingReset.user_id == user.id,
            PendingReset.decision.is_(None),
            PendingReset.expires_at <= now,
        )
        .values(decision=Decision.EXPIRED, decided_at=now)
    )
    if find_waiting(user.id):
        raise Conflict(f"A request for {user.name} waits for a second admin already.")
    waiting = PendingReset(
        id=new_id(), user_id=user.id, asked_by=actor.user_id, expires_at=now + VALID_FOR
    )
    db.session.add(waiting)
    return waiting


def lapse(user_id: UUID) -> None:
    """Close what waits about a person: their factors are gone, and later ones are other ones."""
    change(
        update(PendingReset)
        .where(PendingReset.user_id == user_id, PendingReset.decision.is_(None))
        .values(decision=Decision.EXPIRED, decided_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def list_waiting() -> Sequence[tuple[PendingReset, User]]:
    """The requests that wait for a decision, oldest first, each with whom it is about."""
    rows = db.session.execute(
        select(PendingReset, User)
        .join(User, User.id == PendingReset.user_id)
        .where(PendingReset.decision.is_(None), PendingReset.expires_at > clock.now())
        .order_by(PendingReset.id)
    )
    return [(waiting, user) for waiting, user in rows]


def find_waiting(user_id: UUID) -> PendingReset | None:
    """The request about a person that waits for a decision, or None."""
    return db.session.scalars(
        select(PendingReset).where(
            PendingReset.user_id == user_id,
            PendingReset.decision.is_(None),
            PendingReset.expires_at > clock.now(),
        )
    ).one_or_none()


def get_request(request_id: UUID) -> PendingReset:
    """One request, decided or not. Raises `NotFound`."""
    found = db.session.get(PendingReset, (bound_tenant_id(), request_id))
    if found is None:
        raise NotFound
    return found


def decide(actor: Actor, request: PendingReset, decision: Decision) -> None:
    """Note the decision, once. Raises `Conflict`, `SamePerson` or `SomebodyElses`."""
    is_own = request.asked_by == actor.user_id
    target = Target(f"user:{request.user_id}")
    if decision == Decision.WITHDRAWN and not is_own:
        raise SomebodyElses(Permission.MEMBER_RESET, target)
    if decision != Decision.WITHDRAWN and is_own:
        raise SamePerson(Permission.MEMBER_RESET, target)
    if decision == Decision.APPROVED and not _may_still_ask(request.asked_by):
        raise Conflict("Whoever asked for this is no admin any more. Decline it.")
    now = clock.now()
    if not change(
        update(PendingReset)
        .where(
            PendingReset.id == request.id,
            PendingReset.decision.is_(None),
            PendingReset.expires_at > now,
        )
        .values(decision=decision, decided_by=actor.user_id, decided_at=now)
        .execution_options(synchronize_session=False)
    ):
        raise Conflict("This request has been decided, or has expired.")


def sweep(long_ago: timedelta) -> None:
    """Delete requests that ended long ago; the audit log goes on telling of them."""
    before = clock.now() - long_ago
    db.session.execute(
        delete(PendingReset).where(
            or_(PendingReset.decided_at < before, PendingReset.expires_at < before)
        )
    )


def _may_still_ask(user_id: UUID) -> bool:
    grants = grants_from(holdings_of(user_id), clock.now())
    return get_user(user_id).state == UserState.ACTIVE and any(
        Permission.MEMBER_RESET in grant.permissions for grant in grants
    )
