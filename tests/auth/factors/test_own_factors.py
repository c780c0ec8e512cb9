"""Looking after one's own factors: several, named, removed, and never the last that counts."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import UUID

import pytest

from tests.access.own_roles import group_with
from tests.auth.factors.device import (
    Device,
    add_passkey,
    choose,
    half_way,
    is_inside,
    question,
    token_on,
)
from tests.auth.factors.test_recovery_codes import make_codes
from tests.browsing import Visitor
from tests.installation import Organisation, Person

NEW = "/account/authenticators/new"


def secret_on(page: str) -> str:
    joined = re.sub(r"(?<=[A-Z2-7]{4}) (?=[A-Z2-7]{4})", "", page)
    [secret] = set(re.findall(r"[A-Z2-7]{32}", joined))
    return secret


def add_authenticator(organisation: Organisation, visitor: Visitor, name: str) -> Person:
    """The member, with what a further authenticator holds."""
    page = visitor.get(NEW)
    assert page.status_code == 200
    second = replace(organisation["member"], totp_secret=secret_on(page.text))
    answer = visitor.submit(NEW, code=second.code, name=name)
    assert answer.status_code == 302
    return second


def factors_of(organisation: Organisation, who: str = "member") -> dict[str, UUID]:
    """The ids of somebody's factors by name."""
    rows = [*organisation.portal.rows("totp_device"), *organisation.portal.rows("passkey")]
    return {row["name"]: row["id"] for row in rows if row["user_id"] == organisation[who].id}


def test_of_several_authenticators_each_opens(acme, clock) -> None:
    visitor = acme.visit("member")
    second = add_authenticator(acme, visitor, " Work   phone ")
    assert factors_of(acme).keys() == {"Authenticator", "Work phone"}
    assert acme.told()[-1] == ("factor.enrolled", "success")
    clock.advance(seconds=30)
    for person in (acme["member"], second):
        half = half_way(acme)
        assert half.submit("/auth/code", code=person.code).status_code == 302
        assert half_way(acme).submit("/auth/code", code=person.code).status_code == 401


def test_each_new_authenticator_has_a_secret_of_its_own(acme) -> None:
    visitor = acme.visit("member")
    first = secret_on(visitor.get(NEW).text)
    assert secret_on(visitor.get(NEW).text) == first
    add_authenticator(acme, visitor, "A")
    assert secret_on(visitor.get(NEW).text) not in (first, acme["member"].totp_secret)
    assert secret_on(acme.visit("admin").get(NEW).text) != secret_on(visitor.get(NEW).text)


def test_an_authenticator_is_added_by_a_right_code_only(acme) -> None:
    visitor = acme.visit("member")
    assert visitor.submit(NEW, code="000000", name="A").status_code == 401
    assert visitor.submit(NEW, code=acme["member"].code, name="A").status_code == 401
    assert factors_of(acme).keys() == {"Authenticator"}


def test_what_was_added_and_removed_is_told_by_mail(acme) -> None:
    visitor, before = acme.visit("member"), len(acme.mails())
    add_passkey(visitor)
    visitor.submit(f"/account/factors/{factors_of(acme)['Laptop']}/remove")
    added, removed = acme.mails()[before:]
    assert (added["subject"], removed["subject"]) == (
        "A second factor was added",
        "A second factor was removed",
    )
    assert {added["to"], removed["to"]} == {acme["member"].email}


def test_a_factor_gets_another_name(acme) -> None:
    visitor = acme.visit("member")
    add_passkey(visitor)
    for name, factor_id in factors_of(acme).items():
        path = f"/account/factors/{factor_id}/rename"
        assert name in visitor.get(path).text
        assert visitor.submit(path, name="  ").status_code == 422
        assert visitor.submit(path, name="x" * 61).status_code == 422
        assert visitor.submit(path, name=f"My {name}").status_code == 302
    assert factors_of(acme).keys() == {"My Authenticator", "My Laptop"}
    assert acme.told()[-2:] == [("factor.renamed", "success")] * 2


def test_a_lost_authenticator_is_removed_and_opens_nothing(acme) -> None:
    visitor, elsewhere = acme.visit("member"), acme.visit("member")
    second = add_authenticator(acme, visitor, "New phone")
    lost = f"/account/factors/{factors_of(acme)['Authenticator']}/remove"
    assert "Authenticator" in visitor.get(lost).text
    assert factors_of(acme).keys() == {"Authenticator", "New phone"}, "asked only"
    assert visitor.submit(lost).status_code == 302
    assert factors_of(acme).keys() == {"New phone"}
    entry = acme.log()[-1]
    assert (entry["action"], entry["detail"]["factor"]) == ("factor.removed", "totp")
    assert is_inside(visitor)
    assert not is_inside(elsewhere), "it may have opened other sessions"
    half = half_way(acme)
    assert half.submit("/auth/code", code=acme["member"].code_at(1)).status_code == 401
    assert half.submit("/auth/code", code=second.code_at(1)).status_code == 302


def test_the_last_factor_that_counts_stays(acme) -> None:
    visitor = acme.visit("member")
    own = f"/account/factors/{factors_of(acme)['Authenticator']}/remove"
    answer = visitor.submit(own)
    assert answer.status_code == 409
    assert "your last" in answer.text
    assert factors_of(acme).keys() == {"Authenticator"}
    add_passkey(visitor)
    choose(acme, factors=["totp"])
    again = half_way(acme)
    assert again.submit("/auth/code", code=acme["member"].code).status_code == 302
    assert again.submit(own).status_code == 409, "a passkey is left, and does not count"
    laptop = f"/account/factors/{factors_of(acme)['Laptop']}/remove"
    assert again.submit(laptop).status_code == 302


