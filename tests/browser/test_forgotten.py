"""A forgotten password from the sign-in page to another one, with real mail in between."""

import re
import time

import pytest

from tests.browser.conftest import check_looks, demonstration, watch
from tests.harness.browser import axe_violations
from tests.harness.smtp import mail_sink

NEW = "seventeen purple lighthouses"


@pytest.fixture
def sink():
    with mail_sink() as sink:
        yield sink


@pytest.fixture
def mailing(tmp_path, sink):
    """A demonstration that sends mail."""
    with demonstration(tmp_path, PORTAL_SMTP_URL=f"smtp://{sink.host}:{sink.port}") as running:
        yield running


def mail_about(sink, subject):
    """The mail of that subject, once the worker has sent it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for mail in sink.mails:
            if mail.message["Subject"] == subject:
                return mail
        time.sleep(0.1)
    raise TimeoutError(subject)


def test_from_the_sign_in_to_another_password(mailing, sink, chromium):
    person = mailing.people()[0]
    context = chromium.new_context()
    page = context.new_page()
    complaints = watch(page)

    page.goto(f"http://{person['host']}:{mailing.port}/auth/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    page.wait_for_url("**/auth/forgot")
    check_looks(page)
    page.get_by_label("E-mail").fill(person["email"])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check your mail").wait_for()
    check_looks(page)

    mail = mail_about(sink, "Choose a new password")
    assert mail.recipients == [person["email"]]
    [link] = set(re.findall(r"http://\S+/auth/resets/[\w-]+", mail.text))

    page.goto(link)
    page.get_by_label("New password", exact=True).fill("password1")
    page.get_by_label("Repeat the new password").fill("password1")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    check_looks(page)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("Repeat the new password").fill(NEW)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_label("E-mail").fill(person["email"])
    page.get_by_label("Password").fill(NEW)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your code").wait_for()
    mail_about(sink, "Your password was changed")
    page.emulate_media(
        color_scheme="light"
    )  # axe takes the canvas of a page without style for white
    for mail in {m.message["Subject"]: m for m in sink.mails}.values():
        page.set_content(mail.html)  # as a program for mail shows it
        assert axe_violations(page) == [], mail.message["Subject"]
    assert len(sink.mails) > 3
    assert complaints == []
    context.close()
