"""Passkeys: what a browser is asked, what is accepted, and everything that is not."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.utils import websafe_decode, websafe_encode

from portal.core import settings
from tests.auth.factors.device import (
    FLAG,
    SEEN,
    Device,
    add_passkey,
    choose,
    half_way,
    is_inside,
    question,
    sign_in,
    to_sign_in,
    token_on,
)
from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Organisation

CODE_PAGE = ("/auth/code", "/auth/passkeys/code/begin")
STALE = 400


def reasons(organisation: Organisation) -> list[str]:
    """Why passkeys were refused, as the log tells it."""
    return [row["detail"]["reason"] for row in organisation.log() if "reason" in row["detail"]]


# The way it is meant


def test_a_passkey_signs_in_alone(acme) -> None:
    device = add_passkey(acme.visit("member"))
    visitor = acme.visit()
    answer = sign_in(visitor, device)
    assert (answer.status_code, answer.location) == (302, "/")
    assert is_inside(visitor)
    entry = acme.log()[-1]
    assert (entry["action"], entry["actor_id"], entry["detail"]) == (
        "sign-in.succeeded",
        acme["member"].id,
        {"assurance": "passkey"},
    )


def test_one_comes_out_where_one_was_going(acme) -> None:
    device = add_passkey(acme.visit("member"))
    visitor = acme.visit()
    proof = device.sign(to_sign_in(visitor), visitor.base)
    sent = {"passkey": proof, "next": "/account?x=1"}
    assert visitor.post("/auth/passkeys/sign-in", sent).location == "/account?x=1"


def test_a_passkey_is_a_second_step(acme) -> None:
    device = add_passkey(acme.visit("member"))
    visitor = half_way(acme)
    proof = device.sign(question(visitor, *CODE_PAGE), visitor.base, user_handle=b"")
    assert visitor.submit("/auth/code", passkey=proof).status_code == 302
    assert is_inside(visitor)
    assert acme.log()[-1]["detail"] == {"assurance": "password+passkey"}


def test_a_passkey_can_be_the_first_factor(acme) -> None:
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    visitor, device = half_way(acme), Device()
    options = question(visitor, "/auth/enrol", "/auth/passkeys/enrol/begin")
    sent = {"passkey": device.make(options, visitor.base), "next": "/documents"}
    answer = visitor.post("/auth/enrol", sent)
    assert answer.location == "/account/recovery-codes?next=/documents"
    assert visitor.get(answer.location).status_code == 200
    assert acme.told()[-2:] == [("factor.enrolled", "success"), ("sign-in.succeeded", "success")]
    assert sign_in(acme.visit(), device).status_code == 302


def test_the_browser_is_asked_for_what_the_portal_relies_on(acme) -> None:
    visitor = acme.visit("member")
    device = add_passkey(visitor)
    new = question(visitor, "/account/passkeys/new", "/account/passkeys/begin")
    assert new["rp"]["id"] == acme.host
    assert websafe_decode(new["user"]["id"]) == acme["member"].id.bytes
    wanted = new["authenticatorSelection"]
    assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "required")
    assert [known["id"] for known in new["excludeCredentials"]] == [websafe_encode(device.id)]
    anybody = to_sign_in(acme.visit())
    assert (anybody["rpId"], anybody["userVerification"]) == (acme.host, "required")
    assert "allowCredentials" not in anybody
    own = question(half_way(acme), *CODE_PAGE)
    assert [known["id"] for known in own["allowCredentials"]] == [websafe_encode(device.id)]
    challenges = {asked["challenge"] for asked in (new, anybody, own)}
    assert len(challenges) == 3
    assert all(len(websafe_decode(challenge)) == 32 for challenge in challenges)


@pytest.mark.parametrize("synced", [FLAG.BE | FLAG.BS, 0])
def test_the_list_says_whether_a_passkey_is_synced(acme, synced) -> None:
    visitor = acme.visit("member")
    add_passkey(visitor, flags=SEEN | synced)
    page = visitor.get("/account/security").text
    assert "Laptop" in page
    assert ("Synced" in page) == bool(synced)


def test_a_passkey_that_counts_and_one_that_does_not_can_be_used_again(acme) -> None:
    visitor = acme.visit("member")
    still, counting = add_passkey(visitor), add_passkey(visitor, Device(count=7))
    for _ in range(3):
        counting.count += 1
        assert sign_in(acme.visit(), still).status_code == 302
        assert sign_in(acme.visit(), counting).status_code == 302


# What is refused at the door

WRONG = {
    "another scheme": {"origin": "https://acme.localhost:8000"},
    "another port": {"origin": "http://acme.localhost:8001"},
    "no port": {"origin": "http://acme.localhost"},
    "another tenant": {"origin": "http://globex.localhost:8000"},
    "the apex": {"origin": "http://localhost:8000"},
    "a host below": {"origin": "http://evil.acme.localhost:8000"},
    "no origin": {"origin": None},
    "another relying party": {"rp_id": "globex.localhost"},
    "the relying party above": {"rp_id": "localhost"},
    "another challenge": {"challenge": websafe_encode(b"x" * 32)},
    "no challenge": {"challenge": ""},
    "an answer to another question": {"type": "webauthn.create"},
    "in a foreign frame": {"cross_origin": True},
    "nobody verified": {"flags": FLAG.UP},
    "nobody there": {"flags": FLAG.UV},
    "another key": {"key": ec.generate_private_key(ec.SECP256R1())},
    "somebody else's name": {"user_handle": b"0" * 16},
    "no name": {"user_handle": b""},
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
@on_sqlite
def test_a_wrong_proof_lets_nobody_in(acme, given) -> None:
    device, visitor = add_passkey(acme.visit("member")), acme.visit()
    answer = sign_in(visitor, device, **given)
    assert answer.status_code == 401
    assert not is_inside(visitor)
    assert acme.told()[-1] == ("sign-in.failed", "failure")
    assert acme.log()[-1]["target"] in (f"user:{acme['member'].id}", "user:unknown")
    assert len(reasons(acme)) == 1
    assert sign_in(visitor, device).status_code == 302, "the right one, for comparison"


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
@on_sqlite
def test_a_wrong_proof_is_no_second_step_and_no_renewed_proof(acme, clock, given) -> None:
    inside = acme.visit("member")
    device = add_passkey(inside)
    if given == WRONG["no name"]:
        return  # whoever was asked by name need not be named
    visitor = half_way(acme)
    proof = device.sign(question(visitor, *CODE_PAGE), visitor.base, **given)
    assert visitor.submit("/auth/code", passkey=proof).status_code == 401
    assert not is_inside(visitor)
    options = question(inside, "/auth/step-up", "/auth/passkeys/step-up/begin")
    proof = device.sign(options, inside.base, **given)
    assert inside.submit("/auth/step-up", proof_passkey=proof).status_code == 401
    assert "proof.renewed" not in [action for action, _ in acme.told()]


@on_sqlite
def test_after_a_refused_passkey_the_same_page_takes_a_code(acme) -> None:
    device, visitor = add_passkey(acme.visit("member")), half_way(acme)
    wrong = device.sign(question(visitor, *CODE_PAGE), visitor.base, flags=FLAG.UP)
    page = visitor.submit("/auth/code", passkey=wrong)
    assert page.status_code == 401
    form = forms_of(page.text)[-1]
    assert form.fields["passkey"] == "", "a stale answer would be sent along with the code"
    sent = {**form.fields, "code": acme["member"].code}
    assert visitor.post("/auth/code", sent).status_code == 302


def test_what_was_signed_once_is_worth_nothing_again(acme) -> None:
    device, visitor = add_passkey(acme.visit("member")), acme.visit()
    proof = device.sign(to_sign_in(visitor), visitor.base)
    assert visitor.post("/auth/passkeys/sign-in", {"passkey": proof}).status_code == 302
    thief = acme.visit()
    thief.take("ceremony", visitor.cookie("ceremony"))
    assert thief.post("/auth/passkeys/sign-in", {"passkey": proof}).status_code == STALE
    assert not is_inside(thief)


def test_a_wrong_try_uses_its_challenge_up(acme) -> None:
    device, visitor = add_passkey(acme.visit("member")), acme.visit()
    options = to_sign_in(visitor)
    for proof, status in (
        (device.sign(options, visitor.base, flags=FLAG.UP), 401),
        (device.sign(options, visitor.base), STALE),
    ):
        sent = {"passkey": proof}
        assert visitor.post("/auth/passkeys/sign-in", sent).status_code == status


def test_a_proof_works_once_also_in_parallel(acme) -> None:
    device, visitor = add_passkey(acme.visit("member")), acme.visit()
    proof = device.sign(to_sign_in(visitor), visitor.base)
    visitors = [acme.visit() for _ in range(6)]
    start = Barrier(len(visitors))

    def redeem(other) -> int:
        other.take("ceremony", visitor.cookie("ceremony"))
        start.wait()
        return other.post("/auth/passkeys/sign-in", {"passkey": proof}).status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(redeem, visitors))
    assert statuses == [302] + [STALE] * 5


def test_a_proof_is_good_in_the_browser_that_asked_and_for_ten_minutes(acme, clock) -> None:
    device, visitor = add_passkey(acme.visit("member")), acme.visit()
    proof = device.sign(to_sign_in(visitor), visitor.base)
    assert acme.visit().post("/auth/passkeys/sign-in", {"passkey": proof}).status_code == STALE
    clock.advance(minutes=10)
    assert visitor.post("/auth/passkeys/sign-in", {"passkey": proof}).status_code == STALE


def test_a_proof_for_the_second_step_does_not_sign_in_alone_nor_the_other_way(acme) -> None:
    device, half = add_passkey(acme.visit("member")), half_way(acme)
    proof = device.sign(question(half, *CODE_PAGE), half.base)
    stranger = acme.visit()
    stranger.take("ceremony", half.cookie("ceremony"))
    assert stranger.post("/auth/passkeys/sign-in", {"passkey": proof}).status_code == STALE
    proof = device.sign(to_sign_in(stranger), stranger.base)
    half.take("ceremony", stranger.cookie("ceremony"))
    assert half.submit("/auth/code", passkey=proof).status_code == STALE


@pytest.mark.parametrize("count", [5, 4, 0])
def test_a_counter_that_does_not_go_on_tells_of_a_copy(acme, count) -> None:
    device = add_passkey(acme.visit("member"), Device(count=4))
    device.count = 5
    assert sign_in(acme.visit(), device).status_code == 302
    device.count = count
    visitor = acme.visit()
    assert sign_in(visitor, device).status_code == 401
    assert not is_inside(visitor)
    assert reasons(acme) == ["its counter went back"]


def test_the_greatest_count_there_is_can_be_kept(acme) -> None:
    device = add_passkey(acme.visit("member"), Device(count=2**32 - 2))
    device.count += 1
    assert sign_in(acme.visit(), device).status_code == 302


def test_a_passkey_of_another_tenant_is_unknown(acme, globex) -> None:
    device = add_passkey(globex.visit("member"))
    visitor = acme.visit()
    assert sign_in(visitor, device).status_code == 401
    assert not is_inside(visitor)
    assert reasons(acme) == ["unknown passkey"]
    assert sign_in(acme.visit(), Device()).status_code == 401


def test_a_passkey_of_somebody_else_is_no_second_step(acme) -> None:
    add_passkey(acme.visit("member"))
    others = add_passkey(acme.visit("admin"))
    visitor = half_way(acme)
    proof = others.sign(question(visitor, *CODE_PAGE), visitor.base)
    assert visitor.submit("/auth/code", passkey=proof).status_code == 401
    assert reasons(acme) == ["unknown passkey"]


def test_a_passkey_of_another_host_of_the_tenant_is_unknown_here(portal, acme) -> None:
    device = add_passkey(acme.visit("member"))
    portal.execute("UPDATE passkey SET host = 'old.localhost'", acme)
    assert sign_in(acme.visit(), device).status_code == 401
    half = half_way(acme)
    half.csrf_token = token_on(half, "/auth/code")
    assert half.post("/auth/passkeys/code/begin").status_code == 409


def test_a_deactivated_person_is_not_let_in(acme) -> None:
    device = add_passkey(acme.visit("member"))
    acme.visit("admin").post(f"/members/{acme['member'].id}/deactivate")
    visitor = acme.visit()
    assert sign_in(visitor, device).status_code == 401
    assert not is_inside(visitor)


def test_a_removed_passkey_is_over(portal, acme) -> None:
    visitor = acme.visit("member")
    device = add_passkey(visitor)
    [row] = portal.rows("passkey")
    assert visitor.submit(f"/account/factors/{row['id']}/remove").status_code == 302
    assert sign_in(acme.visit(), device).status_code == 401


def test_tries_are_counted(acme, clock) -> None:
    device = add_passkey(acme.visit("member"))
    visitor = half_way(acme)
    for _ in range(10):
        proof = device.sign(question(visitor, *CODE_PAGE), visitor.base, flags=FLAG.UP)
        assert visitor.submit("/auth/code", passkey=proof).status_code == 401
    proof = device.sign(question(visitor, *CODE_PAGE), visitor.base)
    assert visitor.submit("/auth/code", passkey=proof).status_code == 429
    code = {"code": acme["member"].code}
    assert visitor.submit("/auth/code", **code).status_code == 429, "counted with codes"


# What is refused as a new passkey

WRONG_NEW = {
    "another scheme": {"origin": "https://acme.localhost:8000"},
    "another tenant": {"origin": "http://globex.localhost:8000"},
    "the relying party above": {"rp_id": "localhost"},
    "another challenge": {"challenge": websafe_encode(b"x" * 32)},
    "an answer to another question": {"type": "webauthn.get"},
    "in a foreign frame": {"cross_origin": True},
    "nobody verified": {"flags": FLAG.UP},
    "nobody there": {"flags": FLAG.UV},
    "no key in it": {"attested": 0},
    "an unknown algorithm": {"algorithm": -65535},
    "an algorithm that was not offered": {"algorithm": -35},
}


@pytest.mark.parametrize("given", WRONG_NEW.values(), ids=WRONG_NEW)
@on_sqlite
def test_a_wrong_new_passkey_is_not_kept(portal, acme, given) -> None:
    visitor = acme.visit("member")
    options = question(visitor, "/account/passkeys/new", "/account/passkeys/begin")
    made = Device().make(options, visitor.base, **given)
    answer = visitor.submit("/account/passkeys/new", passkey=made, name="Laptop")
    assert answer.status_code == 401
    assert portal.rows("passkey") == []
    assert acme.log()[-1]["detail"]["step"] == "enrolment"


def test_a_passkey_is_kept_once(portal, acme) -> None:
    """Whoever learnt somebody's id must not be able to take it, or to hold it twice."""
    device = add_passkey(acme.visit("member"))
    admin = acme.visit("admin")
    options = question(admin, "/account/passkeys/new", "/account/passkeys/begin")
    copy = Device()
    copy.id = device.id
    made = copy.make(options, admin.base)
    assert admin.submit("/account/passkeys/new", passkey=made, name="x").status_code == 401
    assert admin.submit("/account/passkeys/new", passkey=made, name="x").status_code == STALE
    assert len(portal.rows("passkey")) == 1
    assert sign_in(acme.visit(), device).status_code == 302


