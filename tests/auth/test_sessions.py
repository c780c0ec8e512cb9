"""Where people are signed in: seen and ended by themselves and by admins, told where it is new."""

import re
from datetime import timedelta

import pytest

from portal.auth.assurance import Audience, Factor
from portal.auth.policy.models import SignInPolicy
from portal.auth.sweep import KEPT_FOR, sweep_past
from portal.auth.tokens import hash_token
from tests.browsing import Visitor
from tests.installation import PASSWORD, Organisation

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture(autouse=True)
def no_old_mail(portal) -> None:
    portal.execute_everywhere("DELETE FROM job")


def session_ids(organisation: Organisation, who: str) -> set:
    rows = organisation.portal.rows("user_session")
    person = organisation[who].id
    return {row["id"] for row in rows if row["user_id"] == person and row["ended_at"] is None}


def subjects(organisation: Organisation) -> list[str]:
    return [mail["subject"] for mail in organisation.mails()]


def sign_in(organisation: Organisation, clock, browser: str, who: str = "member") -> Visitor:
    """Sign in completely from a browser."""
    visitor, sent = half_way(organisation, browser, who), {"User-Agent": browser}
    clock.advance(seconds=30)  # for the next code
    code = {"code": organisation[who].code}
    assert visitor.post("/auth/code", code, headers=sent).status_code == 302
    return visitor


def half_way(organisation: Organisation, browser: str, who: str = "member") -> Visitor:
    visitor = organisation.visit(address="198.51.100.8")
    form = {"email": organisation[who].email, "password": PASSWORD}
    answer = visitor.post("/auth/sign-in", form, headers={"User-Agent": browser})
    assert answer.status_code == 302
    token = visitor.cookie("session")
    return organisation.portal.visit(organisation.host, token, address="198.51.100.8")


def test_the_account_shows_browser_place_and_proof_of_each_session(acme, clock) -> None:
    page = sign_in(acme, clock, FIREFOX.format(140, 140)).get("/account").text
    assert "Firefox on Linux" in page
    assert "198.51.100.8" in page
    assert page.count("Password, authenticator") == 2
    assert "Password only" in page, "the one between the password and the code"


def test_an_admin_sees_and_ends_one_session_of_a_member(acme, clock) -> None:
    member, other = acme.visit("member"), sign_in(acme, clock, CHROME)
    admin, path = acme.visit("admin"), f"/members/{acme['member'].id}"
    page = admin.get(path).text
    assert "Chrome on Windows" in page
    assert "198.51.100.8" in page
    own = hash_token(acme["member"].token)
    [ended] = [r["id"] for r in acme.portal.rows("user_session") if bytes(r["token_hash"]) == own]
    assert f"{path}/sessions/{ended}/end" in page
    assert admin.post(f"{path}/sessions/{ended}/end").location == path
    assert member.get("/account").status_code == 302
    assert other.get("/account").status_code == 200
    assert subjects(acme)[-1] == "You were signed out"
    assert acme.mails()[-1]["to"] == acme["member"].email
    assert "Admin Acme" in acme.mails()[-1]["txt"]
    assert "192.0.2.7" not in acme.mails()[-1]["txt"], (
        "an admin's address is not a member's to know"
    )


def test_an_admin_ends_all_sessions_of_a_member_after_a_question(acme) -> None:
    member, half = acme.visit("member"), acme.visit_half()
    path = f"/members/{acme['member'].id}/sessions/end"
    assert acme.visit("admin").get(path).status_code == 200
    assert member.get("/account").status_code == 200, "a question ends nothing"
    assert acme.visit("admin").submit(path).location == f"/members/{acme['member'].id}"
    assert member.get("/account").status_code == 302
    assert half.get("/auth/code").location.startswith("/auth/sign-in")
    assert session_ids(acme, "member") == set()
    assert acme.visit("admin").get("/members").status_code == 200
    assert subjects(acme) == ["You were signed out"]
    assert acme.visit("admin").post(path).status_code == 409, "there is nothing left to end"


@pytest.mark.parametrize("who", ["officer", "auditor"])
def test_whoever_may_not_end_sessions_does_not_see_them(acme, who) -> None:
    page = acme.visit(who).get(f"/members/{acme['member'].id}").text
    assert acme["member"].email in page
    assert "signed in" not in page
    assert "192.0.2.7" not in page


