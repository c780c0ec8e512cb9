"""Answering lines: by their reviewer, or by an officer where no reviewer can any more."""

from uuid import UUID

from sqlalchemy import select, update

from portal.access.decision import Forbidden, Target, decide, require
from portal.access.holders import OwnRights
from portal.access.permissions import Permission
from portal.access.queries import groups_of
from portal.access.reviews.dealing import concerns
from portal.access.reviews.lines import get_line
from portal.access.reviews.models import (
    AccessReview,
    Decision,
    ReviewAnswer,
    Reviewer,
    ReviewLine,
    ReviewState,
)
from portal.access.reviews.queries import get_review
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import find_user_by_email, get_user


class AboutOneself(OwnRights):
    """Nobody reviews what they hold themselves, be it through a group, or what they gave."""

    message = "This is about what you hold, or gave, yourself. Somebody else has to decide."


class NotOnesOwn(Forbidden):
    """The line is another reviewer's."""

    message = "This line was given to somebody else to review."


def answer_line(actor: Actor, line_id: UUID, decision: Decision, comment: str = "") -> ReviewLine:
    """Keep or revoke, or change one's mind while the review is open.

    Nothing is taken away before it is closed. Raises `Forbidden`, `NotFound` or `Conflict`.
    """
    line = _get_open_line(line_id)
    _require_to_decide(actor, line)
    if line.is_fed:
        raise Conflict("A provider decides about this. It can only be changed there.")
    now = clock.now()
    change(
        update(ReviewLine)
        .where(ReviewLine.id == line.id)
        .values(decision=decision, comment=comment, decided_by=actor.user_id, decided_at=now)
    )
    db.session.add(
        ReviewAnswer(
            line_id=line.id,
            decision=decision,
            comment=comment,
            answered_by=actor.user_id,
            answered_at=now,
        )
    )
    record(
        actor,
        Action.REVIEW_LINE_DECIDED,
        f"review:{line.review_id}",
        line=str(line.id),
        decision=decision,
        comment=comment,
    )
    return line


def hand_over(actor: Actor, line_id: UUID, email: str) -> None:
    """Give a line that the officers decide, or that is overdue, to another active person.

    Raises `Forbidden`, `NotFound`, `Invalid` or `Conflict`.
    """
    require(actor, Permission.REVIEW_RUN)
    line = _get_open_line(line_id)
    if not may_be_handed_over(line):
        raise Conflict("The reviewer of this line can still answer it.")
    user = find_user_by_email(email)
    if user is None or user.state != UserState.ACTIVE:
        raise Invalid("No active member has this e-mail.")
    if concerns(user.id, line, groups_of(user.id)):
        raise Invalid(f"{user.name} is concerned by this line.")
    _add_reviewer(line.review_id, user)
    change(
        update(ReviewLine)
        .where(ReviewLine.id == line.id)
        .values(
            reviewer_id=user.id,
            is_escalated=False,
            decision=None,
            comment="",
            decided_by=None,
            decided_at=None,
        )
    )
    record(
        actor,
        Action.REVIEW_LINE_HANDED_OVER,
        f"review:{line.review_id}",
        line=str(line.id),
        reviewer=str(user.id),
    )


def is_with_officers(line: ReviewLine) -> bool:
    """Whether the officers decide a line: it was due, or its reviewer is no active member now."""
    if line.is_fed:
        return False
    return line.is_escalated or not _is_active(line.reviewer_id)


def may_be_handed_over(line: ReviewLine) -> bool:
    """Whether an officer may give a line to somebody else: else it could wait for good."""
    is_overdue = get_review(line.review_id).escalated_at is not None and line.decision is None
    return not line.is_fed and (is_overdue or is_with_officers(line))


def may_decide(actor: Actor, line: ReviewLine) -> bool:
    """Whether somebody decides a line while the review is open."""
    try:
        _require_to_decide(actor, line)
    except Forbidden:
        return False
    return not line.is_fed


def _require_to_decide(actor: Actor, line: ReviewLine) -> None:
    target = Target(f"review:{line.review_id}")
    with_officers = is_with_officers(line)
    is_reviewer = actor.user_id == line.reviewer_id and not with_officers
    is_officer = with_officers and decide(actor, Permission.REVIEW_RUN)
    if not (is_reviewer or is_officer):
        raise NotOnesOwn(Permission.REVIEW_RUN, target)
    if concerns(actor.user_id, line, groups_of(actor.user_id)):
        raise AboutOneself(Permission.REVIEW_RUN, target)


def _get_open_line(line_id: UUID) -> ReviewLine:
    """A line of an open review, which whoever would close it waits to do.

    Raises `NotFound` or `Conflict`.
    """
    line = get_line(line_id)
    state = db.session.scalars(
        select(AccessReview.state)
        .where(AccessReview.id == line.review_id)
        .with_for_update(read=True)
    ).one()
    if state != ReviewState.OPEN:
        raise Conflict("This review has ended. Nothing in it changes any more.")
    db.session.refresh(line)  # it may have come to the officers a moment ago
    return line


def _is_active(user_id: UUID) -> bool:
    try:
        return get_user(user_id).state == UserState.ACTIVE
    except NotFound:
        return False


def _add_reviewer(review_id: UUID, user: User) -> None:
    named = select(Reviewer.id).where(Reviewer.review_id == review_id, Reviewer.user_id == user.id)
    if db.session.execute(named).first() is None:
        db.session.add(Reviewer(review_id=review_id, user_id=user.id, is_chosen=False))
