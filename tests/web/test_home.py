"""The apex: what this is, the way to an organisation, and in a demonstration the people in it."""

import json

import pytest

from portal.auth import samples
from portal.auth.samples import SamplePerson
from tests.browsing import forms_of, links_of


@pytest.fixture
def database() -> str:
    return "sqlite"


PERSON = SamplePerson(
    tenant_name="Acme", host="acme.localhost", name="Ada Winter", role="Admin",
    email="ada@acme.example", password="shown-to-all",
    totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
)  # fmt: skip


def test_the_apex_tells_what_this_is_and_asks_where_to(portal) -> None:
    page = portal.visit("localhost").get("/")
    assert page.status_code == 200
    [form] = [form for form in forms_of(page.text) if "organisation" in form.fields]
    assert form.method == "get"


@pytest.mark.parametrize("asked", ["acme", " ACME "])
def test_an_organisation_is_found_by_its_short_name(portal, asked) -> None:
    answer = portal.visit("localhost").get("/", query_string={"organisation": asked})
    assert "http://acme.localhost:8000" in links_of(answer.text) or answer.location


@pytest.mark.parametrize("asked", ["initech", "acm", "a" * 500, "%", "acme' OR 1=1", "\0"])
def test_an_organisation_that_is_not_there_is_not_found(portal, asked) -> None:
    answer = portal.visit("localhost").get("/", query_string={"organisation": asked})
    assert answer.status_code in (400, 404)
    assert "globex" not in answer.text.lower().replace("globex.localhost", "")


def test_only_a_demonstration_shows_its_people(portal) -> None:
    samples.write(portal.settings.instance, [PERSON], is_complete=True)
    try:
        apex = portal.visit("localhost")
        assert "shown-to-all" not in apex.get("/").text
        portal.use(demo=True)
        page = apex.get("/").text
        assert "shown-to-all" in page
        assert PERSON.code in page
        assert "ada@acme.example" in page
        acme = portal.organisations["acme"].visit()
        assert "shown-to-all" not in acme.get("/auth/sign-in").text
    finally:
        (portal.settings.instance / samples.FILE_NAME).unlink()


def test_the_samples_are_kept_for_their_owner_only(portal, tmp_path) -> None:
    samples.write(tmp_path, [PERSON], is_complete=False)
    path = tmp_path / samples.FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["complete"] is False
    assert list(samples.read(tmp_path)) == [PERSON]


def test_everybody_is_led_to_the_page_that_fits(acme) -> None:
    for who, page in (
        ("member", "/documents"),
        ("guest", "/documents"),
        ("admin", "/policy/checklist"),  # of which something is urgent
        ("officer", "/audit"),
        ("auditor", "/documents"),
    ):
        assert acme.visit(who).get("/").location == page, who
    assert acme.visit().get("/").location == "/auth/sign-in"


def test_whoever_holds_no_role_is_led_to_the_account(portal, acme) -> None:
    portal.execute("DELETE FROM role_assignment WHERE role = 'member'", acme)
    member = acme.visit("member")
    assert member.get("/").location == "/account"
    assert "no role" in member.get("/account").text