def test_a_question_for_a_proof_does_not_bring_a_passkey(portal, acme) -> None:
    visitor = acme.visit("member")
    add_passkey(visitor)
    proof = question(visitor, "/auth/step-up", "/auth/passkeys/step-up/begin")
    new = {"rp": {"id": proof["rpId"]}, "user": {"id": websafe_encode(b"0" * 16)}}
    made = Device().make({**new, "challenge": proof["challenge"]}, visitor.base)
    answer = visitor.submit("/account/passkeys/new", passkey=made, name="Another")
    assert answer.status_code == STALE
    assert len(portal.rows("passkey")) == 1


def test_between_password_and_code_nobody_adds_a_passkey(portal, acme) -> None:
    half = half_way(acme)
    half.csrf_token = token_on(half, "/auth/code")
    for path in ("/auth/passkeys/enrol/begin", "/account/passkeys/begin"):
        assert half.post(path).status_code in (401, 409)
    assert half.get("/account/passkeys/new").location.startswith("/auth/code")
    assert portal.rows("ceremony") == []


# The policy


def test_where_only_single_sign_on_counts_no_passkey_opens(acme) -> None:
    device = add_passkey(acme.visit("member"))
    visitor = acme.visit()
    proof = device.sign(to_sign_in(visitor), visitor.base)
    choose(acme, is_sso_only=True)
    assert visitor.post("/auth/passkeys/sign-in", {"passkey": proof}).status_code == 403
    assert not is_inside(visitor)
    assert "passkeys" not in acme.visit().get("/auth/sign-in").text


