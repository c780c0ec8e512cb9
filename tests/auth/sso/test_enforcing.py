"""Single sign-on as the only way in, and the way back in when it is broken."""

import re
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest

from tests.auth.sso.joined import Joined
from tests.auth.sso.test_signing_in import link
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation
from tests.web.access_list import ACCESS, HALF, SAFE
from tests.web.things import own_address

CODE = re.compile(r"[A-Z2-7]{10}-[A-Z2-7]{10}")


def enforce(organisation: Organisation) -> list[str]:
    answer = organisation.visit("admin").post("/sso/enforce")
    assert answer.status_code == 200, answer.text
    return CODE.findall(answer.text)


def break_glass(organisation: Organisation, code: str, email: str = "") -> Visitor:
    """A browser in which a code was given; signed in, if it was right."""
    visitor = organisation.visit(address="198.51.100.77")
    form = {"email": email or organisation["admin"].email, "code": code}
    visitor.status = visitor.post("/sso/break-glass", form).status_code
    token = visitor.cookie("session") or ""
    if token:
        visitor = organisation.portal.visit(organisation.host, token)
        visitor.status = 302
    return visitor


def test_it_can_not_be_enforced_before_a_provider_is_offered(acme) -> None:
    assert acme.visit("admin").post("/sso/enforce").status_code == 409
    assert acme.visit("member").get("/documents").status_code == 200


def test_enforcing_ends_every_other_way_in_at_once(acme, at_acme: Joined) -> None:
    at_acme.change(trusts_mfa="y")
    link(at_acme, "member")
    inside, member = at_acme.inside(), acme.visit("member")
    codes = enforce(acme)
    assert len(codes) == len(set(codes)) == 5
    assert member.get("/documents").status_code == 302
    assert acme.visit_half().get("/auth/code").status_code == 302
    assert inside.get("/documents").status_code == 200
    page = acme.visit().get("/auth/sign-in").text
    assert "Sign in with Login" in page
    assert "Break glass" in page
    assert 'type="password"' not in page
    form = {"email": acme["member"].email, "password": PASSWORD}
    assert acme.visit().post("/auth/sign-in", form).status_code == 403
    assert at_acme.sign_in().status_code == 302


def test_enforcing_takes_a_fresh_proof(acme, at_acme: Joined, clock) -> None:
    clock.advance(minutes=16)
    assert acme.visit("admin").post("/sso/enforce").status_code == 403
    assert acme.visit("member").get("/documents").status_code == 200


def test_the_codes_are_kept_nowhere(portal, acme, at_acme: Joined) -> None:
    codes = enforce(acme)
    kept = str(portal.dump())
    for code in codes:
        assert code not in kept
        assert code.replace("-", "") not in kept


def test_a_code_works_once_however_it_is_typed(acme, at_acme: Joined) -> None:
    first, second, *_ = enforce(acme)
    assert break_glass(acme, first.lower().replace("-", " ")).status == 302
    assert break_glass(acme, first).status == 401
    assert break_glass(acme, second).status == 302
    assert [row["detail"] for row in acme.log() if row["action"] == "sign-in.failed"] == [
        {"step": "break-glass"}
    ]


def test_of_two_who_use_a_code_at_once_one_is_let_in(acme, at_acme: Joined) -> None:
    [code, *_], start, statuses = enforce(acme), Barrier(4), []

    def use() -> None:
        start.wait()
        statuses.append(break_glass(acme, code).status)

    threads = [Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 401, 401, 401]


@pytest.mark.parametrize("who", ["member", "officer", "deactivated"])
def test_a_code_is_no_good_but_with_an_admins_email(acme, at_acme: Joined, who) -> None:
    code, *_ = enforce(acme)
    assert break_glass(acme, code, acme[who].email).status == 401
    assert break_glass(acme, code, "nobody@acme.example").status == 401
    assert break_glass(acme, code).status == 302, "and it is not used up by that"


def test_codes_are_no_good_where_there_is_another_way_in(acme, at_acme: Joined) -> None:
    first, second, *_ = enforce(acme)
    repairing = break_glass(acme, first)
    assert repairing.post("/sso/release").status_code == 302
    assert break_glass(acme, second).status == 401
    form = {"email": acme["member"].email, "password": PASSWORD}
    assert acme.visit().post("/auth/sign-in", form).location == "/auth/code"


def live_sessions(organisation: Organisation) -> list[dict]:
    return [
        row
        for row in organisation.portal.rows("user_session")
        if row["tenant_id"] == organisation.id and row["ended_at"] is None
    ]


def test_what_enforcing_ended_does_not_come_back_with_its_release(acme, at_acme: Joined) -> None:
    at_acme.change(trusts_mfa="y")
    inside, before = at_acme.inside(), live_sessions(acme)
    code, *_ = enforce(acme)
    [left] = live_sessions(acme)
    assert left["first_factor"] == "sso"
    [entry] = [row for row in acme.log() if row["action"] == "sso.enforced"]
    assert entry["detail"] == {"ended_sessions": len(before) - 1}
    break_glass(acme, code).post("/sso/release")
    for who in ("member", "admin", "officer"):
        assert acme.visit(who).get("/documents").location.startswith("/auth/sign-in"), who
    assert acme.visit_half().get("/auth/code").location.startswith("/auth/sign-in")
    assert inside.get("/documents").status_code == 200


def test_who_signs_in_while_it_is_enforced_does_not_come_back_either(acme, at_acme: Joined) -> None:
    """Their session may be written a moment after the others were ended."""
    code, *_ = enforce(acme)
    acme.portal.execute("UPDATE user_session SET ended_at = NULL", acme)
    assert acme.visit("member").get("/documents").status_code == 302
    break_glass(acme, code).post("/sso/release")
    assert acme.visit("member").get("/documents").status_code == 302


