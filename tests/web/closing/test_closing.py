"""Closing an organisation: two people, a time in which all is read and nothing changed, the end."""

import pytest

from portal.audit.actor import OPERATOR
from portal.auth.closing.service import ask_as_operator
from portal.core.settings import active
from portal.tenancy.models import TenantState
from portal.tenancy.service import change_state
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.links.sharing import make, opened
from tests.documents.retention.keeping import end_holds, hold, while_a_closing_begins
from tests.installation import PASSWORD, Organisation, begin_sessions_anew

WANTED = {"slug": "acme", "reason": "merged"}
BANNER = "This organisation is closing. Until"


@pytest.fixture(autouse=True)
def nothing_is_held(acme) -> None:
    end_holds(acme)


def act_id(organisation: Organisation) -> str:
    rows = organisation.portal.rows("pending_act")
    return str(next(r["id"] for r in rows if r["kind"] == "close-organisation"))


def close(organisation: Organisation) -> None:
    asked = organisation.visit("admin").post("/closing/ask", WANTED)
    assert asked.status_code == 302, asked.text
    agreed = organisation.visit("second_admin").post(f"/approvals/{act_id(organisation)}/approve")
    assert agreed.status_code == 302, agreed.text


def sign_in(organisation: Organisation, who: str):
    visitor = organisation.visit(address="192.0.2.99")
    visitor.submit("/auth/sign-in", email=organisation[who].email, password=PASSWORD)
    return visitor.submit("/auth/code", code=organisation[who].code)


def test_two_admins_agree_and_then_all_is_read_and_nothing_changed(acme, globex, clock) -> None:
    member = acme.visit("member")
    assert BANNER not in member.get("/documents").text
    close(acme)
    assert BANNER in member.get("/documents").text
    assert member.get(f"/documents/{acme.documents['note']}/download").status_code == 200
    chosen = {"things": [f"document:{acme.documents['note']}"]}
    assert member.post("/documents/many/download", chosen).status_code == 200
    assert member.post("/documents/many/star", chosen).status_code == 403
    refused = member.upload("New.txt", b"new")
    assert refused.status_code == 403
    assert member.post("/folders", {"name": "New"}).status_code == 403
    assert acme.visit("admin").post("/members/new", {}).status_code == 403
    assert acme.visit("officer").get("/audit").status_code == 200
    assert BANNER in acme.visit("officer").get("/audit").text
    assert sign_in(acme, "member").status_code == 302
    assert member.post("/auth/sign-out").status_code == 302
    people = {mail["to"] for mail in acme.mails() if mail["subject"].endswith("is closing")}
    assert people == {acme[who].email for who in ("admin", "second_admin", "officer")}
    assert BANNER not in globex.visit("member").get("/documents").text

    taken_back = acme.visit("admin").post("/closing/take-back")
    assert taken_back.status_code == 302
    visitor = acme.visit("admin")
    assert BANNER not in visitor.get("/members").text
    assert acme.visit("auditor").get("/documents").status_code == 200
    assert globex.visit("member").upload("New.txt", b"new").status_code == 201
    told = [action for action, _ in acme.told() if action.startswith(("closing", "act"))]
    assert told == ["act.asked", "act.approved", "closing.begun", "closing.withdrawn"]


@on_postgresql
def test_a_content_that_is_complete_while_a_closing_begins_is_refused(acme) -> None:
    """Its request was let in before, and its rows wait for their turn."""
    member = acme.visit("member")
    answer = while_a_closing_begins(
        acme, "pg_advisory_xact_lock_shared(", lambda: member.upload("Late.txt", b"late")
    )
    assert (answer.status_code, "is closing" in answer.text) == (403, True)
    assert "Late.txt" not in acme.visit("member").get("/documents").text


@on_sqlite
def test_the_log_is_still_taken_out_and_nothing_else_agreed_to(acme) -> None:
    close(acme)
    officer = acme.visit("officer")
    form = {"form": "jsonl", "reason": "to keep it"}
    assert officer.post("/audit/exports", form).status_code == 302
    [export] = [row for row in acme.portal.rows("log_export") if row["reason"] == "to keep it"]
    taken = officer.get(f"/audit/exports/{export['id']}")
    assert "closing.begun" in taken.text
    waiting = next(row["id"] for row in acme.portal.rows("pending_act")
                   if row["kind"] == "reset-factors" and row["tenant_id"] == acme.id)  # fmt: skip
    refused = acme.visit("admin").post(f"/approvals/{waiting}/approve")
    assert (refused.status_code, "is closing" in refused.text) == (409, True)


@on_sqlite
def test_who_asked_does_not_agree_and_the_name_is_typed(acme) -> None:
    admin = acme.visit("admin")
    wrong = admin.post("/closing/ask", WANTED | {"slug": "globex"})
    assert wrong.status_code == 400
    assert "not the organisation’s short name" in wrong.text.replace("&#39;", "’")
    admin.post("/closing/ask", WANTED)
    assert admin.post(f"/approvals/{act_id(acme)}/approve").status_code == 403
    assert acme.visit("officer").post(f"/approvals/{act_id(acme)}/approve").status_code == 403
    assert admin.post("/closing/ask", WANTED).status_code == 409
    assert BANNER not in acme.visit("member").get("/documents").text


