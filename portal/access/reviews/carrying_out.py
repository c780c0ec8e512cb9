"""What a closed review does: what was revoked is taken away, and the result is signed.

A review only ever takes away. What a reviewer decided is carried out in the reviewer's name, so
that nobody who closes a review changes what they hold themselves.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from portal.access.groups.members import record_left
from portal.access.in_bulk import Revocation, batches, end_memberships, revoke_roles
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.reviews.models import (
    AccessReview,
    Decision,
    Kind,
    LineOutcome,
    ReviewLine,
)
from portal.access.reviews.result import keep_result
from portal.access.service import Way
from portal.audit.actions import Action
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import record
from portal.tenancy.session import change, db


def carry_out(actor: Actor, review: AccessReview) -> None:
    """Take away what was to be revoked in a review that `actor` has just closed, note what came of
    each line, and sign the result.
    """
    outcomes: dict[LineOutcome, list[UUID]] = defaultdict(list)
    to_revoke = []
    for line in _lines_as_they_stand(review.id):
        outcome = _foregone(line)
        if outcome is None:
            to_revoke.append(line)
        else:
            outcomes[outcome].append(line.id)
    for line_id, outcome in _revoke(actor, to_revoke):
        outcomes[outcome].append(line_id)
    _note(outcomes)
    signature = keep_result(review)
    record(
        actor,
        Action.REVIEW_CLOSED,
        f"review:{review.id}",
        outcomes={outcome: len(lines) for outcome, lines in sorted(outcomes.items())},
        sha256=signature.sha256.hex(),
        signature=signature.base64,
        key=str(signature.key_id),
    )


def _lines_as_they_stand(review_id: UUID) -> Sequence[Any]:
    """The lines of a review, each with whether what it is about still exists."""
    is_there = or_(
        exists().where(_is_about(Kind.ASSIGNMENT, RoleAssignment)),
        exists().where(_is_about(Kind.MEMBERSHIP, GroupMembership)),
    )
    return db.session.execute(
        select(
            ReviewLine.id,
            ReviewLine.kind,
            ReviewLine.subject_id,
            ReviewLine.user_id,
            ReviewLine.decision,
            ReviewLine.decided_by,
            ReviewLine.comment,
            ReviewLine.is_fed,
            is_there.label("is_there"),
        )
        .where(ReviewLine.review_id == review_id)
        .order_by(ReviewLine.number)
    ).all()


def _is_about(
    kind: Kind, model: type[RoleAssignment] | type[GroupMembership]
) -> ColumnElement[bool]:
    return and_(ReviewLine.kind == kind, ReviewLine.subject_id == model.id)


def _foregone(line: Any) -> LineOutcome | None:
    """What comes of a line of which nothing is to be taken away; None: it is."""
    if line.is_fed:
        return LineOutcome.FED
    if not line.is_there:
        return LineOutcome.GONE
    return LineOutcome.KEPT if line.decision == Decision.KEEP else None


def _revoke(closing: Actor, lines: Sequence[Any]) -> Iterator[tuple[UUID, LineOutcome]]:
    roles = [line for line in lines if line.kind == Kind.ASSIGNMENT]
    yield from _revoke_roles(closing, roles)
    yield from _end_memberships(closing, [line for line in lines if line.kind == Kind.MEMBERSHIP])


def _revoke_roles(closing: Actor, lines: Sequence[Any]) -> Iterator[tuple[UUID, LineOutcome]]:
    assignments = {
        each.id: each
        for some in batches(lines)
        for each in db.session.scalars(
            select(RoleAssignment).where(RoleAssignment.id.in_([line.subject_id for line in some]))
        )
    }
    revoked = revoke_roles(
        [
            Revocation(_decider(closing, line), assignments[line.subject_id], _reason(line))
            for line in lines
            if line.subject_id in assignments
        ],
        way=Way.REVIEW,
    )
    for line in lines:
        if line.subject_id in revoked.last_admin:
            yield line.id, LineOutcome.LAST_ADMIN
        else:
            is_gone = line.subject_id in revoked.gone
            yield line.id, LineOutcome.REVOKED if is_gone else LineOutcome.GONE


def _end_memberships(closing: Actor, lines: Sequence[Any]) -> Iterator[tuple[UUID, LineOutcome]]:
    """A group that was filled by hand when the review began may be filled by a provider by now."""
    statement = select(GroupMembership, Group.provider_id).join_from(
        GroupMembership, Group, Group.id == GroupMembership.group_id
    )
    by_hand, fed = {}, set()
    for some in batches(lines):
        subjects = GroupMembership.id.in_([line.subject_id for line in some])
        for membership, provider_id in db.session.execute(statement.where(subjects)):
            if provider_id is None:
                by_hand[membership.id] = membership
            else:
                fed.add(membership.id)
    gone = end_memberships(by_hand.keys())
    for line in lines:
        if line.subject_id in gone:
            decider, left = _decider(closing, line), by_hand[line.subject_id]
            record_left(decider, left, way=Way.REVIEW, reason=_reason(line))
            yield line.id, LineOutcome.REVOKED
        else:
            yield line.id, LineOutcome.FED if line.subject_id in fed else LineOutcome.GONE


def _decider(closing: Actor, line: Any) -> Actor:
    """Who decided a line; nobody did: who closes the review.

    The request is the one that closes it, but the address it came from is not the decider's.
    """
    if line.decided_by is None:
        return closing
    return Actor(kind=ActorKind.USER, user_id=line.decided_by, request_id=closing.request_id)


def _reason(line: Any) -> str:
    return line.comment or ("" if line.decided_by else "Nobody answered by the due date.")


def _note(outcomes: Mapping[LineOutcome, Sequence[UUID]]) -> None:
    for outcome, line_ids in outcomes.items():
        for some in batches(line_ids):
            change(
                update(ReviewLine)
                .where(ReviewLine.id.in_(some))
                .values(outcome=outcome)
                .execution_options(synchronize_session=False)
            )
