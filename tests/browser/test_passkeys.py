"""Passkeys in Chromium, on a device that the browser itself plays (its virtual authenticator)."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import enter, watch
from tests.harness.browser import axe_violations

DEVICE = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
INSIDE = re.compile(r"/documents$")


@pytest.fixture
def device(page):
    """The debugger's end of a device that says yes to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    session.authenticator = added
    return session


def click(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def sign_out(page):
    click(page, "Sign out")
    page.wait_for_url("**/auth/sign-in")


def give_password(page, person):
    page.get_by_label("E-mail").fill(person["email"])
    page.get_by_label("Password").fill(person["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/auth/code"))


def add_passkey(page, device, name):
    page.get_by_role("link", name="Security").click()
    page.get_by_role("link", name="Add a passkey").click()
    assert axe_violations(page, device) == []
    page.get_by_label("Name").fill(name)
    click(page, "Create the passkey")


def test_a_passkey_from_its_making_to_its_end(demo, page, device):
    person = demo.person("Ines Duarte")
    enter(page, f"http://{person['host']}:{demo.port}/account", person)
    add_passkey(page, device, "Study")

    # The first thing after it are the codes for the day on which it is lost.
    page.get_by_role("button", name="Show my recovery codes").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert axe_violations(page, device) == []
    expect(page.locator("#codes span")).to_have_count(10)
    code = page.locator("#codes span").first.inner_text().strip()
    page.get_by_role("link", name="I have saved them").click()
    page.get_by_role("row", name=re.compile("Study")).wait_for()
    assert axe_violations(page, device) == []

    # Alone.
    sign_out(page)
    click(page, "Sign in with a passkey")
    page.wait_for_url(INSIDE)

    # As a second step.
    sign_out(page)
    give_password(page, person)
    assert axe_violations(page, device) == []
    click(page, "Use a passkey")
    page.wait_for_url(INSIDE)

    # To confirm who it is.
    page.goto(page.url.replace("/documents", "/auth/step-up?next=/account/security"))
    assert axe_violations(page, device) == []
    click(page, "Use a passkey")
    page.wait_for_url("**/account/security")

    # A recovery code takes its place.
    sign_out(page)
    give_password(page, person)
    page.get_by_role("link", name="Use a recovery code").click()
    assert axe_violations(page, device) == []
    page.get_by_label("Recovery code").fill(code.upper())
    page.keyboard.press("Enter")
    page.wait_for_url(INSIDE)

    # Removed, it opens nothing, though the device has it still.
    page.goto(page.url.replace("/documents", "/account/security"))
    page.get_by_role("link", name="Remove Study").click()
    assert axe_violations(page, device) == []
    click(page, "Remove")
    page.get_by_text("It is removed").wait_for()
    sign_out(page)
    click(page, "Sign in with a passkey")
    page.get_by_text("This passkey was not accepted").wait_for()
    assert axe_violations(page, device) == []


def test_a_device_that_does_not_verify_its_user_is_told_so_and_nothing_is_sent(demo, page, device):
    page.goto(demo.at("globex", "/auth/sign-in"))
    verified = {**device.authenticator, "isUserVerified": False}
    device.send("WebAuthn.setUserVerified", verified)

    click(page, "Sign in with a passkey")

    page.get_by_text("No passkey was used, or it took too long.").wait_for()
    assert page.url.endswith("/auth/sign-in")


def test_without_javascript_or_passkeys_a_sentence_says_why_there_is_no_button(demo, chromium):
    without_script = chromium.new_context(java_script_enabled=False).new_page()
    without_script.goto(demo.at("acme", "/auth/sign-in"))
    without_script.get_by_text("A passkey needs JavaScript").wait_for()
    old = chromium.new_context().new_page()
    complaints = watch(old)
    old.add_init_script("delete window.PublicKeyCredential")
    old.goto(demo.at("acme", "/auth/sign-in"))
    old.get_by_text("This browser can’t use passkeys.").wait_for()
    for page in (without_script, old):
        assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
        page.get_by_role("button", name="Continue").wait_for()
        page.context.close()
    assert complaints == []
