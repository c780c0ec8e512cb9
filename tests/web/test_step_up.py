"""The question who it is, in the middle of a form: what the answer keeps, and what it carries."""

import re
from uuid import UUID

import pytest

from tests.browsing import Visitor, forms_of
from tests.conftest import on_sqlite
from tests.installation import Organisation

STALE_MINUTES = 16
CHANGE = "/policy/change"
POLICY = {
    "mfa_for": "everybody",
    "factors": ["passkey", "totp"],
    "grace_days": "0",
    "idle_minutes": "30",
    "absolute_hours": "12",
    "password_min_length": "8",
    "version": "",
}


@pytest.fixture
def authenticator(portal, acme) -> UUID:
    [row] = [r for r in portal.rows("totp_device") if r["user_id"] == acme["member"].id]
    return row["id"]


@pytest.fixture
def member(acme, clock) -> Visitor:
    """The member with a session whose last proof is old."""
    clock.advance(minutes=STALE_MINUTES)
    return acme.visit("member")


def names_of_factors(organisation: Organisation) -> set[str]:
    return {row["name"] for row in organisation.portal.rows("totp_device")}


def test_a_wrong_answer_changes_nothing_and_is_told_to_the_log(acme, member, authenticator) -> None:
    path = f"/account/factors/{authenticator}/rename"
    answer = member.post(path, {"name": "Mine", "proof_code": "000000"})
    assert answer.status_code == 401
    assert "This code is not valid" in answer.text
    assert "Mine" not in names_of_factors(acme)
    assert acme.told() == [("sign-in.failed", "failure")]


@on_sqlite
def test_the_question_carries_what_was_typed_and_no_earlier_answer(member, authenticator) -> None:
    typed = {"name": "Mine", "proof_code": "123456", "proof_recovery_code": "abcd-efgh-jkmn"}
    page = member.post(f"/account/factors/{authenticator}/rename", typed).text
    assert forms_of(page)[-1].fields["name"] == "Mine"
    assert "123456" not in page
    assert "abcd-efgh-jkmn" not in page
    tokens = re.findall(r'name="csrf_token"', page)
    assert len(tokens) == page.count("<form"), "one a form: what came in is not carried"


def test_an_answer_stands_where_its_form_is_refused(acme, clock) -> None:
    """A code works once: whoever mends the form must not have to wait for the next."""
    clock.advance(minutes=STALE_MINUTES)
    admin = acme.visit("admin")
    late = POLICY | {"version": "another", "proof_code": acme["admin"].code}
    assert admin.post(CHANGE, late).status_code == 409
    assert admin.post(CHANGE, POLICY).status_code == 302
    assert acme.told() == [("proof.renewed", "success"), ("policy.changed", "success")]


@on_sqlite
def test_a_page_that_wants_a_fresh_proof_leads_to_the_question_and_back(
    acme, member, authenticator
) -> None:
    path = f"/account/factors/{authenticator}/rename"
    to = member.get(path).location
    assert to.startswith("/auth/step-up?next=")
    answer = member.submit(to, proof_code=acme["member"].code)
    assert answer.location == path
    assert member.get(path).status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_the_question_leads_nowhere_else(acme, member, elsewhere) -> None:
    to = f"/auth/step-up?next={elsewhere}"
    answer = member.submit(to, proof_code=acme["member"].code)
    assert answer.status_code == 302
    assert "evil" not in answer.location
