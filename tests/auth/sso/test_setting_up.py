"""What an admin enters, tries and offers; and what they may not."""

import pytest

from tests.auth.sso.conftest import MIA
from tests.auth.sso.joined import SETTINGS, Joined, leads_to
from tests.harness.oidc import SECRET
from tests.harness.ports import free_port


def state_of(at: Joined) -> str:
    rows = at.organisation.portal.rows("identity_provider")
    return next(row["state"] for row in rows if str(row["id"]) == at.id)


@pytest.fixture
def entered(acme, issuers) -> Joined:
    """A provider that was entered, and not tried yet."""
    issuers[0].change_account("mia", **MIA)
    joined = Joined(acme, issuers[0])
    joined.register()
    joined.enter()
    return joined


def test_a_provider_is_entered_tested_and_offered(acme, entered: Joined) -> None:
    admin = acme.visit("admin")
    page = admin.get(f"/sso/{entered.id}").text
    for path in ("callback", "backchannel-logout", "signed-out"):
        assert f"{admin.base}/sso/{path}" in page
    assert admin.post(f"/sso/{entered.id}/offer").status_code == 409
    assert "with Login" not in acme.visit().get("/auth/sign-in").text
    trial = entered.test()
    assert trial.status_code == 200
    for told in ("It works", entered.provider.issuer, "RS256", "mia@acme.example", "staff"):
        assert told in trial.text
    assert state_of(entered) == "tested"
    entered.offer()
    assert "Sign in with Login" in acme.visit().get("/auth/sign-in").text
    assert [action for action, _ in acme.told()] == [
        "provider.created",
        "provider.tested",
        "provider.offered",
    ]


def test_a_test_signs_nobody_in_and_makes_no_account(portal, acme, entered: Joined) -> None:
    tables = ("user_account", "user_session", "external_identity", "role_assignment")
    before = {table: portal.rows(table) for table in tables}
    entered.test()
    assert {table: portal.rows(table) for table in tables} == before


def test_the_secret_is_never_shown(portal, acme, entered: Joined) -> None:
    admin = acme.visit("admin")
    for path in (f"/sso/{entered.id}", f"/sso/{entered.id}/edit", "/sso"):
        assert SECRET not in admin.get(path).text
    assert all(SECRET.encode() not in bytes(row["client_secret_sealed"])
               for row in portal.rows("identity_provider"))  # fmt: skip
    assert SECRET not in str(portal.dump())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"issuer": "{issuer}/"}, "issuer-differs"),
        ({"issuer": "http://127.0.0.1:{free}"}, "unreachable"),
        ({"issuer": "http://127.0.0.1:8000/nothing"}, "unreachable"),
    ],
)
def test_a_provider_that_can_not_be_asked_is_explained(
    acme, entered: Joined, settings, reason
) -> None:
    issuer = settings["issuer"].format(issuer=entered.provider.issuer, free=free_port())
    entered.change(issuer=issuer)
    answer = acme.visit("admin").post(f"/sso/{entered.id}/test")
    assert answer.status_code == 400
    assert "It did not work" in answer.text
    assert reason in answer.text
    assert acme.log()[-1]["detail"]["reason"] == reason


def test_a_wrong_secret_is_explained(acme, entered: Joined) -> None:
    entered.change(client_secret="another")
    trial = entered.test()
    assert trial.status_code == 400
    assert "code-refused" in trial.text
    assert "The answer belongs to this browser" in trial.text
    assert state_of(entered) == "draft"
    assert acme.log()[-1]["detail"] == {
        "step": "sso", "reason": "code-refused", "purpose": "test",
    }  # fmt: skip


@pytest.mark.parametrize("changed", [{"client_id": "other"}, {"client_secret": "other"}])
def test_another_client_has_to_be_tested_anew(acme, at_acme: Joined, changed) -> None:
    at_acme.change(name="Other name")
    assert state_of(at_acme) == "offered"
    at_acme.change(**changed)
    assert state_of(at_acme) == "draft"
    assert at_acme.begin(acme.visit()).status_code == 404


def test_a_test_counts_for_the_settings_that_it_was_begun_with(acme, entered: Joined) -> None:
    admin = acme.visit("admin")
    begun = admin.post(f"/sso/{entered.id}/test")
    back = entered.way_back(entered.provider.sign_in(leads_to(begun), "mia"))
    entered.change(client_secret="another")
    assert admin.get(back).status_code == 400
    assert state_of(entered) == "draft"


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "login.example.com"},
        {"issuer": "file:///etc/passwd"},
        {"issuer": "https://user:password@login.example.com"},
        {"issuer": "https://login.example.com?x=1"},
        {"allowed_domains": "not a domain"},
        {"allowed_domains": "", "default_role": "member"},
        {"group_roles": "staff"},
        {"group_roles": "staff = King"},
        {"group_roles": "staff = Guest"},
        {"default_role": "guest"},
        {"client_id": ""},
        {"client_secret": ""},
        {"name": ""},
    ],
)
def test_what_can_not_work_is_not_entered(portal, acme, settings) -> None:
    before = portal.rows("identity_provider")
    form = SETTINGS | {"issuer": "https://login.example.com"} | settings
    assert acme.visit("admin").post("/sso/new", form).status_code in (400, 422)
    assert portal.rows("identity_provider") == before


def test_an_issuer_is_entered_once(acme, at_acme: Joined) -> None:
    form = SETTINGS | {"issuer": at_acme.provider.issuer}
    assert acme.visit("admin").post("/sso/new", form).status_code == 409


def test_a_provider_that_is_deleted_takes_its_sessions_along(acme, at_acme: Joined) -> None:
    at_acme.change(trusts_mfa="y")
    inside = at_acme.inside()
    assert inside.get("/documents").status_code == 200
    acme.visit("admin").post(f"/sso/{at_acme.id}/delete")
    assert inside.get("/documents").status_code == 302
    assert acme.log()[-1]["detail"] == {"ended_sessions": 1}


def test_the_email_chooses_the_way(acme, at_acme: Joined) -> None:
    at_acme.change(allowed_domains="acme.example")
    visitor = acme.visit()
    led = visitor.post("/auth/sign-in", {"email": "Anybody@ACME.example", "next": "/documents"})
    assert leads_to(led).startswith(at_acme.provider.issuer)
    assert "login_hint=Anybody%40ACME.example" in leads_to(led)
    assert at_acme.come_back(visitor, led).location == "/auth/code?next=/documents"
    asked = acme.visit().post("/auth/sign-in", {"email": "anybody@elsewhere.example"})
    assert asked.status_code == 200
    assert 'type="password"' in asked.text
    assert "anybody@elsewhere.example" in asked.text