@on_sqlite
def test_nobody_chooses_that_one_admin_is_enough(acme) -> None:
    admin = acme.visit("admin")
    chosen = admin.post("/policy/choice", {"kinds": ["close-organisation"]})
    assert chosen.status_code in (400, 422)
    admin.post("/closing/ask", WANTED)
    assert acme.portal.rows("organisation_closing") == []


@on_sqlite
def test_a_proof_is_asked_for_that_is_not_old(acme, clock) -> None:
    clock.advance(minutes=20)
    for path in ("/closing/ask", "/closing/agree", "/closing/take-back", "/keys/rotate"):
        asked = acme.visit("admin").post(path, WANTED)
        assert "Confirm" in asked.text, path
    assert acme.portal.rows("organisation_closing") == []


def test_when_the_time_is_over_nobody_comes_in_and_nothing_is_taken_back(acme, clock) -> None:
    close(acme)
    clock.advance(days=active().closing_days, seconds=-90)
    begin_sessions_anew(acme)
    assert acme.visit("member").get("/documents").status_code == 200
    clock.advance(seconds=120)
    for who in ("member", "admin"):
        refused = acme.visit(who).get("/documents")
        assert refused.status_code == 403
        assert "This organisation is closed." in refused.text
    assert acme.visit("admin").post("/closing/take-back").status_code == 403
    form = {"email": acme["member"].email, "password": PASSWORD}
    refused = acme.visit().post("/auth/sign-in", form)
    assert (refused.status_code, "is closed" in refused.text) == (403, True)


@on_sqlite
def test_what_is_shared_with_people_outside_is_shared_no_more(acme) -> None:
    stranger, path = opened(acme, make(acme))
    assert stranger.get(path).status_code == 200
    close(acme)
    for address in (path, f"{path}/documents/{acme.documents['plan']}/download"):
        refused = stranger.get(address)
        assert refused.status_code == 403
        assert "no longer shared" in refused.text


def test_nobody_joins_any_more(acme) -> None:
    close(acme)
    link = acme["invited"].invitation.partition(":8000")[2]
    chosen = {"password": PASSWORD, "again": PASSWORD}
    assert acme.visit().get(link).status_code == 404
    assert acme.visit().post(link, chosen).status_code == 404
    assert acme.visit("admin").post("/closing/take-back").status_code == 302
    assert acme.visit().post(link, chosen).status_code == 302


def ask(organisation: Organisation) -> None:
    with organisation.bound(writes=True):
        ask_as_operator(OPERATOR, "not paid")


def test_what_the_operator_asks_for_one_agrees_to_who_cares_for_the_keys(acme) -> None:
    ask(acme)
    assert acme.visit("member").upload("New.txt", b"new").status_code == 201, "it is asked, no more"
    for who in ("member", "auditor", "guest"):
        assert acme.visit(who).post("/closing/agree").status_code == 403
    assert "not paid" in acme.visit("officer").get("/closing").text
    assert acme.visit("officer").post("/closing/agree").status_code == 302
    assert acme.visit("member").upload("Newer.txt", b"new").status_code == 403
    assert acme.visit("officer").post("/closing/agree").status_code == 403
    assert acme.visit("admin").post("/closing/take-back").status_code == 302


@on_sqlite
def test_a_legal_hold_keeps_an_organisation_from_being_closed(acme) -> None:
    hold(acme, "document", acme.documents["plan"])
    acme.visit("admin").post("/closing/ask", WANTED)
    refused = acme.visit("second_admin").post(f"/approvals/{act_id(acme)}/approve")
    assert refused.status_code == 409
    assert "hold" not in refused.text.lower()
    ask(acme)
    assert acme.visit("officer").post("/closing/agree").status_code == 409
    assert BANNER not in acme.visit("member").get("/documents").text


@on_sqlite
def test_an_admin_declines_what_the_operator_asks_for(acme) -> None:
    ask(acme)
    assert acme.visit("admin").post("/closing/take-back").status_code == 302
    assert acme.visit("officer").post("/closing/agree").status_code == 409
    assert acme.visit("admin").post("/closing/take-back").status_code == 409
    ask(acme)


@on_sqlite
@pytest.mark.parametrize(
    ("state", "status", "told"),
    [
        (TenantState.SUSPENDED, 403, "is suspended"),
        (TenantState.CLOSING, 403, "being closed for good"),
        (TenantState.DESTROYED, 410, "Its keys were destroyed"),
    ],
)
def test_each_state_is_told_honestly(acme, state, status, told) -> None:
    change_state(acme.portal.settings.owner_database_url, acme.record, state)
    for path in ("/auth/sign-in", "/documents", "/"):
        answer = acme.visit("member").get(path)
        assert answer.status_code == status
        assert told in answer.text
