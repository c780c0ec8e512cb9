"""Closing a review, once: by an officer when all is answered, or by itself when it is due."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select, update

from portal.access.decision import require
from portal.access.locking import lock_access
from portal.access.permissions import Permission
from portal.access.reviews.carrying_out import carry_out
from portal.access.reviews.models import (
    AccessReview,
    ReviewLine,
    ReviewState,
    Unanswered,
)
from portal.access.reviews.queries import get_review
from portal.access.reviews.service import end_once
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict
from portal.tenancy.session import change, db

UNANSWERED = and_(ReviewLine.decision.is_(None), ReviewLine.is_fed.is_(False))


def close_review(actor: Actor, review_id: UUID) -> AccessReview:
    """Close a review all of whose lines are answered.

    Raises `Forbidden`, `NotFound`, or `Conflict` where lines are open or somebody was faster.
    """
    require(actor, Permission.REVIEW_RUN)
    review = get_review(review_id)
    _close(actor, review)
    if missing := count_unanswered(review.id):
        raise Conflict(f"{missing} {'line is' if missing == 1 else 'lines are'} not answered yet.")
    carry_out(actor, review)
    return review


def list_due() -> Sequence[UUID]:
    """The bound tenant's reviews that are due, and can be closed or put before the officers."""
    return db.session.scalars(_due().order_by(AccessReview.due_at, AccessReview.id)).all()


def settle_due(review_id: UUID) -> None:
    """Close a review that is due, or put its rest before the officers; once, whoever else tries."""
    lock_access()
    if db.session.scalars(_due().where(AccessReview.id == review_id)).one_or_none() is None:
        return  # another worker was faster
    review = get_review(review_id)
    if review.on_unanswered == Unanswered.ESCALATE and count_unanswered(review.id):
        _escalate(review)
    else:
        _close(SYSTEM, review)
        carry_out(SYSTEM, review)


def count_unanswered(review_id: UUID) -> int:
    """How many lines of a review nobody has answered yet."""
    return db.session.execute(
        select(func.count()).where(ReviewLine.review_id == review_id, UNANSWERED)
    ).scalar_one()


def _due() -> Select[UUID]:
    has_open_lines = exists().where(ReviewLine.review_id == AccessReview.id, UNANSWERED)
    return select(AccessReview.id).where(
        AccessReview.state == ReviewState.OPEN,
        AccessReview.due_at <= clock.now(),
        or_(AccessReview.escalated_at.is_(None), ~has_open_lines),
    )


def _escalate(review: AccessReview) -> None:
    change(
        update(AccessReview)
        .where(AccessReview.id == review.id, AccessReview.state == ReviewState.OPEN)
        .values(escalated_at=clock.now())
    )
    lines = change(
        update(ReviewLine)
        .where(ReviewLine.review_id == review.id, UNANSWERED)
        .values(is_escalated=True)
        .execution_options(synchronize_session=False)
    )
    record(SYSTEM, Action.REVIEW_ESCALATED, f"review:{review.id}", lines=lines)


def _close(actor: Actor, review: AccessReview) -> None:
    """From here on no answer is taken: those on their way were waited for."""
    lock_access()
    end_once(review, state=ReviewState.CLOSED, ended_at=clock.now(), ended_by=actor.user_id)