def test_enforcing_ends_nobodys_session_elsewhere(acme, globex, at_acme: Joined) -> None:
    enforce(acme)
    assert globex.visit("member").get("/documents").status_code == 200


def test_new_codes_take_the_place_of_the_old_ones(acme, at_acme: Joined) -> None:
    at_acme.change(trusts_mfa="y")
    link(at_acme, "admin")
    old = enforce(acme)
    break_glass(acme, old[0]).post("/sso/release")
    new = CODE.findall(at_acme.inside().post("/sso/enforce").text)
    assert break_glass(acme, old[1]).status == 401
    assert break_glass(acme, new[1]).status == 302


def test_tries_are_limited(acme, at_acme: Joined) -> None:
    code, *_ = enforce(acme)
    for _ in range(10):
        assert break_glass(acme, "AAAAAAAAAA-AAAAAAAAAA").status == 401
    assert break_glass(acme, code).status == 429


@on_sqlite
def test_a_strangers_tries_keep_no_admin_out(acme, at_acme: Joined) -> None:
    code, *_ = enforce(acme)
    stranger = acme.visit(address="203.0.113.9")
    form = {"email": acme["admin"].email, "code": "AAAAAAAAAA-AAAAAAAAAA"}
    tries = [stranger.post("/sso/break-glass", form).status_code for _ in range(11)]
    assert tries == [401] * 10 + [429]
    assert break_glass(acme, code).status == 302


def test_every_admin_is_told(portal, acme, at_acme: Joined) -> None:
    code, *_ = enforce(acme)
    before = len(portal.rows("job"))
    break_glass(acme, code)
    assert len(portal.rows("job")) == before + 2
    assert ("break-glass.used", "success") in acme.told()


# What repairing takes, and getting out again.
REPAIRS = {endpoint for endpoint in ACCESS if endpoint.startswith("sso.")} - {
    "sso.links", "sso.link", "sso.unlink",
} | {"auth.sign_out", "auth.step_up"}  # fmt: skip
OPEN_TO_ALL = {e for e, entry in ACCESS.items() if "stranger" in entry.let_in}


def test_a_session_behind_broken_glass_can_do_nothing_else(portal, acme, at_acme: Joined) -> None:
    code, *_ = enforce(acme)
    visitor = break_glass(acme, code)
    opened = set()
    for endpoint, entry in sorted(ACCESS.items()):
        if endpoint in OPEN_TO_ALL:
            continue
        for method in sorted(entry.answers):
            if endpoint in REPAIRS and method not in SAFE:
                continue
            status = visitor.open(
                own_address(acme, endpoint),
                method,
                headers={"X-CSRFToken": visitor.csrf_token},
            ).status_code
            if status not in (403, 404):
                opened.add(endpoint)
    # Who is signed in completely is sent on from what is for those who are not.
    half = {endpoint for endpoint, entry in ACCESS.items() if HALF in entry.let_in}
    assert opened - half == {e for e in REPAIRS - OPEN_TO_ALL if "GET" in ACCESS[e].answers}


def test_who_broke_glass_repairs_and_does_not_enforce_or_hand_out_roles(
    acme, at_acme: Joined
) -> None:
    code, *_ = enforce(acme)
    visitor = break_glass(acme, code)
    settings = {
        "name": "Login", "issuer": at_acme.provider.issuer, "client_id": "portal",
        "client_secret": "", "allowed_domains": "acme.example", "default_role": "member",
        "groups_claim": "groups", "group_roles": "",
    }  # fmt: skip
    edit = f"/sso/{at_acme.id}/edit"
    assert visitor.post(edit, settings | {"name": "Mended"}).status_code == 302
    assert visitor.post(edit, settings | {"group_roles": "staff = Admin"}).status_code == 403
    elsewhere = settings | {"issuer": "https://elsewhere.example"}
    assert visitor.post(edit, elsewhere).status_code == 403, "others' word would give roles"
    assert visitor.post(edit, elsewhere | {"default_role": ""}).status_code == 302
    assert visitor.post("/sso/release").status_code == 302
    assert visitor.post("/sso/enforce").status_code == 403


def test_a_session_behind_broken_glass_ends_by_itself(acme, at_acme: Joined, clock) -> None:
    code, *_ = enforce(acme)
    visitor = break_glass(acme, code)
    assert visitor.get("/sso").status_code == 200
    clock.advance(minutes=29)
    assert visitor.get("/sso").status_code == 200
    clock.advance(minutes=2)
    assert visitor.get("/sso").status_code == 302


def test_the_only_way_in_is_not_taken_away(acme, at_acme: Joined) -> None:
    code, *_ = enforce(acme)
    visitor = break_glass(acme, code)
    assert visitor.post(f"/sso/{at_acme.id}/withdraw").status_code == 409
    assert visitor.post(f"/sso/{at_acme.id}/delete").status_code == 409


def test_the_codes_do_not_depend_on_the_hour(acme, at_acme: Joined, clock) -> None:
    code, *_ = enforce(acme)
    clock.go_to(datetime(2036, 1, 1, tzinfo=UTC))
    assert break_glass(acme, code).status == 302


def test_broken_glass_makes_no_browser_known(acme, at_acme: Joined) -> None:
    """What a code on paper opens says nothing of whose browser it is."""
    code, *_ = enforce(acme)
    visitor = acme.visit(address="198.51.100.77")
    answer = visitor.post("/sso/break-glass", {"email": acme["admin"].email, "code": code})
    assert (answer.status_code, visitor.cookie("session") is None) == (302, False)
    assert visitor.cookie("device") is None
