"""A forgotten password from the sign-in page to another one, with real mail in between."""

import os
import re
import subprocess
import sys

import pytest

from tests.browser.conftest import _wait_for, watch
from tests.harness.browser import axe_violations
from tests.harness.ports import free_port
from tests.harness.smtp import mail_sink

LOOKS = [("light", 1280), ("dark", 360)]
NEW = "seventeen purple lighthouses"


@pytest.fixture
def mailing(demo):
    """The demonstration's rows behind a portal that sends mail; gives its address, the mails that
    arrived, and what its worker is run by.
    """
    port = free_port()
    with mail_sink() as sink:
        kept = {name: value for name, value in os.environ.items() if "PORTAL_" not in name}
        env = kept | {
            "PORTAL_INSTANCE": str(demo.instance),
            "PORTAL_URL": f"http://localhost:{port}",
            "PORTAL_SMTP_URL": f"smtp://{sink.host}:{sink.port}",
        }
        portal = [sys.executable, "-m", "portal"]
        process = subprocess.Popen([*portal, "serve", "--port", str(port)], env=env)
        try:
            _wait_for(f"http://127.0.0.1:{port}/readyz")
            work = [*portal, "worker", "--once"]
            yield port, sink, lambda: subprocess.run(work, env=env, check=True)
        finally:
            process.terminate()
            process.wait(timeout=30)


def check_looks(page):
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        assert axe_violations(page) == [], (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_the_sign_in_to_another_password(demo, mailing, chromium):
    port, sink, work = mailing
    person = next(p for p in demo.people() if p["host"].startswith("globex"))
    context = chromium.new_context()
    page = context.new_page()
    complaints = watch(page)

    page.goto(f"http://{person['host']}:{port}/auth/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    check_looks(page)
    page.get_by_label("E-mail").fill(person["email"])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Look into your mail").wait_for()
    check_looks(page)

    work()
    mail = next(m for m in sink.mails if m.message["Subject"] == "Choose another password")
    assert mail.recipients == [person["email"]]
    [link] = set(re.findall(r"http://\S+/auth/resets/[\w-]+", mail.text))

    page.goto(link)
    page.get_by_label("New password").fill("password1")
    page.get_by_label("The same again").fill("password1")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    check_looks(page)
    page.get_by_label("New password").fill(NEW)
    page.get_by_label("The same again").fill(NEW)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("E-mail").fill(person["email"])
    page.get_by_label("Password").fill(NEW)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your code").wait_for()
    work()
    for mail in {m.message["Subject"]: m for m in sink.mails}.values():
        page.set_content(mail.html)  # as a program for mail shows it
        assert axe_violations(page) == [], mail.message["Subject"]
    assert len(sink.mails) > 3
    assert complaints == []
    context.close()
