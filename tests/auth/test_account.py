"""One's own account: the password and the sessions, and nobody else's."""

import re

import pytest

from portal.auth.tokens import hash_token
from tests.browsing import links_of
from tests.installation import LOG, PASSWORD, Organisation

NEW = "seventeen purple lighthouses"


def change(organisation: Organisation, who: str = "member", **fields: str) -> object:
    form = {"present": PASSWORD, "new": NEW, "again": NEW} | fields
    return organisation.visit(who).post("/account/password", form)


def session_ids(organisation: Organisation, who: str) -> set:
    rows = organisation.portal.rows("user_session")
    person = organisation[who].id
    return {row["id"] for row in rows if row["user_id"] == person and row["ended_at"] is None}


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(acme) -> None:
    visitor, half = acme.visit("member"), acme.visit_half()
    form = {"present": PASSWORD, "new": NEW, "again": NEW}
    assert visitor.post("/account/password", form).location == "/account"
    assert visitor.get("/account").status_code == 200
    assert half.get("/auth/code").location.startswith("/auth/sign-in")
    assert len(session_ids(acme, "member")) == 1
    email = acme["member"].email
    old = acme.visit().post("/auth/sign-in", {"email": email, "password": PASSWORD})
    new = acme.visit().post("/auth/sign-in", {"email": email, "password": NEW})
    assert (old.status_code, new.status_code) == (401, 302)
    [entry, *_] = acme.log()
    assert (entry["action"], entry["detail"]) == ("password.changed", {"ended_sessions": 1})


def test_without_the_present_password_there_is_no_new_one(portal, acme) -> None:
    before = portal.dump()
    answer = change(acme, present="wrong horse")
    assert answer.status_code == 400
    assert acme.told() == [("password.refused", "failure")]
    after = portal.dump()
    assert {t for t in before if before[t] != after[t]} - LOG == {"attempt_count"}


def test_the_present_password_can_not_be_guessed_for_ever(acme, clock) -> None:
    statuses = [change(acme, present=f"wrong {i}").status_code for i in range(11)]
    assert statuses == [400] * 10 + [429]
    assert change(acme).status_code == 429
    assert acme.told()[-1] == ("sign-in.limited", "refused")
    clock.advance(minutes=15)
    assert change(acme).status_code == 302


@pytest.mark.parametrize(
    "weak",
    ["short", "password1234", "Member Acme", "acmeacme", "12345678", "qwertyuiop", "x" * 257],
)
def test_a_weak_password_is_refused_and_why(acme, weak) -> None:
    answer = change(acme, new=weak, again=weak)
    assert answer.status_code in (400, 422)
    assert change(acme).status_code == 302


@pytest.mark.parametrize(
    "fine", ["x7#Kq9!mW", "übermäßig große Frösche", "正しい馬の電池の主食です", "q" + "aZ3-" * 60]
)
def test_a_password_has_no_rules_of_composition(acme, fine) -> None:
    assert change(acme, new=fine, again=fine).status_code == 302
    answer = acme.visit().post("/auth/sign-in", {"email": acme["member"].email, "password": fine})
    assert answer.status_code == 302


def test_a_long_password_is_not_cut(acme) -> None:
    """bcrypt would take the first 72 bytes for the whole."""
    long = "seventeen purple lighthouses " * 4
    assert change(acme, new=long + "A", again=long + "A").status_code == 302
    form = {"email": acme["member"].email, "password": long + "B"}
    assert acme.visit().post("/auth/sign-in", form).status_code == 401


def test_one_ends_a_session_of_ones_own(acme) -> None:
    visitor, half = acme.visit("member"), acme.visit_half()
    [other] = [
        path.split("/")[3]
        for path in links_of(visitor.get("/account").text)
        if re.fullmatch(r"/account/sessions/[0-9a-f-]{36}/end", path)
    ]
    assert visitor.post(f"/account/sessions/{other}/end").location == "/account"
    assert half.get("/auth/code").location.startswith("/auth/sign-in")
    assert visitor.get("/account").status_code == 200
    assert acme.log()[0]["target"] == f"session:{other}"


def test_ending_the_session_in_use_signs_out(acme) -> None:
    visitor = acme.visit("auditor")
    [own] = session_ids(acme, "auditor")
    assert visitor.post(f"/account/sessions/{own}/end").location == "/auth/sign-in"
    assert visitor.cookie("session") is None
    assert acme.visit("auditor").get("/account").status_code == 302


def test_nobody_ends_the_session_of_another(acme) -> None:
    for session_id in session_ids(acme, "admin"):
        assert acme.visit("member").post(f"/account/sessions/{session_id}/end").status_code == 404
    assert acme.visit("admin").get("/members").status_code == 200
    assert acme.log() == []


def test_one_signs_out_everywhere_else(acme) -> None:
    assert len(session_ids(acme, "member")) == 2
    visitor = acme.visit("member")
    assert visitor.post("/account/sessions/end-others").location == "/account"
    assert visitor.get("/account").status_code == 200
    assert len(session_ids(acme, "member")) == 1
    assert len(session_ids(acme, "admin")) == 1


def test_the_page_shows_ones_own_sessions_and_nobody_elses(acme) -> None:
    page = acme.visit("member").get("/account").text
    assert all(str(i) in page for i in session_ids(acme, "member") if i not in _current(acme))
    assert not any(str(i) in page for i in session_ids(acme, "admin"))


def _current(acme) -> set:
    own = hash_token(acme["member"].token)
    return {r["id"] for r in acme.portal.rows("user_session") if bytes(r["token_hash"]) == own}
