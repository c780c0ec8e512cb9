"""Dealing lines out among reviewers: evenly, and to nobody what is about themselves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from portal.access.models import GroupMembership
from portal.access.reviews.models import ReviewLine
from portal.access.reviews.scope import Subject
from portal.core.errors import Conflict
from portal.tenancy.session import db


class NobodyToReview(Conflict):
    """A line is about every reviewer there is."""


def deal(subjects: Sequence[Subject], reviewers: Collection[UUID]) -> Sequence[UUID]:
    """For each subject the reviewer who has least to do so far. Raises `NobodyToReview`.

    A subject is about the person who holds it, and one of a group about everybody in the group.
    """
    groups = _groups_of(reviewers)
    given = dict.fromkeys(sorted(reviewers), 0)
    return [_next_reviewer(subject, given, groups) for subject in subjects]


def concerns(user_id: UUID | None, about: Subject | ReviewLine, groups: Collection[UUID]) -> bool:
    """Whether a line is about somebody who is in `groups`: they hold it, or they gave it.

    Nobody confirms what they decided themselves.
    """
    return user_id is not None and (
        user_id in (about.user_id, about.granted_by) or about.group_id in groups
    )


def _next_reviewer(
    subject: Subject, given: dict[UUID, int], groups: Mapping[UUID, Collection[UUID]]
) -> UUID:
    unconcerned = list(_unconcerned(subject, given, groups))
    if not unconcerned:
        raise NobodyToReview(
            f"Every reviewer is concerned by what {subject.holder_name} holds, and nobody reviews"
            " what they hold themselves, be it through a group, or gave. Name one more reviewer."
        )
    chosen = min(unconcerned, key=given.__getitem__)
    if not subject.is_fed:
        given[chosen] += 1
    return chosen


def _unconcerned(
    subject: Subject, given: Mapping[UUID, int], groups: Mapping[UUID, Collection[UUID]]
) -> Iterator[UUID]:
    for user_id in given:
        if not concerns(user_id, subject, groups[user_id]):
            yield user_id


def _groups_of(people: Collection[UUID]) -> Mapping[UUID, Collection[UUID]]:
    found: dict[UUID, set[UUID]] = {user_id: set() for user_id in people}
    rows = db.session.execute(
        select(GroupMembership.user_id, GroupMembership.group_id).where(
            GroupMembership.user_id.in_(list(people))
        )
    )
    for user_id, group_id in rows:
        found[user_id].add(group_id)
    return found
