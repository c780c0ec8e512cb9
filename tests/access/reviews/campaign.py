"""A review as officers and reviewers go through it, by the pages."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.reviews.models import AccessReview, ReviewLine
from portal.auth.sso.models import IdentityProvider
from portal.cli import working
from portal.core import clock
from portal.users.models import User, UserState
from tests.installation import Organisation


def choices(organisation: Organisation, *reviewers: str, days: int = 14, **more: Any) -> dict:
    """The form of a new review; people by the names that tests use."""
    people = [organisation[who].email for who in more.pop("people", ())]
    return {
        "name": "Spring",
        "due_on": f"{clock.now() + timedelta(days=days):%Y-%m-%d}",
        "on_unanswered": "escalate",
        "reviewers": "\n".join(organisation[who].email for who in reviewers),
        "people": "\n".join(people),
    } | more


def start(organisation: Organisation, *reviewers: str, **more: Any) -> UUID:
    """Start a review as the officer; gives its id."""
    form = choices(organisation, *reviewers, **more)
    begun = organisation.visit("officer").post("/reviews/new", form)
    assert begun.status_code == 302, begun.text
    return UUID(begun.location.rpartition("/")[2])


def lines_of(organisation: Organisation, review: UUID) -> list[ReviewLine]:
    with organisation.bound() as session:
        found = select(ReviewLine).where(ReviewLine.review_id == review)
        return list(session.scalars(found.order_by(ReviewLine.number)))


def line_about(organisation: Organisation, review: UUID, who: str) -> ReviewLine:
    """The one line about what somebody holds."""
    [line] = [one for one in lines_of(organisation, review) if one.user_id == organisation[who].id]
    return line


def answer(
    organisation: Organisation, line: ReviewLine, decision: str, by: str, **more: Any
) -> int:
    form = {"decision": decision} | more
    return organisation.visit(by).post(f"/reviews/lines/{line.id}/answer", form).status_code


def answer_all(organisation: Organisation, review: UUID, decision: str = "keep") -> None:
    """Have every reviewer answer alike."""
    names = {person.id: who for who, person in organisation.people.items()}
    for line in lines_of(organisation, review):
        if not line.is_fed:
            assert answer(organisation, line, decision, names[line.reviewer_id]) == 302


def close(organisation: Organisation, review: UUID) -> int:
    return organisation.visit("officer").post(f"/reviews/{review}/close").status_code


def get(organisation: Organisation, review: UUID) -> AccessReview:
    with organisation.bound() as session:
        return session.get(AccessReview, (organisation.id, review))


def outcomes(organisation: Organisation, review: UUID) -> list[str | None]:
    return [line.outcome for line in lines_of(organisation, review)]


def work(organisation: Organisation) -> None:
    """One visit of the worker."""
    with organisation.portal.app.app_context():
        working.visit(organisation.record, sweeping=True)


def roles_of(organisation: Organisation, who: str) -> set[str]:
    rows = organisation.portal.rows("role_assignment")
    return {row["role"] for row in rows if row["user_id"] == organisation[who].id}


def put_into_group(
    organisation: Organisation, *people: str, role: str = "member", is_fed: bool = False
) -> UUID:
    """A group that has a role, with these in it; gives its id."""
    with organisation.bound(writes=True) as session:
        group = Group(name="Finance", name_key="finance")
        if is_fed:
            group.provider_id = session.scalars(select(IdentityProvider.id)).one()
            group.claim = "finance"
        session.add(group)
        session.flush()
        for who in people:
            session.add(GroupMembership(group_id=group.id, user_id=organisation[who].id))
        session.add(RoleAssignment(group_id=group.id, role=role))
        return group.id


def people_in(organisation: Organisation, group: UUID) -> list[UUID]:
    with organisation.bound() as session:
        inside = select(GroupMembership.user_id).where(GroupMembership.group_id == group)
        return list(session.scalars(inside))


def deactivate(organisation: Organisation, who: str) -> None:
    with organisation.bound(writes=True) as session:
        user = session.get(User, (organisation.id, organisation[who].id))
        user.state = UserState.DEACTIVATED


def told(organisation: Organisation, action: str) -> list[dict[str, Any]]:
    """What the log tells of an action since the test began."""
    return [row for row in organisation.log() if row["action"] == action]


def signed_report(organisation: Organisation, review: UUID) -> dict[str, Any]:
    file = organisation.visit("officer").get(f"/reviews/{review}/report/signed")
    assert file.status_code == 200
    return json.loads(file.text)