def test_where_passkeys_do_not_count_none_opens_and_none_is_added(acme) -> None:
    inside = acme.visit("member")
    device = add_passkey(inside)
    by_passkey = acme.visit()
    assert sign_in(by_passkey, device).status_code == 302
    choose(acme, factors=["totp"])
    assert sign_in(acme.visit(), device).status_code == 401
    assert "passkeys" not in acme.visit().get("/auth/sign-in").text
    assert inside.get("/account").location.startswith("/auth/code"), "the policy holds at once"
    assert by_passkey.get("/account").location.startswith("/auth/code")
    for visitor, steps in ((inside, 1), (by_passkey, 2)):
        answer = visitor.submit("/auth/code", code=acme["member"].code_at(steps - 1))
        assert answer.status_code == 302, "a code counts still"
        assert is_inside(visitor)
    inside.csrf_token = token_on(inside, "/account/security")
    assert inside.post("/account/passkeys/begin").status_code == 409


def test_where_authenticators_do_not_count_a_passkey_has_to_be_set_up(acme) -> None:
    choose(acme, factors=["passkey"])
    visitor = half_way(acme)
    assert visitor.submit("/auth/code", code=acme["member"].code).status_code == 302
    enrol = visitor.get("/auth/enrol")
    assert (enrol.status_code, 'class="qr"' in enrol.text) == (200, False)
    visitor.csrf_token = token_on(visitor, "/auth/enrol")
    assert visitor.post("/auth/enrol", {"code": acme["member"].code}).status_code == 409
    device = Device()
    options = question(visitor, "/auth/enrol", "/auth/passkeys/enrol/begin")
    made = device.make(options, visitor.base)
    assert visitor.post("/auth/enrol", {"passkey": made}).status_code == 302
    assert is_inside(visitor)
    again = half_way(acme)
    again.csrf_token = token_on(again, "/auth/code")
    code = {"code": acme["member"].code_at(1)}
    assert again.post("/auth/code", code).status_code == 401