def test_admins_end_their_own_sessions_on_their_account_only(acme) -> None:
    path = f"/members/{acme['admin'].id}"
    assert "/sessions/" not in acme.visit("admin").get(path).text
    [own] = session_ids(acme, "admin")
    for address in (f"{path}/sessions/end", f"{path}/sessions/{own}/end"):
        assert acme.visit("admin").post(address).status_code == 403
    assert session_ids(acme, "admin") == {own}


def test_a_session_is_ended_only_as_the_persons_whose_it_is(acme, globex) -> None:
    [officers], [foreign] = session_ids(acme, "officer"), session_ids(globex, "auditor")
    for session_id in (officers, foreign):
        path = f"/members/{acme['member'].id}/sessions/{session_id}/end"
        assert acme.visit("admin").post(path).status_code == 404
    assert acme.visit("officer").get("/account").status_code == 200
    assert globex.visit("auditor").get("/account").status_code == 200


@pytest.mark.parametrize("path", ["sessions/end", "sessions/{own}/end"])
def test_an_old_proof_is_not_enough_to_end_sessions(acme, clock, path) -> None:
    [own] = session_ids(acme, "auditor")
    address = f"/members/{acme['auditor'].id}/{path.format(own=own)}"
    clock.advance(minutes=31)
    admin = acme.visit("admin")
    assert admin.post(address).status_code == 403
    assert session_ids(acme, "auditor") == {own}
    assert admin.post(address, {"proof_code": acme["admin"].code}).status_code == 302
    assert session_ids(acme, "auditor") == set()


def test_a_new_browser_is_told_of_and_a_known_one_is_not(acme, clock) -> None:
    sign_in(acme, clock, FIREFOX.format(140, 140))
    [told] = acme.mails()
    assert (told["to"], told["subject"]) == (acme["member"].email, "Signed in from a new browser")
    assert "Firefox on Linux" in told["txt"]
    assert "198.51.100.8" in told["txt"]
    sign_in(acme, clock, FIREFOX.format(141, 141))  # browsers update themselves
    assert len(acme.mails()) == 1
    sign_in(acme, clock, CHROME)
    assert len(acme.mails()) == 2
    sign_in(acme, clock, CHROME, who="auditor")
    assert [mail["to"] for mail in acme.mails()][2:] == [acme["auditor"].email]


def test_whoever_has_the_password_alone_makes_no_browser_known(acme, clock) -> None:
    half_way(acme, CHROME)
    assert acme.mails() == [], "nobody has come in yet"
    sign_in(acme, clock, CHROME)
    assert subjects(acme) == ["Signed in from a new browser"]


def test_a_browser_that_was_not_used_for_long_is_new_again(acme, clock) -> None:
    sign_in(acme, clock, CHROME)
    clock.advance(days=(KEPT_FOR + timedelta(days=2)).days)
    with acme.bound(writes=True):
        sweep_past()
    sign_in(acme, clock, CHROME)
    assert subjects(acme) == ["Signed in from a new browser"] * 2


def test_where_a_password_is_enough_a_new_browser_is_told_of_as_well(portal, acme, clock) -> None:
    portal.execute("DELETE FROM totp_device", acme)
    with acme.bound(writes=True) as session:
        session.add(lax_policy(acme))
    half_way(acme, CHROME)
    assert subjects(acme) == ["Signed in from a new browser"]
    half_way(acme, CHROME)
    assert len(subjects(acme)) == 1
    assert [a for a, _ in acme.told()] == ["sign-in.password-accepted", "sign-in.succeeded"] * 2


def lax_policy(organisation: Organisation) -> SignInPolicy:
    return SignInPolicy(
        id=organisation.id, mfa_for=Audience.NOBODY, factors=[*Factor], idle_minutes=60,
        absolute_hours=12, password_min_length=8,
    )  # fmt: skip


def test_what_a_browser_says_of_itself_is_shown_as_text(acme, clock) -> None:
    evil = "<script>alert(1)</script>"
    page = sign_in(acme, clock, evil).get("/account").text
    assert evil not in page
    assert "&lt;script&gt;" in page
    assert evil not in acme.mails()[-1]["html"]
    assert not re.search(r"<script[^>]*>[^<]", page)
