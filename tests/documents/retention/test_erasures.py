"""Erasure: asked, decided, and carried out as far as nothing keeps what it is about."""

import re
from uuid import UUID

import pytest

from portal.core.ids import new_id
from portal.documents.models import Document, DocumentStar
from portal.documents.retention import erasing
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.retention.keeping import hold, is_there, later, rule, told, work
from tests.documents.sharers import give
from tests.installation import Organisation
from tests.storage.stores import once_before


def ask(acme: Organisation, whom: str, *what: str, who: str = "admin"):
    form = {"email": acme[whom].email, "what": list(what), "reason": "by letter"}
    return acme.visit(who).post("/retention/erasures/new", form)


def decide(acme: Organisation, path: str, decision: str = "grant", who: str = "officer") -> int:
    form = {"decision": decision, "answer": "as the law wants it"}
    return acme.visit(who).post(f"{path}/decide", form).status_code


def granted(acme: Organisation, whom: str, *what: str) -> str:
    path = ask(acme, whom, *what).location
    assert decide(acme, path) == 302
    return path


def row_of(acme: Organisation, whom: str) -> dict:
    [row] = [r for r in acme.portal.rows("user_account") if r["id"] == acme[whom].id]
    return row


def deactivate(acme: Organisation, whom: str) -> None:
    assert acme.visit("admin").post(f"/members/{acme[whom].id}/deactivate").status_code == 302


def test_what_somebody_owns_is_erased_with_their_account(acme, globex) -> None:
    name, email = acme["member"].name, acme["member"].email
    with acme.bound(writes=True) as session:
        of_another = Document(id=new_id(), name="Other.txt", created_by=acme["admin"].id)
        session.add(of_another)
        session.flush()
        session.add(DocumentStar(user_id=acme["member"].id, document_id=of_another.id))
    path = granted(acme, "member", "documents", "account")
    work(acme)
    assert not any(is_there(acme, document) for document in acme.documents.values())
    assert "once an admin has deactivated" in acme.visit("admin").get(path).text
    deactivate(acme, "member")
    work(acme)
    page = acme.visit("admin").get(path).text
    assert "is done" in page
    assert "Erased person" in page
    assert row_of(acme, "member")["email"].endswith("@erased.invalid")
    own = ("user_account", "password_credential", "totp_device", "role_assignment", "document_star")
    for table in own:
        mine = [row for row in acme.portal.rows(table) if row.get("user_id") == acme["member"].id]
        assert mine == []
    rows = repr([acme.portal.rows(table) for table in ("user_account", "invitation")])
    assert email not in rows
    assert name not in rows
    assert told(acme, "account.erased")[0]["target"] == f"user:{acme['member'].id}"
    entries = acme.portal.rows("audit_entry")
    done = {row["id"] for row in entries if row["actor_id"] == acme["member"].id}
    assert done
    asides = [row for row in acme.portal.rows("audit_aside") if row["id"] in done]
    assert not any(row["personal"] or row["address"] for row in asides)
    assert all(is_there(globex, document) for document in globex.documents.values())


def test_whoever_deactivates_is_told_that_an_erasure_waits_for_it(acme) -> None:
    admin, member = acme.visit("admin"), f"/members/{acme['member'].id}"
    assert "reactivate the account at any time" in admin.get(f"{member}/deactivate").text
    granted(acme, "member", "account")
    question = admin.get(f"{member}/deactivate").text
    assert "erases it for good" in question
    assert "at any time" not in question


def test_an_erased_account_is_nobodys_any_more(acme) -> None:
    """Else another person would act under the id of the one who is gone."""
    admin, member = acme.visit("admin"), f"/members/{acme['member'].id}"
    email = acme["member"].email
    granted(acme, "member", "account")
    deactivate(acme, "member")
    work(acme)
    page = admin.get(member).text
    assert "This account was erased." in page
    for act in ("Reactivate", "Rename", "Give another role", "Ask for erasure"):
        assert act not in page
    assert admin.post(f"{member}/reactivate").status_code == 409
    assert admin.post(f"{member}/rename", {"name": "Ansel"}).status_code == 409
    again = {"email": row_of(acme, "member")["email"], "what": ["account"], "reason": "again"}
    assert admin.post("/retention/erasures/new", again).status_code == 409
    assert row_of(acme, "member")["state"] == "deactivated"
    invited = {"email": email, "name": "Ansel", "role": "member"}
    assert admin.post("/members/new", invited).status_code == 200


