"""Reading the lines of a review: officers all of them, reviewers those they were given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from portal.access.decision import Forbidden, Target, decide, require
from portal.access.permissions import Permission
from portal.access.reviews.models import (
    AccessReview,
    Decision,
    ReviewAnswer,
    ReviewLine,
    ReviewState,
)
from portal.access.reviews.queries import (
    ANSWERABLE,
    PAGE_SIZE,
    WITH_OFFICERS,
    get_review,
    own_lines,
)
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.paging import cut_page
from portal.tenancy.session import db
from portal.users.queries import names_of

LAST_NUMBER = 2**31 - 1  # that the column can hold


class Which(StrEnum):
    """Which lines of a review an officer looks at."""

    ALL = "all"
    OPEN = "open"
    OFFICERS = "officers"
    REVOKE = "revoke"


WHICH: Mapping[Which, Sequence[ColumnElement[bool]]] = {
    Which.ALL: (),
    Which.OPEN: (ANSWERABLE, ReviewLine.decision.is_(None)),
    Which.OFFICERS: (WITH_OFFICERS,),
    Which.REVOKE: (ReviewLine.decision == Decision.REVOKE,),
}


@dataclass(frozen=True, slots=True)
class LinePage:
    """Lines in their order."""

    lines: Sequence[ReviewLine]
    people: Mapping[UUID, str]
    page: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line with all that was answered about it, oldest first."""

    line: ReviewLine
    review: AccessReview
    answers: Sequence[ReviewAnswer]
    people: Mapping[UUID, str]


def get_line(line_id: UUID) -> ReviewLine:
    """A line; who may see it is the caller's to decide. Raises `NotFound`."""
    line = db.session.get(ReviewLine, (bound_tenant_id(), line_id))
    if line is None:
        raise NotFound
    return line


def list_lines(actor: Actor, review_id: UUID, which: Which, page: int = 1) -> LinePage:
    """A page of all lines of a review. Raises `Forbidden`."""
    require(actor, Permission.REVIEW_RUN)
    return _page_of_lines(page, ReviewLine.review_id == review_id, *WHICH[which])


def list_own_lines(actor: Actor, review_id: UUID, page: int = 1) -> LinePage:
    """A page of the lines that somebody was given in a review."""
    return _page_of_lines(
        page, ReviewLine.review_id == review_id, ReviewLine.reviewer_id == actor.user_id
    )


def find_next_line(actor: Actor, review_id: UUID, after: int = 0) -> ReviewLine | None:
    """The first line that waits for somebody, beginning after a number and then from the start."""
    after = min(max(0, after), LAST_NUMBER)
    waiting = (
        select(ReviewLine)
        .join(AccessReview, AccessReview.id == ReviewLine.review_id)
        .where(
            ReviewLine.review_id == review_id,
            AccessReview.state == ReviewState.OPEN,
            *own_lines(actor),
            ReviewLine.decision.is_(None),
        )
        .order_by(ReviewLine.number <= after, ReviewLine.number)
        .limit(1)
    )
    return db.session.scalars(waiting).one_or_none()


def count_revoked(review_id: UUID) -> int:
    """How many lines of a review are to be revoked, as answered so far."""
    return db.session.execute(
        select(func.count())
        .select_from(ReviewLine)
        .where(ReviewLine.review_id == review_id, ReviewLine.decision == Decision.REVOKE)
    ).scalar_one()


def show_line(actor: Actor, line_id: UUID) -> ShownLine:
    """A line for an officer or its reviewer. Raises `NotFound` or `Forbidden`."""
    line = get_line(line_id)
    is_officer = decide(actor, Permission.REVIEW_RUN)
    if not is_officer and line.reviewer_id != actor.user_id:
        raise Forbidden(Permission.REVIEW_RUN, Target(f"review:{line.review_id}"))
    answers = db.session.scalars(
        select(ReviewAnswer).where(ReviewAnswer.line_id == line.id).order_by(ReviewAnswer.id)
    ).all()
    people = {line.reviewer_id, *(answer.answered_by for answer in answers)}
    return ShownLine(line, get_review(line.review_id), answers, names_of(people))


def _page_of_lines(page: int, *which: ColumnElement[bool]) -> LinePage:
    by_number = select(ReviewLine).where(*which).order_by(ReviewLine.number)
    found = cut_page(by_number, page, PAGE_SIZE)
    lines = db.session.scalars(found.rows).all()
    people = {who for line in lines for who in (line.reviewer_id, line.decided_by) if who}
    return LinePage(lines, names_of(people), found.page, found.pages, found.total)
