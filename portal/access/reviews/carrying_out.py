"""What a closed review does: what was revoked is taken away, and the result is signed.

A review only ever takes away. What a reviewer decided is carried out in the reviewer's name, so
that nobody who closes a review changes what they hold themselves.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from portal.access.groups.members import FilledByProvider, take_out
from portal.access.groups.rules import find_group
from portal.access.models import GroupMembership, RoleAssignment
from portal.access.reviews.models import (
    AccessReview,
    Decision,
    Kind,
    LineOutcome,
    ReviewLine,
)
from portal.access.reviews.result import keep_result
from portal.access.service import LastAdmin, Way, revoke_role
from portal.audit.actions import Action
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import record
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db
from portal.users.models import User

T = TypeVar("T")

LOADED = 25  # rows held at a time: each that is deleted is looked for among all of them
NOTED = 500


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
    for some in _batches(to_revoke, LOADED):
        _loaded = _load_for(some)  # held, so that each of them is found in the session
        for line in some:
            outcomes[_revoke(actor, line)].append(line.id)
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


def _load_for(lines: Sequence[Any]) -> Sequence[Any]:
    """What lines are about and the people who hold it, read together instead of one by one."""
    subjects = {line.subject_id for line in lines}
    statements = (
        select(RoleAssignment).where(RoleAssignment.id.in_(subjects)),
        select(GroupMembership).where(GroupMembership.id.in_(subjects)),
        select(User).where(User.id.in_({line.user_id for line in lines if line.user_id})),
    )
    return [db.session.scalars(statement).all() for statement in statements]


def _revoke(closing: Actor, line: Any) -> LineOutcome:
    actor = _decider(closing, line)
    reason = line.comment or ("" if line.decided_by else "Nobody answered by the due date.")
    try:
        if line.kind == Kind.ASSIGNMENT:
            _revoke_assignment(actor, line.subject_id, reason)
        else:
            _remove_membership(actor, line.subject_id, reason)
    except LastAdmin:
        return LineOutcome.LAST_ADMIN
    except FilledByProvider:
        return LineOutcome.FED
    except NotFound:
        return LineOutcome.GONE
    return LineOutcome.REVOKED


def _decider(closing: Actor, line: Any) -> Actor:
    """Who decided a line; nobody did: who closes the review.

    The request is the one that closes it, but the address it came from is not the decider's.
    """
    if line.decided_by is None:
        return closing
    return Actor(kind=ActorKind.USER, user_id=line.decided_by, request_id=closing.request_id)


def _revoke_assignment(actor: Actor, assignment_id: UUID, reason: str) -> None:
    assignment = db.session.get(RoleAssignment, (bound_tenant_id(), assignment_id))
    if assignment is None:
        raise NotFound
    revoke_role(actor, assignment, way=Way.REVIEW, reason=reason)


def _remove_membership(actor: Actor, membership_id: UUID, reason: str) -> None:
    membership = db.session.get(GroupMembership, (bound_tenant_id(), membership_id))
    if membership is None:
        raise NotFound
    group = find_group(membership.group_id)
    if group.provider_id is not None:
        raise FilledByProvider  # it was filled by hand when the review began
    detail = {"membership": str(membership_id), "reason": reason}
    if not take_out(actor, group, [membership.user_id], way=Way.REVIEW, **detail):
        raise NotFound


def _note(outcomes: Mapping[LineOutcome, Sequence[UUID]]) -> None:
    for outcome, line_ids in outcomes.items():
        for some in _batches(line_ids, NOTED):
            change(
                update(ReviewLine)
                .where(ReviewLine.id.in_(some))
                .values(outcome=outcome)
                .execution_options(synchronize_session=False)
            )


def _batches(all_of_them: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(all_of_them), size):
        yield all_of_them[start : start + size]
