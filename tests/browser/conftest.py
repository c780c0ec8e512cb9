"""The demonstration, served as `make run` serves it, and a browser in front of it."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest

from tests.harness.browser import axe_violations
from tests.harness.ports import free_port

MEMBER = "Mia Chen"
KEPT_SECONDS = 300
LOOKS = [("light", 1280), ("dark", 360)]


@dataclass(frozen=True)
class Demo:
    """A running demonstration."""

    url: str
    port: int
    instance: Path

    def people(self):
        return json.loads((self.instance / "samples.json").read_text())["people"]

    def person(self, name):
        return next(p for p in self.people() if p["name"] == name)

    def at(self, slug, path="/"):
        return f"http://{slug}.localhost:{self.port}{path}"


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    with demonstration(tmp_path_factory.mktemp("demo")) as running:
        yield running


@contextmanager
def demonstration(instance, **more):
    """A demonstration of its own for the block, in the folder `instance`, with more settings."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    # Many pages are looked at in a short time, by one address.
    settings = {"PORTAL_INSTANCE": str(instance), "PORTAL_REQUESTS_PER_MINUTE": "10000"}
    log = (instance / "server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", "demo", "--port", str(port)],
        env=kept | settings | more,
        stdout=log,
        stderr=log,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/readyz")
        yield Demo(f"http://localhost:{port}", port, instance)
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait_for(address):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


@pytest.fixture
def page(chromium):
    """A page in a profile of its own. Whatever its console complains about fails the test."""
    context = chromium.new_context()
    found = context.new_page()
    complaints = watch(found)
    yield found
    context.close()
    assert complaints == []


def watch(page):
    """Collects what goes wrong on a page: script errors, and what its policy refused."""
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "the server responded with a status" not in message.text
            else None
        ),
    )
    return complaints


def check_looks(page):
    """The page shown is accessible and no wider than its window, wide and narrow, light and dark.

    Whoever has just pressed something waits for what it led to before asking.
    """
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no fading colours
        page.set_viewport_size({"width": width, "height": 800})
        assert axe_violations(page) == [], (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="session")
def signed_in(demo, chromium):
    """The cookies of a sample person who has signed in, kept for some minutes: codes work once, and
    what is sensitive asks who has proved long ago who they are.
    """
    kept, since = {}, {}

    def sign_in(name):
        if name not in kept or time.monotonic() - since[name] > KEPT_SECONDS:
            since[name] = time.monotonic()
            context = chromium.new_context()
            person = demo.person(name)
            enter(context.new_page(), f"http://{person['host']}:{demo.port}", person)
            kept[name] = context.storage_state()
            context.close()
        return kept[name]

    return sign_in


@pytest.fixture
def documents_page(demo, chromium, signed_in):
    """A member's documents, on whose pages nothing may go wrong and no script fail."""
    context = chromium.new_context(storage_state=signed_in(MEMBER))
    found = context.new_page()
    complaints = watch(found)
    found.goto(demo.at("acme", "/documents"))
    yield found
    context.close()
    assert complaints == []


def enter(page, address, person):
    """Sign in as somebody would, by keyboard."""
    page.goto(address)
    page.get_by_label("E-mail").fill(person["email"])
    page.get_by_label("Password").fill(person["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/auth/code(\?|$)"))
    page.get_by_label("Code").fill(pyotp.TOTP(person["totp_secret"]).now())
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/auth/" not in address)


def join(page, invitation, password):
    """Accept an invitation and set up an authenticator."""
    page.goto(invitation)
    page.get_by_label("New password", exact=True).fill(password)
    page.get_by_label("Repeat the new password").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/auth/enrol(\?|$)"))
    page.locator("svg.qr").wait_for()
    page.get_by_text("Type the secret instead").click()
    secret = re.sub(r"\s", "", page.locator("code.secret").inner_text())
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show my recovery codes").click()
    page.get_by_role("link", name="I have saved them").click()
    page.wait_for_url(lambda address: "/auth/" not in address and "recovery" not in address)
