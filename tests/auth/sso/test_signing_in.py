"""Signing in by a real provider: who comes in as whom, with which roles and what left to prove."""

from tests.auth.sso.joined import Joined


def reasons(organisation) -> list[str]:
    """Why the log says that sign-ins were refused."""
    return [row["detail"]["reason"] for row in organisation.log() if "reason" in row["detail"]]


def test_a_newcomer_with_a_verified_email_becomes_a_member(acme, at_acme: Joined) -> None:
    visitor = acme.visit()
    answer = at_acme.sign_in(visitor, next="/documents")
    assert (answer.status_code, answer.location) == (302, "/auth/code?next=/documents")
    [user] = [u for u in acme.portal.rows("user_account") if u["email"] == "mia@acme.example"]
    assert (user["name"], user["state"]) == ("Mia", "active")
    told = [row["action"] for row in acme.log()][-3:]
    assert told == ["member.provisioned", "identity.linked", "sign-in.sso-accepted"]
    # The policy asks for a second factor, and the provider's word for one is not taken.
    assert "/auth/enrol" in visitor.get("/documents").location
