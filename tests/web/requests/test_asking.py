"""Asking for what one was refused: offered by the refused page, and looked at anew when sent."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, select

from portal.access.models import RoleAssignment
from portal.access.permissions import Permission
from portal.access.requests.models import AccessRequest
from portal.access.requests.service import MOST
from portal.users.models import User
from tests.access.asked import ask_access, newest_request, request_row
from tests.browsing import forms_of, links_of
from tests.installation import Organisation
from tests.web.things import without_log


@pytest.fixture
def acme(acme) -> Organisation:
    """Nobody has asked for anything yet."""
    with acme.bound(writes=True) as session:
        session.execute(delete(AccessRequest))
    return acme


def offered(page: str) -> dict[str, str] | None:
    """What the form of a refused page would send."""
    return next((form.fields for form in forms_of(page) if form.action == "/requests/new"), None)


def waiting(organisation: Organisation) -> int:
    return len(organisation.portal.rows("access_request")) - sum(
        row["tenant_id"] != organisation.id for row in organisation.portal.rows("access_request")
    )


def told_by_mail(organisation: Organisation) -> list[dict[str, str]]:
    return [mail for mail in organisation.mails() if "asks for access" in mail["subject"]]


# The refused page


def test_a_refused_page_offers_to_ask_and_whoever_may_give_it_is_told(acme) -> None:
    guest, path = acme.visit("guest"), f"/documents/{acme.documents['canary']}"
    page = guest.get(path)
    assert page.status_code == 403
    fields = offered(page.text)
    assert fields["permission"] == "document:read"
    assert fields["target"] == f"document:{acme.documents['canary']}"
    answer = guest.post("/requests/new", fields | {"reason": "for the tender"})
    assert answer.location == "/requests"
    request = request_row(acme, newest_request(acme))
    assert (request["user_id"], request["folder_id"]) == (acme["guest"].id, acme.folders["closed"])
    assert acme.told() == [("access.refused", "refused"), ("access.asked", "success")]
    assert acme.log()[-1]["detail"] == {
        "request": str(request["id"]),
        "permission": "document:read",
        "folder": str(acme.folders["closed"]),
        "reason": "for the tender",
    }
    assert {mail["to"] for mail in told_by_mail(acme)} == {
        acme["admin"].email,
        acme["second_admin"].email,
    }


@pytest.mark.parametrize(
    ("who", "path", "permission", "target"),
    [
        ("guest", "/documents/folders/{closed}", "document:read", "folder:{closed}"),
        ("guest", "/folders/{shared}/rename", "folder:edit", "folder:{shared}"),
        ("officer", "/documents/{note}", "document:read", "document:{note}"),
        ("officer", "/documents", "document:read", "organisation"),
        ("member", "/audit", "audit:read", "organisation"),
        ("member", "/members/{member}/reset-factors", "member:reset", "organisation"),
    ],
)
def test_the_offer_names_what_was_refused(acme, who, path, permission, target) -> None:
    ids = {**acme.folders, **acme.documents, "member": acme["member"].id}
    fields = offered(acme.visit(who).get(path.format(**ids)).text)
    assert (fields["permission"], fields["target"]) == (permission, target.format(**ids))
    assert acme.visit(who).post("/requests/new", fields | {"reason": "x"}).status_code == 302


def test_nothing_is_offered_where_asking_is_of_no_use(portal, acme) -> None:
    own = acme.visit("admin").post(f"/members/{acme['admin'].id}/deactivate")
    assert own.status_code == 403
    assert offered(own.text) is None
    assert offered(acme.visit("guest").get(f"/documents/{uuid4()}").text) is None
    portal.execute("UPDATE user_session SET first_factor = 'break-glass'", acme)
    broken = acme.visit("admin").get("/members")
    assert broken.status_code == 403
    assert offered(broken.text) is None
    assert ask_access(acme.visit("admin"), "audit:read", "organisation").status_code == 403
    assert waiting(acme) == 0


def test_no_name_of_what_is_refused_is_told(acme) -> None:
    page = acme.visit("guest").get(f"/documents/{acme.documents['canary']}").text
    assert "Kanarienvogel" not in page
    assert "Closed" not in page


# What is sent


@pytest.mark.parametrize("permission", ["", "x", "document:own", "\0", "DOCUMENT_READ"])
def test_a_permission_that_is_none_is_not_asked_for(acme, permission) -> None:
    before = without_log(acme.portal)
    answer = ask_access(acme.visit("guest"), permission, "organisation")
    assert answer.status_code == 422
    assert without_log(acme.portal) == before


@pytest.mark.parametrize(
    "target",
    ["document:{unknown}", "folder:{unknown}", "document:x", "user:{member}", "x", "documents",
     "document:{foreign document}", "folder:{foreign folder}", "folder:{a document}"],
)  # fmt: skip
def test_a_thing_that_is_not_there_or_another_organisations_is_not_found(
    acme, globex, target
) -> None:
    ids = {
        "unknown": uuid4(),
        "member": acme["member"].id,
        "foreign document": globex.documents["note"],
        "foreign folder": globex.folders["closed"],
        "a document": acme.documents["note"],
    }
    before = without_log(acme.portal)
    answer = ask_access(acme.visit("guest"), "document:read", target.format(**ids))
    assert answer.status_code == 404
    assert without_log(acme.portal) == before


def test_what_lies_in_the_trash_is_not_found(acme) -> None:
    acme.visit("member").post(f"/documents/{acme.documents['canary']}/delete")
    target = f"document:{acme.documents['canary']}"
    assert ask_access(acme.visit("guest"), "document:read", target).status_code == 404
    acme.visit("member").post(f"/folders/{acme.folders['closed']}/delete")
    target = f"folder:{acme.folders['closed']}"
    assert ask_access(acme.visit("guest"), "document:read", target).status_code == 404
    assert waiting(acme) == 0


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "two\nlines", "\u202eturned"])
def test_a_reason_is_given_in_one_line(acme, reason) -> None:
    answer = ask_access(acme.visit("guest"), "document:read", "organisation", reason)
    assert answer.status_code in (400, 422)
    assert waiting(acme) == 0


def test_what_is_managed_is_not_asked_for_on_a_folder(acme) -> None:
    target = f"folder:{acme.folders['shared']}"
    assert ask_access(acme.visit("guest"), "role:assign", target).status_code == 400
    assert waiting(acme) == 0


def test_nobody_asks_for_what_they_hold(acme) -> None:
    shared = f"folder:{acme.folders['shared']}"
    assert ask_access(acme.visit("guest"), "document:read", shared).status_code == 409
    plan = f"document:{acme.documents['plan']}"
    assert ask_access(acme.visit("guest"), "document:read", plan).status_code == 409
    assert ask_access(acme.visit("member"), "document:read", shared).status_code == 409
    assert ask_access(acme.visit("admin"), "role:assign", "organisation").status_code == 409
    assert waiting(acme) == 0


def test_the_same_thing_is_asked_for_once_at_a_time(acme) -> None:
    guest, closed = acme.visit("guest"), f"folder:{acme.folders['closed']}"
    canary = f"document:{acme.documents['canary']}"
    assert ask_access(guest, "document:read", closed).status_code == 302
    for target in (closed, canary):
        assert ask_access(guest, "document:read", target).status_code == 409
    assert ask_access(guest, "document:upload", closed).status_code == 302
    assert ask_access(guest, "document:read", "organisation").status_code == 302
    assert ask_access(guest, "document:read", "organisation").status_code == 409
    assert ask_access(acme.visit("officer"), "document:read", closed).status_code == 302
    assert waiting(acme) == 4


def test_a_person_asks_for_so_much_and_no_more_taken_back_or_not(acme) -> None:
    guest = acme.visit("guest")
    for _ in range(MOST):
        assert ask_access(guest, "audit:read", "organisation").status_code == 302
        assert guest.post(f"/requests/{newest_request(acme)}/withdraw").status_code == 302
    answer = ask_access(guest, "audit:read", "organisation")
    assert answer.status_code == 409
    assert "Wait for the answers" in answer.text
    assert ask_access(acme.visit("auditor"), "role:edit", "organisation").status_code == 302


def test_those_who_share_the_folder_are_told_first(acme) -> None:
    with acme.bound(writes=True) as session:
        owner = {"role": "folder-owner", "folder_id": acme.folders["closed"]}
        session.add(RoleAssignment(user_id=acme["auditor"].id, **owner))
    ask_access(acme.visit("guest"), "document:read", f"document:{acme.documents['canary']}")
    assert told_by_mail(acme)[0]["to"] == acme["auditor"].email
    for mail in told_by_mail(acme):
        assert "Kanarienvogel" not in str(mail)
        assert "Closed" not in str(mail)
        assert str(acme.documents["canary"]) not in str(mail)
    ask_access(acme.visit("guest"), "document:read", "organisation")
    assert len(told_by_mail(acme)) == 5, "the organisation is no folder: two admins are told of it"


def test_not_everybody_is_told_where_many_may_decide(acme) -> None:
    with acme.bound(writes=True) as session:
        for n in range(15):
            user = User(email=f"u{n}@acme.example", name="U", state="active")
            session.add(user)
            session.flush()
            session.add(RoleAssignment(user_id=user.id, role="admin"))
    ask_access(acme.visit("guest"), "audit:read", "organisation")
    assert len(told_by_mail(acme)) == 10


# One's own


def test_one_sees_ones_own_and_takes_them_back(acme) -> None:
    guest = acme.visit("guest")
    ask_access(guest, "document:read", f"folder:{acme.folders['closed']}")
    request = newest_request(acme)
    page = guest.get("/requests").text
    assert f"/requests/{request}/withdraw" in links_of(page)
    assert "Closed" not in page
    assert "In a folder" in page
    for who in ("member", "admin"):
        assert acme.visit(who).post(f"/requests/{request}/withdraw").status_code == 404
    assert guest.post(f"/requests/{request}/withdraw").status_code == 302
    assert guest.post(f"/requests/{request}/withdraw").status_code == 409
    assert acme.told()[-1] == ("access.withdrawn", "success")
    assert "Taken back" in guest.get("/requests").text


def test_every_permission_can_be_asked_for(acme) -> None:
    with acme.bound() as session:
        assert session.scalars(select(AccessRequest)).all() == []
    for permission in list(Permission)[: MOST - 1]:
        answer = ask_access(acme.visit("guest"), permission, "organisation")
        assert answer.status_code == 302, permission


def test_what_nobody_answers_expires_and_may_be_asked_anew(acme, clock) -> None:
    guest = acme.visit("guest")
    ask_access(guest, "audit:read", "organisation")
    request = newest_request(acme)
    with acme.bound(writes=True) as session:
        row = session.get(AccessRequest, (acme.id, request))
        assert row.expires_at - row.asked_at >= timedelta(days=13, hours=23)
        row.expires_at = row.asked_at
    assert "Nobody answered" in guest.get("/requests").text
    assert str(request) not in acme.visit("admin").get("/requests").text
    answer = acme.visit("admin").post(f"/requests/{request}/approve", {"role": "auditor"})
    assert answer.status_code == 409
    assert ask_access(guest, "audit:read", "organisation").status_code == 302
    assert acme.told()[-2:] == [("access.expired", "success"), ("access.asked", "success")]
