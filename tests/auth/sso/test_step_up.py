"""Confirming at the provider who it is, where there is no factor of one's own."""

import pytest

from portal.auth.factors.models import TotpDevice
from portal.auth.factors.totp import new_secret
from portal.core.ids import new_id
from tests.auth.sso.joined import Joined, leads_to
from tests.auth.sso.reasons import REASONS_OF_STALE
from tests.auth.sso.test_signing_in import reasons
from tests.browsing import Visitor, forms_of
from tests.conftest import on_sqlite
from tests.harness.hostile.faults import STALE
from tests.harness.hostile.provider import SECRET, Hostile, hostile_provider


def test_a_session_is_proved_anew_at_the_provider_and_the_form_is_kept(
    acme, at_acme: Joined, clock
) -> None:
    at_acme.change(trusts_mfa="y", group_roles="staff = Admin")
    visitor = at_acme.inside()
    clock.advance(minutes=16)
    question = visitor.post("/sso/enforce", {"typed": "kept <&>"})
    assert question.status_code == 403
    [form] = [f for f in forms_of(question.text) if f.action == "/sso/step-up"]
    assert form.fields["carried_typed"] == "kept <&>"
    clock.advance(minutes=-16)  # the provider lives in the present
    begun = visitor.post("/sso/step-up", form.fields)
    assert "prompt=login" in leads_to(begun)
    back = at_acme.way_back(at_acme.provider.sign_in(leads_to(begun), "mia"))
    resumed = visitor.get(back)
    [form] = forms_of(resumed.text)
    assert (form.action, form.fields["typed"]) == ("/sso/enforce", "kept <&>")
    assert acme.log()[-1]["detail"] == {"by": "sso"}


@pytest.fixture
def own():
    """A provider that says what a test wants."""
    with hostile_provider() as provider:
        yield provider


@pytest.fixture
def at_own(acme, own: Hostile) -> Joined:
    joined = Joined(acme, own)
    joined.enter(client_secret=SECRET, trusts_mfa="y", group_roles="staff = Admin")
    acme.portal.execute("UPDATE identity_provider SET state = 'offered'", acme)
    return joined


def sign_in(at: Joined) -> Visitor:
    visitor = at.organisation.visit()
    visitor.get(at.way_back(at.provider.sign_in(leads_to(at.begin(visitor)))))
    return at.organisation.portal.visit(at.organisation.host, visitor.cookie("session"))


def confirm(at: Joined, visitor: Visitor) -> int:
    """Ask for what wants a fresh proof, and confirm at the provider."""
    form = {"proof_provider": at.id, "proof_then": "/sso/enforce"}
    begun = visitor.post("/sso/step-up", form)
    return visitor.get(at.way_back(at.provider.sign_in(leads_to(begun)))).status_code


def test_a_confirmation_opens_what_wants_a_fresh_proof(acme, at_own: Joined, clock) -> None:
    visitor = sign_in(at_own)
    assert visitor.get("/sso/enforce").status_code == 200
    clock.advance(minutes=16)
    assert visitor.get("/sso/enforce").location == "/auth/step-up?next=/sso/enforce"
    assert confirm(at_own, visitor) == 302
    assert visitor.get("/sso/enforce").status_code == 200


def test_every_stale_answer_has_its_reason() -> None:
    assert REASONS_OF_STALE.keys() == STALE.keys()


@pytest.mark.parametrize("fault", STALE)
def test_who_was_not_asked_anew_has_confirmed_nothing(acme, at_own: Joined, clock, fault) -> None:
    visitor = sign_in(at_own)
    clock.advance(minutes=16)
    at_own.provider.fault = STALE[fault]
    assert confirm(at_own, visitor) == 400
    assert at_own.provider.is_at_fault
    assert reasons(acme)[-1] == REASONS_OF_STALE[fault]
    assert visitor.get("/sso/enforce").status_code == 302


def test_somebody_else_confirms_nothing(acme, at_own: Joined, own, clock) -> None:
    visitor = sign_in(at_own)
    clock.advance(minutes=16)
    own.claims["sub"] = "somebody else"
    assert confirm(at_own, visitor) == 400
    assert reasons(acme)[-1] == "other-person"
    assert visitor.get("/sso/enforce").status_code == 302


@on_sqlite
def test_the_provider_confirms_nobody_who_has_an_own_factor(acme, at_own: Joined, clock) -> None:
    """No page offers it; whoever got hold of their session could ask for it all the same."""
    visitor = sign_in(at_own)
    identity = max(acme.portal.rows("external_identity"), key=lambda row: row["id"])
    with acme.bound(writes=True) as session:
        device = TotpDevice(id=new_id(), user_id=identity["user_id"], name="Mine", last_step=0)
        device.secret = new_secret()
        session.add(device)
    clock.advance(minutes=16)
    assert confirm(at_own, visitor) == 400
    assert reasons(acme)[-1] == "own-factor"
    assert visitor.get("/sso/enforce").status_code == 302


def test_who_has_an_own_factor_is_asked_for_that(acme, at_own: Joined, clock) -> None:
    admin = acme.visit("admin")
    clock.advance(minutes=16)
    question = admin.get("/auth/step-up?next=/sso/enforce").text
    assert "proof_code" in question
    assert "/sso/step-up" not in question
