"""Passwords as they are kept: at today's cost, with a memory for a few, and told of in numbers."""

from time import process_time

import pytest

from portal.auth.credentials import EARLIER_KEPT
from tests.access.own_roles import group_with
from tests.auth.factors.device import choose
from tests.cli.operators import Operator
from tests.conftest import on_sqlite
from tests.installation import PASSWORD, Installation, Organisation

WORDS = ["purple", "copper", "silver", "golden", "yellow", "violet", "orange", "tomato"]
SHORT = "kL9!vqZ2x#"
OTHERS = [f"seventeen {word} lighthouses" for word in WORDS]


def change(organisation: Organisation, present: str, new: str) -> int:
    form = {"present": present, "new": new, "again": new}
    return organisation.visit("member").post("/account/password", form).status_code


def kept(portal: Installation, organisation: Organisation, who: str = "member") -> dict:
    person = organisation[who].id
    return next(r for r in portal.rows("password_credential") if r["user_id"] == person)


def sign_in(organisation: Organisation, portal: Installation, password: str = PASSWORD) -> int:
    form = {"email": organisation["member"].email, "password": password}
    return portal.visit(organisation.host).post("/auth/sign-in", form).status_code


def test_a_hash_is_made_at_todays_cost_when_its_person_signs_in(acme, portal, portal_with) -> None:
    """Nobody has to change a password for it, and its age stays what it is."""
    before = kept(portal, acme)
    dearer = portal_with(password_time_cost=2, password_memory_kib=16)
    assert sign_in(acme, dearer, "wrong horse") == 401
    assert kept(portal, acme) == before, "who does not know it changes nothing"
    assert sign_in(acme, dearer) == 302
    after = kept(portal, acme)
    assert "$m=8,t=1,p=1$" in before["password_hash"]
    assert "$m=16,t=2,p=1$" in after["password_hash"]
    assert after["changed_at"] == before["changed_at"]
    assert sign_in(acme, dearer) == 302
    assert kept(portal, acme) == after, "once is enough"


def test_the_present_password_is_no_new_one(acme) -> None:
    assert change(acme, PASSWORD, PASSWORD) == 400
    assert acme.told() == []


@on_sqlite
def test_no_password_takes_long_to_measure(acme) -> None:
    """Of signs that may each stand for several letters, so that all combinations are looked at."""
    began = process_time()
    assert change(acme, PASSWORD, "@4({[<3691!|0$57+%2" * 5) == 302
    assert process_time() - began < 2


def test_going_back_to_an_earlier_password_is_noted(portal, acme) -> None:
    """As far as the memory reaches. No rule forbids it; the operator sees it."""
    assert not kept(portal, acme)["is_reused"]
    present = PASSWORD
    for new in (OTHERS[0], PASSWORD):
        assert change(acme, present, new) == 302
        assert bool(kept(portal, acme)["is_reused"]) is (new == PASSWORD)
        present = new
    for new in OTHERS[1 : EARLIER_KEPT + 2]:
        assert change(acme, present, new) == 302
        assert not kept(portal, acme)["is_reused"]
        present = new
    assert change(acme, present, PASSWORD) == 302
    assert not kept(portal, acme)["is_reused"], "so far back is forgotten"


def test_a_forgotten_password_that_was_chosen_again_is_noted_too(portal, acme) -> None:
    path = acme.reset_link.partition("8000")[2]
    acme.visit().post(path, {"password": PASSWORD, "again": PASSWORD})
    assert kept(portal, acme, "auditor")["is_reused"]


def test_the_earlier_hashes_are_sealed(portal, acme) -> None:
    before = kept(portal, acme)["password_hash"]
    change(acme, PASSWORD, OTHERS[0])
    sealed = bytes(kept(portal, acme)["earlier_hashes_sealed"])
    assert before.encode() not in sealed
    assert b"argon2" not in sealed


@pytest.fixture
def operator(portal) -> Operator:
    return Operator(portal.settings)


def test_the_operator_sees_ages_and_faults_and_no_secret(portal, acme, clock, operator) -> None:
    change(acme, PASSWORD, OTHERS[0])
    change(acme, OTHERS[0], PASSWORD)
    clock.advance(days=3)
    said = operator.do("user", "audit-passwords", "--tenant", "acme")
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in said.lines}
    assert told[acme["member"].email] == "3 days used before"
    assert told[acme["auditor"].email] == "3 days fine"
    assert acme["invited"].email not in told, "there is no password yet"
    assert not any("globex" in email for email in told)
    for row in portal.rows("password_credential"):
        salt, digest = row["password_hash"].split("$")[-2:]
        assert salt not in said.out
        assert digest not in said.out
    assert PASSWORD not in said.out
    entry = acme.log()[-1]
    assert (entry["action"], entry["actor_kind"], entry["detail"]) == (
        "password.reviewed",
        "operator",
        {"count": len(told)},
    )


def test_the_operator_sees_which_hashes_are_outdated(portal, acme, operator) -> None:
    said = operator.do(
        "user", "audit-passwords", "--tenant", "acme", PORTAL_PASSWORD_MEMORY_KIB="16"
    )
    assert {line.split("  ")[-1] for line in said.lines} == {"old hash"}


def test_the_operator_makes_a_link_where_no_mail_goes_out(portal, acme, operator) -> None:
    said = operator.do("user", "reset-password", acme["member"].email, "--tenant", "acme")
    path = said.out.strip().partition("http://acme.localhost:8000")[2]
    chosen = {"password": OTHERS[0], "again": OTHERS[0]}
    assert acme.visit().submit(path, **chosen).location == "/auth/sign-in"
    assert acme.told() == [("password.reset-made", "success"), ("password.reset", "success")]
    assert sign_in(acme, portal, OTHERS[0]) == 302


@pytest.mark.parametrize("who", ["invited", "deactivated", "nobody"])
def test_the_operator_makes_no_link_for_who_has_no_password(acme, operator, who) -> None:
    line = operator.refused("user", "reset-password", f"{who}@acme.example", "--tenant", "acme")
    assert "password" in line or "no member" in line
    assert acme.told() == []


def test_a_password_may_be_short_beside_a_factor_that_a_groups_role_asks_for(acme) -> None:
    choose(acme, mfa_for="roles", mfa_roles=["auditor"])
    assert change(acme, PASSWORD, SHORT) == 400, "it stands alone"
    group_with(acme, "member", role="auditor")
    assert change(acme, PASSWORD, SHORT) == 302