# The address


@on_sqlite
def test_over_https_the_origin_is_without_its_own_port(portal_with, acme) -> None:
    """Browsers leave it out, whatever the operator has written."""
    for url in ("https://localhost", "https://localhost:443"):
        chosen = portal_with(url=url).settings
        settings.use(chosen)
        assert chosen.address_of("acme.localhost") == "https://acme.localhost"
    chosen = portal_with(url="https://localhost:8443").settings
    assert chosen.address_of("acme.localhost") == "https://acme.localhost:8443"


@on_sqlite
def test_the_password_page_offers_a_passkey(acme) -> None:
    page = acme.visit().get("/auth/sign-in")
    assert "/auth/passkeys/sign-in/begin" in page.text
    assert (
        acme.visit()
        .submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
        .location.startswith("/auth/code")
    )


def other_host(portal) -> None:
    """The passkeys were made where the organisation was reached before."""
    portal.execute_everywhere("UPDATE passkey SET host = 'old.localhost'")


def test_a_passkey_is_offered_where_it_is_bound_and_nowhere_else(portal, acme) -> None:
    inside = acme.visit("member")
    add_passkey(inside)
    assert "Use a passkey" in half_way(acme).get("/auth/code").text
    assert "Use a passkey" in inside.get("/auth/step-up").text
    other_host(portal)
    for page in (half_way(acme).get("/auth/code"), inside.get("/auth/step-up")):
        assert page.status_code == 200
        assert "Use a passkey" not in page.text
        assert "/auth/passkeys/" not in page.text
        assert "six digits" in page.text


def test_one_of_several_that_is_bound_here_is_enough(portal, acme) -> None:
    inside = acme.visit("member")
    add_passkey(inside)
    other_host(portal)
    add_passkey(inside)
    assert "Use a passkey" in half_way(acme).get("/auth/code").text


def test_who_has_passkeys_elsewhere_only_is_told_where(portal, acme) -> None:
    """And is never let in by a password instead."""
    inside = acme.visit("member")
    add_passkey(inside)
    other_host(portal)
    portal.execute("DELETE FROM totp_device", acme)
    half = half_way(acme)
    page = half.get("/auth/code")
    assert "sign in at old.localhost, or use a recovery code" in " ".join(page.text.split())
    assert "/auth/passkeys/code/begin" not in page.text
    assert not is_inside(half)
    question = inside.get("/auth/step-up").text
    assert "Use a recovery code" in question
    assert 'name="proof_password"' not in question
    assert "/auth/passkeys/step-up/begin" not in question