def test_what_is_kept_stays_and_goes_when_nothing_keeps_it(acme, clock) -> None:
    plan, note = acme.documents["plan"], acme.documents["note"]
    rule(acme, name="Ten days", folder="shared", keep_days=10)
    path = ask(acme, "member", "documents").location
    for page in (acme.visit(who).get(path).text for who in ("admin", "officer")):
        assert "2 documents go with" in page
        assert "1 document stays for now" in page
    assert "Ten days" in acme.visit("officer").get(path).text
    assert decide(acme, path) == 302
    work(acme)
    assert is_there(acme, plan)
    assert not is_there(acme, note)
    later(acme, clock, days=11)
    work(acme)
    assert not is_there(acme, plan)


@on_sqlite
def test_who_asked_is_not_told_of_a_hold(acme) -> None:
    hold(acme, "user", acme["member"].id)
    path = granted(acme, "member", "documents", "account")
    deactivate(acme, "member")
    work(acme)
    for_admin, for_officer = (acme.visit(who).get(path).text for who in ("admin", "officer"))
    assert "Lighthouse" in for_officer
    assert "Lighthouse" not in for_admin
    assert "hold" not in re.sub(r"<[^>]*>|&[a-z]+;|[Tt]hreshold", "", for_admin.split("<main")[1])
    assert all(is_there(acme, document) for document in acme.documents.values())
    assert row_of(acme, "member")["email"] == acme["member"].email


def test_an_account_that_is_held_is_not_erased(acme) -> None:
    hold(acme, "user", acme["deactivated"].id)
    acme.portal.execute("DELETE FROM erasure_request", acme)
    granted(acme, "deactivated", "account")
    work(acme)
    assert row_of(acme, "deactivated")["email"] == acme["deactivated"].email


@on_sqlite
def test_what_came_after_the_decision_is_not_erased(acme) -> None:
    granted(acme, "member", "documents")
    sent = acme.visit("member").upload("After.txt", b"later\n")
    work(acme)
    assert is_there(acme, UUID(sent.json["id"]))


@on_sqlite
def test_what_is_refused_changes_nothing(acme) -> None:
    path = ask(acme, "member", "documents").location
    assert decide(acme, path, "refuse") == 302
    assert decide(acme, path) == 409
    work(acme)
    assert all(is_there(acme, document) for document in acme.documents.values())
    assert "as the law wants it" in acme.visit("admin").get(path).text


def withdraw(acme: Organisation, path: str, who: str = "officer", reason: str = "a mistake") -> int:
    return acme.visit(who).post(f"{path}/withdraw", {"reason": reason}).status_code


def test_what_is_withdrawn_erases_nothing_more(acme, clock) -> None:
    plan, note = acme.documents["plan"], acme.documents["note"]
    rule(acme, name="Ten days", folder="shared", keep_days=10)
    path = granted(acme, "member", "documents", "account")
    deactivate(acme, "member")
    work(acme)
    assert (is_there(acme, plan), is_there(acme, note)) == (True, False)
    officer = acme.visit("officer")
    assert f"{path}/withdraw" in officer.get(path).text
    assert officer.get(f"{path}/withdraw").status_code == 200
    assert withdraw(acme, path, reason=" ") == 400
    assert withdraw(acme, path) == 302
    later(acme, clock, days=11)
    work(acme)
    assert is_there(acme, plan)
    assert row_of(acme, "member")["email"] == acme["member"].email
    page = acme.visit("officer").get(path).text
    assert "It was granted, and withdrawn." in page
    assert "a mistake" in page
    assert f"{path}/withdraw" not in page
    assert "a mistake" not in repr([acme.log(), acme.portal.rows("erasure_request")])
    [entry] = told(acme, "erasure.withdrawn")
    assert entry["target"] == f"user:{acme['member'].id}"
    assert withdraw(acme, path) == 409
    assert decide(acme, path) == 409
    again = ask(acme, "member", "documents").location
    assert decide(acme, again) == 302
    work(acme)
    assert not is_there(acme, plan)


