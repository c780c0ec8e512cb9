"""A tenant's own roles as its admins make them, by the pages."""

from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.core.ids import new_id
from tests.browsing import Visitor, forms_of
from tests.installation import Organisation

READS = ("document:read",)


def role_form(*permissions: str, name: str = "Librarian", **more: Any) -> dict[str, Any]:
    """The form of a role, filled in."""
    return {"name": name, "sentence": "Looks after it.", "permissions": [*permissions], **more}


def make(visitor: Visitor, *permissions: str, **more: Any) -> TestResponse:
    """Send the form of a new role."""
    return visitor.post("/roles/new", role_form(*permissions, **more))


def made(organisation: Organisation, *permissions: str, **more: Any) -> str:
    """The key of a role that the admin has made."""
    answer = make(organisation.visit("admin"), *permissions, **more)
    assert answer.status_code == 302, answer.text
    return answer.location.rpartition("/")[2]


def version_of(visitor: Visitor, key: str) -> str:
    """The version on the role's form as it is now."""
    page = visitor.get(f"/roles/{key}/edit")
    assert page.status_code == 200, page.status_code
    return forms_of(page.text)[-1].fields["version"]


def change(visitor: Visitor, key: str, *permissions: str, **more: Any) -> TestResponse:
    """Open the role's form, and have it allow something else."""
    form = role_form(*permissions, version=version_of(visitor, key)) | more
    return visitor.post(f"/roles/{key}/change", form)


def retire(visitor: Visitor, key: str, successor: str = "", **more: Any) -> TestResponse:
    """Open the question, and mean it."""
    page = visitor.get(f"/roles/{key}/retire")
    assert page.status_code == 200, page.status_code
    form = forms_of(page.text)[-1].fields | {"successor": successor} | more
    return visitor.post(f"/roles/{key}/retire", form)


def give(organisation: Organisation, who: str, role: str, folder: str = "", by: str = "admin"):
    """Give somebody a role by their page."""
    place = str(organisation.folders[folder]) if folder else ""
    form = {"role": role, "folder": place, "reason": "for the test"}
    return organisation.visit(by).post(f"/members/{organisation[who].id}/roles", form)


def given(organisation: Organisation, who: str) -> set[tuple[str, UUID | None]]:
    """What somebody was given by name."""
    rows = organisation.portal.rows("role_assignment")
    return {(r["role"], r["folder_id"]) for r in rows if r["user_id"] == organisation[who].id}


def group_with(
    organisation: Organisation, *who: str, role: str = "", name: str = "Finance"
) -> UUID:
    """A group of these people that was given a role."""
    group = Group(id=new_id(), name=name, name_key=name.casefold())
    with organisation.bound(writes=True) as session:
        session.add(group)
        session.flush()
        for one in who:
            session.add(GroupMembership(group_id=group.id, user_id=organisation[one].id))
        if role:
            session.add(RoleAssignment(group_id=group.id, role=role))
    return group.id
