"""Signing in by the pages: a password, then a code, and what happens to those who guess."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as changed
from threading import Barrier

import pyotp
import pytest
from argon2 import PasswordHasher

from portal.auth import passwords
from portal.auth.tokens import hash_token
from portal.core import clock, settings
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation


def give_password(visitor: Visitor, email: str, password: str = PASSWORD, **more: str) -> object:
    return visitor.post("/auth/sign-in", {"email": email, "password": password, **more})


def half_way(
    organisation: Organisation, who: str = "member", address: str = "192.0.2.7"
) -> Visitor:
    visitor = organisation.visit(address=address)
    visitor.submit("/auth/sign-in", email=organisation[who].email, password=PASSWORD)
    visitor.csrf_token = form_token(visitor)
    return visitor


def form_token(visitor: Visitor) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get("/auth/code").text)[1]


def sessions_of(organisation: Organisation, who: str) -> list[dict]:
    rows = organisation.portal.rows("user_session")
    return [r for r in rows if r["user_id"] == organisation[who].id and r["ended_at"] is None]


# The password


def test_password_and_code_lead_to_where_one_was_going(acme) -> None:
    visitor = acme.visit()
    refused = visitor.get("/account?x=1")
    assert refused.location == "/auth/sign-in?next=/account?x%3D1"
    answer = visitor.submit(refused.location, email=acme["member"].email, password=PASSWORD)
    assert answer.location == "/auth/code?next=/account?x%3D1"
    answer = visitor.submit(answer.location, code=acme["member"].code)
    assert answer.location == "/account?x=1"
    assert visitor.get(answer.location).status_code == 200
    assert acme.told() == [
        ("sign-in.password-accepted", "success"),
        ("sign-in.succeeded", "success"),
    ]
    entry = acme.log()[-1]
    assert (entry["actor_id"], entry["target"], entry["address"], entry["detail"]) == (
        acme["member"].id,
        f"user:{acme['member'].id}",
        "192.0.2.7",
        {"assurance": "password+totp"},
    )


def test_a_wrong_password_and_an_unknown_person_look_the_same(acme) -> None:
    """V13. And a deactivated one, and one who was only invited."""
    answers = {
        email: give_password(acme.visit(), email, "wrong horse")
        for email in ("nobody@acme.example", *(acme[who].email for who in ("member", "invited")))
    }
    answers["off"] = give_password(acme.visit(), acme["deactivated"].email)
    pages = {
        re.sub(r'value="[^"]*"', "", answer.text).replace(email, "")
        for email, answer in answers.items()
    }
    assert {answer.status_code for answer in answers.values()} == {401}
    assert len(pages) == 1
    assert {"Set-Cookie" in answer.headers for answer in answers.values()} == {False}
    assert acme.told() == [("sign-in.failed", "failure")] * 4
    assert [entry["target"] for entry in acme.log()] == [
        "user:unknown",
        *(f"user:{acme[who].id}" for who in ("member", "invited", "deactivated")),
    ]


def test_an_unknown_person_costs_a_hash_too(acme, monkeypatch) -> None:
    seen = []
    real = passwords._hasher().verify
    monkeypatch.setattr(
        type(passwords._hasher()), "verify", lambda self, h, p: seen.append(h) or real(h, p)
    )
    for email in ("nobody@acme.example", acme["invited"].email, acme["member"].email):
        give_password(acme.visit(), email, "wrong horse")
    assert len(seen) == 3
    assert len({value.split("$")[3] for value in seen}) == 1  # at the same cost


def test_the_e_mail_is_taken_in_any_case_and_the_password_in_none(acme) -> None:
    assert give_password(acme.visit(), f" {acme['member'].email.upper()} ").status_code == 302
    assert give_password(acme.visit(), acme["member"].email, PASSWORD.upper()).status_code == 401


def test_the_same_e_mail_elsewhere_is_somebody_else(acme, globex) -> None:
    assert give_password(globex.visit(), acme["member"].email).status_code == 401
    assert globex.log()[0]["target"] == "user:unknown"
    assert acme.log() == []


def test_ten_wrong_passwords_from_one_address_are_enough_for_a_while(acme, clock) -> None:
    email = acme["member"].email
    for _ in range(10):
        assert give_password(acme.visit(), email, "wrong horse").status_code == 401
    answer = give_password(acme.visit(), email)
    assert answer.status_code == 429  # the right one, too late
    assert acme.told()[-1] == ("sign-in.limited", "refused")
    assert give_password(acme.visit(), acme["admin"].email).status_code == 302
    elsewhere = acme.visit(address="198.51.100.1")
    assert give_password(elsewhere, email).status_code == 302, "a stranger has locked somebody out"
    clock.advance(minutes=15)
    assert give_password(acme.visit(), email).status_code == 302


def test_a_limit_counts_for_unknown_people_too(acme) -> None:
    for _ in range(10):
        give_password(acme.visit(), "nobody@acme.example")
    assert give_password(acme.visit(), "nobody@acme.example").status_code == 429


def test_a_limit_is_the_tenants_own(acme, globex) -> None:
    for _ in range(11):
        give_password(acme.visit(), "somebody@shared.example")
    assert give_password(globex.visit(), "somebody@shared.example").status_code == 401


def test_success_forgets_what_went_wrong_before(acme) -> None:
    email = acme["member"].email
    for _ in range(2):
        for _ in range(9):
            give_password(acme.visit(), email, "wrong horse")
        assert give_password(acme.visit(), email).status_code == 302


def test_parallel_guesses_do_not_get_round_the_limit(portal, acme) -> None:
    email, visitors = acme["member"].email, [acme.visit() for _ in range(16)]
    start = Barrier(len(visitors))

    def guess(visitor: Visitor) -> int:
        start.wait()
        return give_password(visitor, email, "wrong horse").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(guess, visitors))
    assert statuses == [401] * 10 + [429] * 6


@on_sqlite
def test_a_flood_from_one_address_never_reaches_the_hash(portal_with, acme) -> None:
    other = portal_with(requests_per_minute=3)
    visitor = other.visit(acme.host, address="203.0.113.77")
    statuses = [give_password(visitor, f"a{i}@b.example").status_code for i in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert visitor.get("/auth/sign-in").status_code == 200


def test_a_password_that_was_hashed_at_another_cost_is_hashed_anew(portal, acme) -> None:
    cheap = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    user = acme["member"].id
    where = f"user_id IN ('{user.hex}')" if portal.name == "sqlite" else f"user_id = '{user}'"
    portal.execute(f"UPDATE password_credential SET password_hash = '{cheap}' WHERE {where}", acme)
    assert give_password(acme.visit(), acme["member"].email).status_code == 302
    [row] = [r for r in portal.rows("password_credential") if r["user_id"] == user]
    assert row["password_hash"].startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert give_password(acme.visit(), acme["member"].email).status_code == 302


# The code


def test_a_code_is_refused_the_second_time(acme) -> None:
    code = acme["member"].code
    assert half_way(acme).post("/auth/code", {"code": code}).status_code == 302
    again = half_way(acme)
    assert again.post("/auth/code", {"code": code}).status_code == 401
    assert again.get("/documents").status_code == 302
    assert acme.told()[-3:] == [
        ("sign-in.succeeded", "success"),
        ("sign-in.password-accepted", "success"),
        ("sign-in.failed", "failure"),
    ]


def test_a_code_works_once_also_in_parallel(acme) -> None:
    code, visitors = acme["member"].code, [half_way(acme) for _ in range(6)]
    start = Barrier(len(visitors))

    def redeem(visitor: Visitor) -> int:
        start.wait()
        return visitor.post("/auth/code", {"code": code}).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(redeem, visitors))
    assert statuses == [302] + [401] * 5


def test_a_code_in_other_digits_is_no_code(acme) -> None:
    """A replay kept by its text would be passed in full-width digits, which int() reads as well."""
    code = acme["member"].code
    for zero in ("\uff10", "\u0660", "\u0966"):  # full-width, Arabic-Indic, Devanagari
        other = "".join(chr(ord(zero) + int(digit)) for digit in code)
        assert half_way(acme).post("/auth/code", {"code": other}).status_code == 401
    assert half_way(acme).post("/auth/code", {"code": f"{code[:3]} {code[3:]}"}).status_code == 302


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 302), (0, 302), (1, 302), (2, 401)])
def test_a_clock_may_be_wrong_by_one_step(acme, clock, steps, status) -> None:
    code = acme["member"].code_at(steps)
    assert half_way(acme).post("/auth/code", {"code": code}).status_code == status


def test_a_step_before_one_that_was_used_is_over(acme) -> None:
    member = acme["member"]
    assert half_way(acme).post("/auth/code", {"code": member.code_at(1)}).status_code == 302
    for steps in (0, 1):
        assert half_way(acme).post("/auth/code", {"code": member.code_at(steps)}).status_code == 401


def test_ten_wrong_codes_are_enough_even_from_many_addresses(acme, clock) -> None:
    for i in range(10):
        visitor = half_way(acme, address=f"198.51.100.{i}")
        assert visitor.post("/auth/code", {"code": "000000"}).status_code == 401
    assert half_way(acme).post("/auth/code", {"code": acme["member"].code}).status_code == 429
    clock.advance(minutes=15)
    assert half_way(acme).post("/auth/code", {"code": acme["member"].code}).status_code == 302


def test_the_code_of_another_person_is_wrong(acme) -> None:
    assert half_way(acme).post("/auth/code", {"code": acme["admin"].code}).status_code == 401


def test_the_session_is_another_one_after_the_code(acme) -> None:
    """ASVS 7.2.4: a token that was known before is worth nothing after."""
    visitor = half_way(acme)
    before = visitor.cookie("session")
    assert visitor.post("/auth/code", {"code": acme["member"].code}).status_code == 302
    assert visitor.cookie("session") != before
    old = acme.visit()
    old.take("session", before)
    assert old.get("/documents").location.startswith("/auth/sign-in")


def test_half_way_there_is_nothing_but_the_code(acme) -> None:
    visitor = half_way(acme)
    for path in ("/documents", "/account", "/members", "/"):
        assert visitor.get(path).location.split("?")[0] == "/auth/code"
    assert visitor.post("/folders", {"name": "New"}).status_code == 401


# The authenticator


def test_whoever_has_no_authenticator_sets_one_up_first(acme) -> None:
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    visitor = acme.visit()
    visitor.submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
    assert visitor.get("/auth/code").location.startswith("/auth/enrol")
    page = visitor.get("/auth/enrol").text
    assert "<svg" in page
    secret = secret_on(page)
    assert secret_on(visitor.get("/auth/enrol").text) == secret  # reloading makes no other one
    wrong = visitor.submit("/auth/enrol", code="000000")
    assert (wrong.status_code, secret_on(wrong.text)) == (401, secret)
    person = changed(acme["member"], totp_secret=secret)
    assert visitor.submit("/auth/enrol", code=person.code).status_code == 302
    assert visitor.get("/documents").status_code == 200
    assert acme.told()[-2:] == [("factor.enrolled", "success"), ("sign-in.succeeded", "success")]
    assert secret not in visitor.get("/account").text
    again = acme.visit()
    again.submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
    assert again.get("/auth/enrol").location.startswith("/auth/code"), "the secret is shown again"
    assert again.submit("/auth/code", code=person.code).status_code == 401, "used by the enrolment"


def secret_on(page: str) -> str:
    joined = re.sub(r"(?<=[A-Z2-7]{4}) (?=[A-Z2-7]{4})", "", page)
    [secret] = set(re.findall(r"[A-Z2-7]{32}", joined))
    return secret


def test_the_secret_is_sealed_in_the_row(portal, acme) -> None:
    member = acme["member"]
    [row] = [r for r in portal.rows("totp_device") if r["user_id"] == member.id]
    assert member.totp_secret.encode() not in bytes(row["secret_sealed"])
    assert row["secret_sealed"][0] == 1


# Where to go next


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "/%0d%0aLocation: https://evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "///evil.example",
        "/ /evil.example\n",
    ],
)
@on_sqlite
def test_nobody_is_sent_elsewhere_after_signing_in(acme, target) -> None:
    visitor = acme.visit()
    page = visitor.get("/auth/sign-in", query_string={"next": target})
    assert page.status_code == 200
    answer = give_password(visitor, acme["member"].email, next=target)
    assert answer.status_code == 302
    assert re.fullmatch(r"/auth/code(\?next=/.*)?", answer.location)
    visitor.csrf_token = form_token(visitor)
    answer = visitor.post("/auth/code", {"code": acme["member"].code, "next": target})
    assert answer.status_code == 302
    assert re.fullmatch(r"/|/%0[dD].*|/%250d.*", answer.location), answer.location


# What a session is


def test_only_a_hash_of_the_token_is_kept(portal, acme) -> None:
    token = acme["member"].token
    assert len(token) == 43
    [row] = [r for r in portal.rows("user_session") if bytes(r["token_hash"]) == hash_token(token)]
    assert row["user_id"] == acme["member"].id
    assert token not in repr(portal.dump())


def test_signing_out_ends_the_session_itself(acme) -> None:
    visitor, copy = acme.visit("member"), acme.visit("member")
    answer = visitor.post("/auth/sign-out")
    assert answer.location == "/auth/sign-in"
    assert visitor.cookie("session") is None
    assert copy.get("/documents").status_code == 302
    assert acme.told() == [("sign-out.succeeded", "success")]
    assert "You are signed out" in visitor.get("/auth/sign-in").text


def test_signing_out_is_not_done_by_a_link(acme) -> None:
    visitor = acme.visit("member")
    assert visitor.get("/auth/sign-out").status_code == 405
    assert visitor.get("/documents").status_code == 200


def test_a_cookie_is_dead_on_another_tenants_host(acme, globex) -> None:
    for who in ("member", "admin"):
        visitor = globex.visit()
        visitor.take("session", acme[who].token)
        assert visitor.get("/account").location.startswith("/auth/sign-in")


def test_an_idle_session_ends(acme, clock) -> None:
    visitor = acme.visit("member")
    for _ in range(3):
        clock.advance(minutes=59)
        assert visitor.get("/documents").status_code == 200
    clock.advance(minutes=60)
    assert visitor.get("/documents").status_code == 302
    clock.advance(minutes=-59)
    assert acme.visit("admin").get("/members").status_code == 302


def test_a_session_ends_after_half_a_day_in_any_case(acme, clock) -> None:
    visitor = acme.visit("member")
    for _ in range(23):
        clock.advance(minutes=30)
        assert visitor.get("/documents").status_code == 200
    clock.advance(minutes=31)
    assert visitor.get("/documents").status_code == 302


def test_the_limits_are_the_installations(portal, acme, clock) -> None:
    settings.use(changed(portal.settings, session_idle_minutes=5, session_absolute_hours=1))
    visitor = acme.visit("member")
    clock.advance(minutes=6)
    assert visitor.get("/documents").status_code == 302


def test_a_half_way_session_ends_as_well(acme, clock) -> None:
    visitor = half_way(acme)
    clock.advance(minutes=61)
    assert visitor.get("/auth/code").location.startswith("/auth/sign-in")


def test_signing_in_again_ends_the_session_that_was_there(acme) -> None:
    """ASVS 7.2.4. A browser has one session, and its last one is ended with the new cookie."""
    visitor = acme.visit("member")
    count = len(sessions_of(acme, "member"))
    copy = acme.visit("member")
    assert give_password(visitor, acme["member"].email).status_code == 302
    assert copy.get("/documents").status_code == 302
    assert len(sessions_of(acme, "member")) == count


def test_deactivation_ends_sessions_with_the_next_request(acme) -> None:
    visitor, half = acme.visit("member"), acme.visit_half()
    acme.visit("admin").post(f"/members/{acme['member'].id}/deactivate")
    assert visitor.get("/documents").status_code == 302
    assert half.get("/auth/code").location.startswith("/auth/sign-in")
    assert sessions_of(acme, "member") == []
    acme.visit("admin").post(f"/members/{acme['member'].id}/reactivate")
    assert visitor.get("/documents").status_code == 302, "an old session came back to life"


def test_a_reset_factor_ends_sessions_with_the_next_request(acme) -> None:
    visitor = acme.visit("member")
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert visitor.get("/documents").status_code == 302
    assert sessions_of(acme, "member") == []


def test_a_role_that_was_taken_is_gone_with_the_next_request(portal, acme) -> None:
    """V9: what somebody holds is read anew each time, so the session itself may live on."""
    visitor = acme.visit("member")
    [mine] = [r for r in portal.rows("role_assignment") if r["user_id"] == acme["member"].id]
    acme.visit("admin").post(f"/members/{acme['member'].id}/roles/{mine['id']}/remove")
    assert visitor.get("/documents").status_code == 403
    assert visitor.get("/account").status_code == 200


def test_two_first_sign_ins_at_once_set_up_one_authenticator(portal, acme) -> None:
    """Each session is shown a secret of its own: whoever only knows the password learns nothing."""
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    visitors = [acme.visit() for _ in range(6)]
    for visitor in visitors:
        assert give_password(visitor, acme["member"].email).status_code == 302
    secrets = [secret_on(visitor.get("/auth/enrol").text) for visitor in visitors]
    assert len(set(secrets)) == len(visitors)
    start = Barrier(len(visitors))

    def enrol(visitor: Visitor, secret: str) -> int:
        code = pyotp.TOTP(secret).at(clock.now())
        start.wait()
        return visitor.submit("/auth/enrol", code=code).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(enrol, visitors, secrets))
    # Who comes late is refused, or sent on to give a code of the authenticator there is now.
    assert set(statuses) <= {302, 409}, statuses
    assert sum(bool(v.get("/documents").status_code == 200) for v in visitors) == 1
    assert len([r for r in portal.rows("totp_device") if r["user_id"] == acme["member"].id]) == 1
