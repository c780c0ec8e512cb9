"""Why can she? Why not me? Who could open this on 3 March? As the pages answer it."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from tests.browsing import Visitor
from tests.installation import Organisation


def ask(reader: Visitor, organisation: Organisation, who: str, **asked: str) -> str:
    email = f"{who}@{organisation.record.slug}.example"
    answer = reader.get("/explain", query_string={"email": email} | asked)
    assert answer.status_code == 200, answer.text
    return answer.text


def give(organisation: Organisation, who: str, role: str, **more: str) -> None:
    form = {"role": role, "folder": "", "reason": ""} | more
    path = f"/members/{organisation[who].id}/roles"
    assert organisation.visit("admin").post(path, form).status_code == 302


def reach(reader: Visitor, target: str, **asked: str) -> str:
    answer = reader.get("/explain/reach", query_string={"target": target} | asked)
    assert answer.status_code == 200, answer.text
    return answer.text


def named(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def test_the_chain_names_role_place_and_reason(acme) -> None:
    shared = acme.folders["shared"]
    give(acme, "officer", "guest", folder=str(shared), reason="for the audit of 2026")
    asked = {"permission": "document:read", "target": f"document:{acme.documents['plan']}"}
    page = ask(acme.visit("auditor"), acme, "officer", **asked)
    assert "Yes" in page
    assert "Guest" in page
    assert "Shared" in page
    assert "for the audit of 2026" in page


@pytest.mark.parametrize("who", ["admin", "officer"])
@pytest.mark.parametrize("email", ["bad", "nobody@acme.example", "member@acme.example"])
@pytest.mark.parametrize("target", ["folder:xyz", "document:xyz", "folder:", "xyz"])
def test_what_names_no_thing_is_refused_and_not_named(acme, who, email, target) -> None:
    asked = {"email": email, "target": target}
    assert acme.visit(who).get("/explain", query_string=asked).status_code in (400, 422)


def test_a_no_says_where_it_would_be_yes(acme) -> None:
    asked = {"permission": "document:read", "target": f"document:{acme.documents['note']}"}
    page = ask(acme.visit("officer"), acme, "guest", **asked)
    assert ">No<" in page
    assert "allowed elsewhere" in page
    assert "Shared" in page


def test_what_has_ended_is_told_as_that(portal, acme) -> None:
    portal.execute(
        "UPDATE role_assignment SET expires_at = '2026-01-01' WHERE role = 'auditor'", acme
    )
    page = ask(acme.visit("officer"), acme, "auditor", permission="audit:read")
    assert "the time is over" in page


def test_whoever_can_not_sign_in_may_nothing(acme) -> None:
    page = ask(acme.visit("officer"), acme, "invited", permission="document:read")
    assert ">No<" in page
    assert "can’t sign in" in page


def test_a_question_about_somebody_is_written_down(acme) -> None:
    ask(acme.visit("officer"), acme, "member", permission="document:read")
    entry = acme.log()[-1]
    assert (entry["action"], entry["target"]) == ("access.explained", f"user:{acme['member'].id}")
    assert entry["detail"] == {
        "permission": "document:read",
        "about": "organisation",
        "as_of": None,
    }


@pytest.mark.parametrize("who", ["member", "guest"])
def test_others_are_explained_only_to_those_who_may_see_them(acme, who) -> None:
    asked = {"email": "member@acme.example"}
    assert acme.visit(who).get("/explain", query_string=asked).status_code == 403


def test_an_admin_is_told_of_folders_and_not_of_documents(acme) -> None:
    admin = acme.visit("admin")
    page = ask(admin, acme, "guest", permission="document:read",
               target=f"folder:{acme.folders['shared']}")  # fmt: skip
    assert "Shared" in page
    asked = {"email": "guest@acme.example", "permission": "document:read",
             "target": f"document:{acme.documents['plan']}"}  # fmt: skip
    assert admin.get("/explain", query_string=asked).status_code == 403


def test_the_past_is_for_readers_of_the_log(acme) -> None:
    yesterday = named(datetime.now(UTC) - timedelta(days=1))
    asked = {"email": "guest@acme.example", "at": yesterday}
    assert acme.visit("admin").get("/explain", query_string=asked).status_code == 403
    assert acme.visit("admin").get("/explain/reach").status_code == 403


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"email": "nobody@acme.example"}, 422),
        ({"email": "member@globex.example"}, 422),
        ({"email": "x"}, 422),
        ({"email": "member@acme.example", "permission": "all:things"}, 422),
        ({"email": "member@acme.example", "target": "user:1"}, 400),
        ({"email": "member@acme.example", "target": "document:1"}, 400),
        ({"email": "member@acme.example", "at": "2999-01-01T00:00"}, 400),
        ({"email": "member@acme.example", "at": "yesterday"}, 422),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(acme, globex, asked, status) -> None:
    assert acme.visit("officer").get("/explain", query_string=asked).status_code == status


def test_another_tenants_things_are_not_there(acme, globex) -> None:
    officer = acme.visit("officer")
    for target in (
        f"folder:{globex.folders['shared']}",
        f"document:{globex.documents['plan']}",
        f"folder:{globex['member'].id}",
    ):
        asked = {"email": "member@acme.example", "target": target}
        assert officer.get("/explain", query_string=asked).status_code == 404
        assert officer.get("/explain/reach", query_string={"target": target}).status_code == 404


def test_one_learns_why_one_may_not(acme) -> None:
    asked = {"permission": "document:read", "target": f"document:{acme.documents['note']}"}
    page = acme.visit("guest").get("/explain/own", query_string=asked).text
    assert "Why you may not" in page
    assert "Shared" in page
    asked = {"permission": "document:read", "target": f"document:{acme.documents['plan']}"}
    assert "Why you may" in acme.visit("guest").get("/explain/own", query_string=asked).text


def test_who_could_open_something_then_is_replayed(acme, clock) -> None:
    officer, target = acme.visit("officer"), f"document:{acme.documents['plan']}"
    clock.advance(minutes=2)
    before = clock.now(UTC)
    assert "guest" in reach(officer, target).lower()
    clock.advance(minutes=2)
    give(acme, "officer", "guest", folder=str(acme.folders["shared"]))
    assert acme.visit("admin").post(f"/members/{acme['guest'].id}/deactivate").status_code == 302
    clock.advance(minutes=2)

    def people(**asked: str) -> set[str]:
        text = officer.get("/explain/reach/export", query_string={"target": target} | asked).text
        return {row["id"] for row in csv.DictReader(io.StringIO(text))}

    now, then = people(), people(at=named(before))
    assert now - then == {str(acme["officer"].id)}
    assert then - now == {str(acme["guest"].id)}


def test_the_table_to_keep_says_what_the_page_says(acme) -> None:
    officer, target = acme.visit("officer"), f"folder:{acme.folders['shared']}"
    answer = officer.get("/explain/reach/export", query_string={"target": target})
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["change"] for row in rows if row["id"] == str(acme["member"].id)} == {"yes"}
    assert {row["change"] for row in rows if row["id"] == str(acme["guest"].id)} == {"no"}
    page = reach(officer, target)
    assert all(row["person"] in page for row in rows)
    assert [action for action, _ in acme.told()] == ["access.explained"] * 2
