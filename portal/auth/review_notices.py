"""Mails about access reviews: to reviewers when there is something to do and before it is due, to
officers when something came to them.

Each is sent once: whoever marks it as sent by a conditional UPDATE sends it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.access.reviews.models import AccessReview, Reviewer, ReviewLine, ReviewState
from portal.auth.notices import Notice, tell
from portal.core import clock
from portal.tenancy.session import change, db
from portal.users.models import User, UserState

REMINDED_BEFORE = timedelta(days=3)


def tell_of_reviews() -> None:
    """Put what is to be told now into the bound tenant's outbox."""
    now = clock.now()
    for found in _waiting(Reviewer.told_at.is_(None)):
        _tell_reviewer(found, Notice.REVIEW_ASKED, Reviewer.told_at)
    is_soon = AccessReview.due_at <= now + REMINDED_BEFORE
    for found in _waiting(
        is_soon, Reviewer.reminded_at.is_(None), Reviewer.told_at < now - timedelta(days=1)
    ):
        _tell_reviewer(found, Notice.REVIEW_DUE, Reviewer.reminded_at)
    for review in _escalated():
        _tell_officers(review)


def _waiting(*which: ColumnElement[bool]) -> Sequence[Any]:
    """The active reviewers of open reviews who have not answered all, with how much is left."""
    return db.session.execute(
        select(
            Reviewer.id,
            Reviewer.user_id,
            AccessReview.name,
            AccessReview.due_at,
            func.count().label("lines"),
        )
        .join_from(Reviewer, AccessReview, AccessReview.id == Reviewer.review_id)
        .join(User, User.id == Reviewer.user_id)
        .join(
            ReviewLine,
            (ReviewLine.review_id == Reviewer.review_id)
            & (ReviewLine.reviewer_id == Reviewer.user_id),
        )
        .where(
            AccessReview.state == ReviewState.OPEN,
            User.state == UserState.ACTIVE,
            ReviewLine.decision.is_(None),
            ReviewLine.is_fed.is_(False),
            ReviewLine.is_escalated.is_(False),
            *which,
        )
        .group_by(Reviewer.id, Reviewer.user_id, AccessReview.name, AccessReview.due_at)
        .order_by(Reviewer.id)
    ).all()


def _tell_reviewer(found: Any, notice: Notice, mark: Any) -> None:
    marked = (
        update(Reviewer)
        .where(Reviewer.id == found.id, mark.is_(None))
        .values({mark: clock.now()})
        .execution_options(synchronize_session=False)
    )
    if change(marked):
        due = f"{found.due_at:%Y-%m-%d %H:%M} UTC"
        tell(found.user_id, notice, review=found.name, lines=found.lines, due=due)


def _escalated() -> Sequence[AccessReview]:
    return db.session.scalars(
        select(AccessReview).where(
            AccessReview.state == ReviewState.OPEN,
            AccessReview.escalated_at.is_not(None),
            AccessReview.escalation_told_at.is_(None),
        )
    ).all()


def _tell_officers(review: AccessReview) -> None:
    marked = (
        update(AccessReview)
        .where(AccessReview.id == review.id, AccessReview.escalation_told_at.is_(None))
        .values(escalation_told_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if not change(marked):
        return
    for user_id in sorted(list_people_with(Permission.REVIEW_RUN)):
        tell(user_id, Notice.REVIEW_ESCALATED, review=review.name)