def test_of_two_last_factors_removed_at_once_one_stays(acme) -> None:
    visitor = acme.visit("member")
    add_passkey(visitor)
    visitor.csrf_token = token_on(visitor, "/account/security")
    start = Barrier(2)

    def remove(factor_id: UUID) -> int:
        other = acme.portal.visit(acme.host, visitor.cookie("session"))
        start.wait()
        return other.post(f"/account/factors/{factor_id}/remove").status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(remove, factors_of(acme).values()))
    assert statuses == [302, 409]
    assert len(factors_of(acme)) == 1


def test_where_nobody_asks_for_one_the_last_may_go_and_its_codes_go_too(portal, acme) -> None:
    visitor = acme.visit("member")
    make_codes(visitor)
    choose(acme, mfa_for="nobody")
    own = f"/account/factors/{factors_of(acme)['Authenticator']}/remove"
    assert visitor.submit(own).status_code == 302
    assert factors_of(acme) == {}
    assert portal.rows("recovery_code") == []
    assert visitor.post("/account/recovery-codes").status_code in (400, 409)
    by_password = half_way(acme)
    assert is_inside(by_password)


def test_whoever_adds_a_first_factor_from_inside_is_led_to_the_codes(acme) -> None:
    choose(acme, mfa_for="nobody")
    acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    inside, elsewhere = half_way(acme), half_way(acme)
    assert is_inside(inside)
    assert is_inside(elsewhere)
    signed_in = acme.told().count(("sign-in.succeeded", "success"))
    device = Device()
    options = question(inside, "/account/passkeys/new", "/account/passkeys/begin")
    made = device.make(options, inside.base)
    answer = inside.submit("/account/passkeys/new", passkey=made, name="First")
    assert answer.location == "/account/recovery-codes"
    assert is_inside(inside)
    assert acme.told().count(("sign-in.succeeded", "success")) == signed_in, "it was in already"
    assert elsewhere.get("/account").location.startswith("/auth/code"), "it holds at once"


@pytest.mark.parametrize("act", ["rename", "remove"])
def test_a_factor_of_somebody_else_is_not_there(acme, globex, act) -> None:
    visitor = acme.visit("member")
    foreign = [*factors_of(acme, "admin").values(), *factors_of(globex).values(), acme.id]
    for factor_id in foreign:
        path = f"/account/factors/{factor_id}/{act}"
        assert visitor.get(path).status_code == 404
        assert visitor.post(path, {"name": "Mine"}).status_code == 404


def test_everything_wants_a_fresh_proof(acme, clock) -> None:
    visitor = acme.visit("member")
    factor_id = factors_of(acme)["Authenticator"]
    clock.advance(minutes=11)
    assert visitor.get("/account/security").status_code == 200
    for path in (
        NEW,
        "/account/passkeys/new",
        f"/account/factors/{factor_id}/rename",
        f"/account/factors/{factor_id}/remove",
        "/account/recovery-codes",
    ):
        assert visitor.get(path).location.startswith("/auth/step-up"), path
        assert visitor.post(path, {"name": "Mine"}).status_code == 403, path
    assert visitor.post("/account/passkeys/begin").status_code == 403
    assert factors_of(acme).keys() == {"Authenticator"}


def test_a_passkey_confirms_and_what_was_typed_is_kept(acme, clock) -> None:
    visitor = acme.visit("member")
    device = add_passkey(visitor)
    factor_id = factors_of(acme)["Authenticator"]
    clock.advance(minutes=11)
    visitor.csrf_token = token_on(visitor, "/account/security")
    path = f"/account/factors/{factor_id}/rename"
    asked = visitor.post(path, {"name": "Phone of Müller & Söhne"})
    assert asked.status_code == 403
    options = question_of(visitor)
    proof = device.sign(options, visitor.base)
    sent = {"name": "Phone of Müller & Söhne", "proof_passkey": proof}
    assert visitor.post(path, sent).status_code == 302
    assert "Phone of Müller & Söhne" in factors_of(acme)
    assert [e["detail"] for e in acme.log() if e["action"] == "proof.renewed"] == [
        {"by": "passkey"}
    ]


def question_of(visitor: Visitor) -> dict:
    headers = {"X-CSRFToken": visitor.csrf_token, "Accept": "application/json"}
    return visitor.open("/auth/passkeys/step-up/begin", "POST", headers=headers).json["publicKey"]


def test_a_reset_is_told_by_mail_wants_a_fresh_proof_and_is_nobodys_own(acme, clock) -> None:
    admin, before = acme.visit("admin"), len(acme.mails())
    assert admin.post(f"/members/{acme['admin'].id}/reset-factors").status_code == 403
    path = f"/members/{acme['member'].id}/reset-factors"
    clock.advance(minutes=31)
    assert admin.get(path).location.startswith("/auth/step-up")
    assert admin.post(path).status_code == 403
    assert factors_of(acme).keys() == {"Authenticator"}
    assert admin.post(path, {"proof_code": acme["admin"].code}).status_code == 302
    [mail] = acme.mails()[before:]
    assert mail["to"] == acme["member"].email
    assert mail["subject"] == "Your second factors were removed"


def test_the_last_factor_stays_of_whoever_holds_a_role_through_a_group(acme) -> None:
    """Signing in counts groups, so they would be let in half way only, with nothing to give."""
    choose(acme, mfa_for="roles", mfa_roles=["auditor"])
    group_with(acme, "member", role="auditor")
    visitor = acme.visit("member")
    own = f"/account/factors/{factors_of(acme)['Authenticator']}/remove"
    assert visitor.submit(own).status_code == 409
    assert factors_of(acme).keys() == {"Authenticator"}