@on_postgresql
def test_what_is_carried_out_meanwhile_is_not_withdrawn(acme, monkeypatch) -> None:
    """The worker was at it when the page was sent. On SQLite one of the two waits, unread."""
    path = granted(acme, "member", "account")
    deactivate(acme, "member")
    once_before(monkeypatch, erasing, "lock_retention_as", lambda: work(acme))
    answers = [acme.visit("officer").post(f"{path}/withdraw", {"reason": "a mistake"})]
    assert row_of(acme, "member")["email"].endswith("@erased.invalid")
    assert [answer.status_code for answer in answers] == [409]
    assert "is done" in acme.visit("officer").get(path).text


@on_sqlite
def test_only_what_was_granted_and_is_not_done_is_withdrawn(acme) -> None:
    path = ask(acme, "member", "documents").location
    assert withdraw(acme, path) == 409
    assert acme.visit("officer").get(f"{path}/withdraw").location == path
    assert decide(acme, path, "refuse") == 302
    assert withdraw(acme, path) == 409
    path = granted(acme, "member", "documents")
    work(acme)
    assert f"{path}/withdraw" not in acme.visit("officer").get(path).text
    assert withdraw(acme, path) == 409
    assert "erasure.withdrawn" not in [entry["action"] for entry in acme.log()]


@on_sqlite
def test_nobody_withdraws_what_is_about_themselves_nor_an_admin_at_all(acme) -> None:
    give(acme, "auditor", "compliance-officer")
    path = ask(acme, "officer", "account").location
    assert decide(acme, path, who="auditor") == 302
    assert f"{path}/withdraw" not in acme.visit("officer").get(path).text
    assert withdraw(acme, path) == withdraw(acme, path, who="admin") == 403
    assert withdraw(acme, path, who="auditor") == 302


@on_sqlite
def test_nobody_decides_about_themselves(acme) -> None:
    path = ask(acme, "officer", "documents").location
    assert decide(acme, path) == 403
    assert "This is about you" in acme.visit("officer").get(path).text
    give(acme, "auditor", "compliance-officer")
    assert decide(acme, path, who="auditor") == 302


@on_sqlite
def test_of_two_officers_one_asks_and_the_other_grants(acme) -> None:
    give(acme, "auditor", "compliance-officer")
    path = ask(acme, "member", "documents", who="officer").location
    assert "Grant, and" not in acme.visit("officer").get(path).text
    assert decide(acme, path) == 403
    assert decide(acme, path, who="auditor") == 302
    assert "alone" not in told(acme, "erasure.granted")[-1]["detail"]
    again = ask(acme, "member", "documents", who="officer").location
    assert decide(acme, again, "refuse") == 302, "that takes the question back"


@on_sqlite
def test_a_single_officer_grants_alone_and_the_log_says_so(acme) -> None:
    path = ask(acme, "member", "documents", who="officer").location
    assert "no other compliance officer" in acme.visit("officer").get(path).text
    assert decide(acme, path) == 302
    assert told(acme, "erasure.granted")[-1]["detail"]["alone"] is True


@on_sqlite
def test_an_admin_asks_and_does_not_decide(acme) -> None:
    path = ask(acme, "member", "documents").location
    assert decide(acme, path, who="admin") == 403
    assert ask(acme, "member", "documents", who="member").status_code == 403


@on_sqlite
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"email": "nobody@acme.example"}, 400),
        ({"what": []}, 422),
        ({"what": "everything"}, 422),
        ({"reason": " "}, 400),
    ],
)
def test_a_request_about_nobody_or_nothing_is_refused(acme, form, status) -> None:
    whole = {"email": acme["member"].email, "what": "documents", "reason": "by letter"}
    answer = acme.visit("admin").post("/retention/erasures/new", whole | form)
    assert answer.status_code == status


@on_sqlite
def test_only_one_request_about_a_person_waits(acme) -> None:
    assert ask(acme, "member", "documents").status_code == 302
    assert ask(acme, "member", "account").status_code == 409
