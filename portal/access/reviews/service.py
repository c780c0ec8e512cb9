"""Starting a review, and ending it without a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from portal.access.decision import require
from portal.access.locking import lock_access
from portal.access.permissions import Permission
from portal.access.reviews.dealing import deal
from portal.access.reviews.models import (
    AccessReview,
    Reviewer,
    ReviewLine,
    ReviewState,
    Unanswered,
)
from portal.access.reviews.queries import get_review
from portal.access.reviews.scope import FolderIds, Scope, Subject, find_subjects
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.ids import new_id
from portal.keys.columns import seal
from portal.tenancy.session import change, db
from portal.users.models import User, UserState

MAX_REVIEWERS = 50
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What whoever starts a review decides."""

    name: str
    scope: Scope
    reviewers: frozenset[UUID]
    due_at: datetime
    on_unanswered: Unanswered
    every_days: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A review as it would start now: each subject with the reviewer it goes to."""

    choices: Choices
    reviewers: Mapping[UUID, str]
    subjects: Sequence[Subject]
    dealt: Sequence[UUID]


def make_plan(choices: Choices, folders: FolderIds | None) -> Plan:
    """Work out what a review would be about, and who would review what.

    Changes nothing. Raises `Invalid`, or `NobodyToReview`.
    """
    _check(choices)
    lock_access()  # so that what is read by several statements fits together
    reviewers = _active_reviewers(choices)
    subjects = find_subjects(choices.scope, folders)
    if not subjects:
        raise Invalid("Nobody holds anything of what was chosen.")
    return Plan(choices, reviewers, subjects, deal(subjects, reviewers))


def open_review(
    actor: Actor,
    plan: Plan,
    folder_names: Mapping[UUID, str],
    *,
    follows: AccessReview | None = None,
) -> AccessReview:
    """Start what was planned, once it is decided that `actor` may."""
    choices, now = plan.choices, clock.now()
    review = AccessReview(
        id=new_id(),
        name=choices.name,
        scope=choices.scope.stored(),
        started_by=follows.started_by if follows else actor.user_id,
        started_at=now,
        due_at=choices.due_at,
        on_unanswered=choices.on_unanswered,
        every_days=choices.every_days,
        next_at=now + timedelta(days=choices.every_days) if choices.every_days else None,
        follows_id=follows.id if follows else None,
    )
    db.session.add(review)
    db.session.flush()
    db.session.add_all(Reviewer(review_id=review.id, user_id=who) for who in plan.reviewers)
    # With what is missing written as NULL: else each line that lacks something would be apart.
    lines = insert(ReviewLine).execution_options(render_nulls=True)
    db.session.execute(lines, list(_rows(review.id, plan, folder_names)))
    record(
        actor,
        Action.REVIEW_STARTED,
        f"review:{review.id}",
        name=review.name,
        scope=review.scope,
        lines=len(plan.subjects),
        reviewers=sorted(map(str, plan.reviewers)),
        due_at=review.due_at.isoformat(),
        on_unanswered=review.on_unanswered,
        every_days=review.every_days,
        follows=str(follows.id) if follows else None,
    )
    return review


def cancel_review(actor: Actor, review_id: UUID) -> None:
    """Call an open review off: nothing is revoked, and nothing repeated.

    Raises `Forbidden`, `NotFound` or `Conflict`.
    """
    require(actor, Permission.REVIEW_RUN)
    review = get_review(review_id)
    end_once(
        review,
        state=ReviewState.CANCELLED,
        ended_at=clock.now(),
        ended_by=actor.user_id,
        next_at=None,
    )
    record(actor, Action.REVIEW_CANCELLED, f"review:{review.id}")


def stop_repeating(actor: Actor, review_id: UUID) -> None:
    """Have no other review follow this one. Raises `Forbidden`, `NotFound` or `Conflict`."""
    require(actor, Permission.REVIEW_RUN)
    review = get_review(review_id)
    if not change(
        update(AccessReview)
        .where(AccessReview.id == review.id, AccessReview.next_at.is_not(None))
        .values(next_at=None)
    ):
        raise Conflict("No other review follows this one.")
    record(actor, Action.REVIEW_STOPPED, f"review:{review.id}")


def end_once(review: AccessReview, **values: Any) -> None:
    """End an open review, whoever else tries to at the same time. Raises `Conflict`."""
    if not change(
        update(AccessReview)
        .where(AccessReview.id == review.id, AccessReview.state == ReviewState.OPEN)
        .values(**values)
    ):
        raise Conflict("This review has ended already.")


def _check(choices: Choices) -> None:
    length = choices.due_at - clock.now()
    if not choices.name.strip():
        raise Invalid("Give it a name.")
    if not timedelta() < length <= LONGEST:
        raise Invalid("It has to be due within a year from now.")
    if choices.every_days is not None and not length.days <= choices.every_days <= LONGEST.days * 3:
        raise Invalid("It can be repeated only after its due day, and within three years.")
    if not 0 < len(choices.reviewers) <= MAX_REVIEWERS:
        raise Invalid(f"Name reviewers, {MAX_REVIEWERS} at most.")


def _active_reviewers(choices: Choices) -> Mapping[UUID, str]:
    rows = db.session.execute(
        select(User.id, User.name)
        .where(User.id.in_(choices.reviewers), User.state == UserState.ACTIVE)
        .order_by(User.name, User.id)
    ).all()
    if len(rows) < len(choices.reviewers):
        raise Invalid("A reviewer is not an active member.")
    return {row.id: row.name for row in rows}


def _rows(review_id: UUID, plan: Plan, folder_names: Mapping[UUID, str]) -> Any:
    for number, (subject, reviewer_id) in enumerate(zip(plan.subjects, plan.dealt, strict=True), 1):
        line_id = new_id()
        name = folder_names.get(subject.folder_id) if subject.folder_id else None
        yield {
            "id": line_id,
            "review_id": review_id,
            "number": number,
            "reviewer_id": reviewer_id,
            "folder_name_sealed": name and seal("review_line", "folder_name_sealed", line_id, name),
            **{field: getattr(subject, field) for field in Subject.__slots__},
        }
