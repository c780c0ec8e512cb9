"""Access reviews where they touch folders: what lies beneath one, and what folders are called."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from portal.access.decision import decide, require
from portal.access.people import find_actor
from portal.access.permissions import Permission
from portal.access.reviews import service
from portal.access.reviews.models import AccessReview, Reviewer, ReviewState, Unanswered
from portal.access.reviews.queries import get_review
from portal.access.reviews.scope import FolderIds, Scope
from portal.access.reviews.service import Choices, Plan
from portal.audit.actions import Action, Outcome
from portal.audit.actor import SYSTEM, Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import PortalError
from portal.documents.models import Folder
from portal.documents.places import subtree_of
from portal.tenancy.session import change, db
from portal.users.models import User, UserState

BATCH = 1000
TRIED_AGAIN_AFTER = timedelta(days=1)


def plan_review(actor: Actor, choices: Choices) -> Plan:
    """What a review would be about, and who would review what. Changes nothing.

    Raises `Forbidden`, `Invalid` or `Conflict`.
    """
    require(actor, Permission.REVIEW_RUN)
    return service.make_plan(choices, _beneath(choices.scope.folder_id))


def start_review(actor: Actor, choices: Choices) -> AccessReview:
    """Put what people hold before reviewers.

    Raises `Forbidden`, `StepUpNeeded`, `Invalid` or `Conflict`.
    """
    require_fresh(actor, Act.ROLES)
    return _open(actor, plan_review(actor, choices))


def list_to_repeat() -> Sequence[UUID]:
    """The bound tenant's reviews whose time to be repeated has come."""
    return db.session.scalars(
        select(AccessReview.id)
        .where(AccessReview.next_at <= clock.now(), AccessReview.state != ReviewState.OPEN)
        .order_by(AccessReview.next_at, AccessReview.id)
    ).all()


def repeat_review(review_id: UUID) -> None:
    """Start a review that repeats an earlier one; once, whoever else tries.

    It ends with the right of the officer who chose it: nobody's review goes on without them.
    """
    earlier = get_review(review_id)
    if earlier.next_at is None or earlier.next_at > clock.now() or not _claim(earlier):
        return
    officer = find_actor(earlier.started_by) if earlier.started_by else None
    if officer is None or not decide(officer, Permission.REVIEW_RUN):
        record(SYSTEM, Action.REVIEW_STOPPED, f"review:{earlier.id}", reason="officer-gone")
        return
    _repeat(earlier)


def _claim(earlier: AccessReview) -> bool:
    """Whether it is this worker that starts what follows: once it is taken, no other does."""
    return bool(
        change(
            update(AccessReview)
            .where(AccessReview.id == earlier.id, AccessReview.next_at == earlier.next_at)
            .values(next_at=None)
        )
    )


def _repeat(earlier: AccessReview) -> None:
    choices = _same_choices(earlier)
    try:
        plan = service.make_plan(choices, _beneath(choices.scope.folder_id))
    except PortalError as error:
        earlier.next_at = clock.now() + TRIED_AGAIN_AFTER
        record(
            SYSTEM,
            Action.REVIEW_NOT_STARTED,
            f"review:{earlier.id}",
            Outcome.FAILURE,
            reason=str(error),
        )
        return
    _open(SYSTEM, plan, follows=earlier)


def _same_choices(earlier: AccessReview) -> Choices:
    """Those of an earlier review, with as much time, and those of its reviewers who are here."""
    reviewers = db.session.scalars(
        select(Reviewer.user_id)
        .join(User, User.id == Reviewer.user_id)
        .where(
            Reviewer.review_id == earlier.id,
            Reviewer.is_chosen,
            User.state == UserState.ACTIVE,
        )
    )
    return Choices(
        name=earlier.name,
        scope=Scope.from_stored(earlier.scope),
        reviewers=frozenset(reviewers),
        due_at=clock.now() + (earlier.due_at - earlier.started_at),
        on_unanswered=Unanswered(earlier.on_unanswered),
        every_days=earlier.every_days,
    )


def _open(actor: Actor, plan: Plan, follows: AccessReview | None = None) -> AccessReview:
    names = _names_of({one.folder_id for one in plan.subjects if one.folder_id})
    return service.open_review(actor, plan, names, follows=follows)


def _beneath(folder_id: UUID | None) -> FolderIds | None:
    return None if folder_id is None else select(subtree_of([folder_id]).c.id)


def _names_of(folder_ids: Collection[UUID]) -> Mapping[UUID, str]:
    return dict(_read_names(list(folder_ids)))


def _read_names(folder_ids: list[UUID]) -> Iterator[tuple[UUID, str]]:
    for start in range(0, len(folder_ids), BATCH):
        rows = db.session.execute(
            select(Folder.id, Folder.name_sealed).where(
                Folder.id.in_(folder_ids[start : start + BATCH])
            )
        )
        for folder_id, sealed in rows:
            yield folder_id, Folder.name.open(folder_id, sealed)
