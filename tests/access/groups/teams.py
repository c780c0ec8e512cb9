"""Groups by the pages, as an admin has to do with them."""

from uuid import UUID

from werkzeug.test import TestResponse

from tests.installation import Organisation

Rows = list[dict]


def make(organisation: Organisation, name: str = "Finance", who: str = "admin") -> UUID:
    """A new group with nobody in it."""
    answer = organisation.visit(who).post("/groups/new", {"name": name, "sentence": "For us."})
    assert answer.status_code == 302, answer.text
    return UUID(answer.location.rpartition("/")[2])


def add(organisation: Organisation, group: UUID, *people: str, who: str = "admin") -> TestResponse:
    form = {"people": [str(organisation[person].id) for person in people]}
    return organisation.visit(who).post(f"/groups/{group}/people/add", form)


def remove(
    organisation: Organisation, group: UUID, person: str, who: str = "admin"
) -> TestResponse:
    return organisation.visit(who).post(f"/groups/{group}/people/{organisation[person].id}/remove")


def give(
    organisation: Organisation,
    group: UUID,
    role: str,
    who: str = "admin",
    folder: object = "",
    until: str = "",
) -> TestResponse:
    form = {"role": role, "folder": str(folder), "reason": "for the tests", "until": until}
    return organisation.visit(who).post(f"/groups/{group}/roles", form)


def delete(organisation: Organisation, group: UUID, who: str = "admin") -> TestResponse:
    return organisation.visit(who).post(f"/groups/{group}/delete")


def held_by(organisation: Organisation, group: UUID) -> set[str]:
    """The roles that a group holds."""
    rows = organisation.portal.rows("role_assignment")
    return {row["role"] for row in rows if row["group_id"] == group}


def inside(organisation: Organisation, group: UUID) -> set[UUID]:
    """Who is in a group."""
    rows = organisation.portal.rows("group_membership")
    return {row["user_id"] for row in rows if row["group_id"] == group}


def told(organisation: Organisation, action: str) -> Rows:
    """What the log tells of an action since the test began."""
    return [row for row in organisation.log() if row["action"] == action]
