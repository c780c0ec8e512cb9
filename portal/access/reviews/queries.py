"""Reading reviews: officers all of them, reviewers what they were given."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from portal.access.decision import Forbidden, Target, decide, require
from portal.access.permissions import Permission
from portal.access.reviews.models import (
    AccessReview,
    Reviewer,
    ReviewLine,
    ReviewState,
)
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.paging import cut_page
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import names_of

PAGE_SIZE = 50
MOST_OF_ONES_OWN = 100

ANSWERABLE = ReviewLine.is_fed.is_(False)
IS_ACTIVE = select(User.id).where(User.state == UserState.ACTIVE)
WITH_OFFICERS = and_(
    ANSWERABLE, or_(ReviewLine.is_escalated, ReviewLine.reviewer_id.not_in(IS_ACTIVE))
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many lines there are to answer, and how many are."""

    total: int
    answered: int

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to answer."""
        return self.answered == self.total


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Reviews, the latest first, each with how far it is."""

    reviews: Sequence[AccessReview]
    progress: Mapping[UUID, Progress]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class NamedReviewer:
    """A reviewer with how far they are."""

    user_id: UUID
    name: str
    is_active: bool
    progress: Progress


@dataclass(frozen=True, slots=True)
class ShownReview:
    """A review as one of its officers or reviewers sees it."""

    review: AccessReview
    is_officer: bool
    own: Progress | None  # None: not a reviewer
    reviewers: Sequence[NamedReviewer]  # only officers are told
    with_officers: int
    people: Mapping[UUID, str]

    @property
    def progress(self) -> Progress:
        """Of all reviewers."""
        all_of_them = [reviewer.progress for reviewer in self.reviewers]
        return Progress(
            sum(progress.total for progress in all_of_them),
            sum(progress.answered for progress in all_of_them),
        )


def get_review(review_id: UUID) -> AccessReview:
    """A review; who may see it is the caller's to decide. Raises `NotFound`."""
    review = db.session.get(AccessReview, (bound_tenant_id(), review_id))
    if review is None:
        raise NotFound
    return review


def list_reviews(actor: Actor, page: int = 1) -> ReviewPage:
    """A page of all reviews, open ones first. Raises `Forbidden`."""
    require(actor, Permission.REVIEW_RUN)
    open_first = AccessReview.state != ReviewState.OPEN, AccessReview.id.desc()
    found = cut_page(select(AccessReview).order_by(*open_first), page, PAGE_SIZE)
    reviews = db.session.scalars(found.rows).all()
    progress = _progress_of([review.id for review in reviews])
    return ReviewPage(reviews, progress, found.page, found.pages)


def find_reviews(actor: Actor, page: int = 1) -> ReviewPage | None:
    """What `list_reviews` gives; None for those who don't run reviews."""
    return list_reviews(actor, page) if decide(actor, Permission.REVIEW_RUN) else None


def list_own(actor: Actor) -> Sequence[tuple[AccessReview, Progress]]:
    """The open reviews in which somebody has lines, the first due first."""
    counted = _counted(ReviewLine.review_id).where(*own_lines(actor)).subquery()
    rows = db.session.execute(
        select(AccessReview, counted.c.total, counted.c.answered)
        .join(counted, counted.c.review_id == AccessReview.id)
        .where(AccessReview.state == ReviewState.OPEN)
        .order_by(AccessReview.due_at, AccessReview.id)
        .limit(MOST_OF_ONES_OWN)
    )
    return [(review, Progress(total, answered)) for review, total, answered in rows]


def count_waiting(actor: Actor) -> int:
    """How many lines wait for somebody's answer."""
    return db.session.execute(
        select(func.count())
        .select_from(ReviewLine)
        .join(AccessReview, AccessReview.id == ReviewLine.review_id)
        .where(
            AccessReview.state == ReviewState.OPEN, *own_lines(actor), ReviewLine.decision.is_(None)
        )
    ).scalar_one()


def show_review(actor: Actor, review_id: UUID) -> ShownReview:
    """A review for an officer or one of its reviewers. Raises `NotFound` or `Forbidden`."""
    review = get_review(review_id)
    is_officer = decide(actor, Permission.REVIEW_RUN)
    found = _reviewers_of(review.id)
    own = next((one.progress for one in found if one.user_id == actor.user_id), None)
    if not is_officer and own is None:
        raise Forbidden(Permission.REVIEW_RUN, Target(f"review:{review_id}"))
    people = {who for who in (review.started_by, review.ended_by) if who}
    return ShownReview(
        review,
        is_officer,
        own,
        found if is_officer else (),
        _count(review.id, WITH_OFFICERS, ReviewLine.decision.is_(None)) if is_officer else 0,
        names_of(people),
    )


def own_lines(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """The lines that somebody was given and still answers."""
    return (
        ReviewLine.reviewer_id == actor.user_id,
        ANSWERABLE,
        ReviewLine.is_escalated.is_(False),
    )


def _count(review_id: UUID, *which: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(ReviewLine)
    return db.session.execute(
        statement.where(ReviewLine.review_id == review_id, *which)
    ).scalar_one()


def _progress_of(review_ids: Collection[UUID]) -> Mapping[UUID, Progress]:
    rows = db.session.execute(
        _counted(ReviewLine.review_id).where(ReviewLine.review_id.in_(review_ids))
    )
    return {review_id: Progress(total, answered) for review_id, total, answered in rows}


def _reviewers_of(review_id: UUID) -> Sequence[NamedReviewer]:
    """Everybody who was named, by name."""
    counted = _counted(ReviewLine.reviewer_id).where(ReviewLine.review_id == review_id).subquery()
    rows = db.session.execute(
        select(User.id, User.name, User.state, counted.c.total, counted.c.answered)
        .join_from(Reviewer, User, User.id == Reviewer.user_id)
        .join(counted, counted.c.reviewer_id == Reviewer.user_id, isouter=True)
        .where(Reviewer.review_id == review_id)
        .order_by(func.lower(User.name), User.id)
    )
    return [
        NamedReviewer(user_id, name, state == UserState.ACTIVE, Progress(total or 0, answered or 0))
        for user_id, name, state, total, answered in rows
    ]


def _counted(by: Any) -> Select[Any]:
    return (
        select(
            by,
            func.count().label("total"),
            func.count(ReviewLine.decision).label("answered"),
        )
        .where(ANSWERABLE)
        .group_by(by)
    )
