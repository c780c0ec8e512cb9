"""An access review in a real browser: started, answered by single keys, closed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import watch

REVIEW = re.compile(r"/reviews/[0-9a-f-]{36}$")


@pytest.fixture
def seats(chromium, signed_in, demo):
    """Pages of the officer and of the member who reviews, each in a browser of their own."""
    contexts = [
        chromium.new_context(storage_state=signed_in(who)) for who in ("Olga Brandt", "Mia Chen")
    ]
    pages = [context.new_page() for context in contexts]
    complaints = [watch(page) for page in pages]
    yield pages
    for context in contexts:
        context.close()
    assert complaints == [[], []]


def start(officer, demo, name):
    """A review of what three people hold, one role each; gives its address."""
    officer.goto(demo.at("acme", "/reviews/new"))
    officer.get_by_label("Name").fill(name)
    people = (demo.person(who)["email"] for who in ("Ada Winter", "Aron Fields", "Ansel Roy"))
    officer.get_by_label("People").fill("\n".join(people))
    officer.get_by_label("Reviewers").fill(demo.person("Mia Chen")["email"])
    officer.get_by_label("Due on").fill(f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}")
    officer.get_by_role("button", name="See what it would be").click()
    officer.get_by_role("heading", name="What it would be").wait_for()
    officer.get_by_role("button", name="Start the review").click()
    officer.wait_for_url(REVIEW)
    return officer.url


def test_one_line_after_another_is_answered_by_one_key(seats, demo):
    officer, member = seats
    review = start(officer, demo, "One by one")

    member.goto(f"{review}/next")
    for key, answered in (("k", 1), ("r", 2)):
        member.locator("[data-line]:focus").wait_for()
        member.keyboard.press(key)
        member.get_by_text(f"{answered} of 3").wait_for()
    member.locator("[data-line]:focus").wait_for()
    member.keyboard.press("Tab")
    member.keyboard.type("rk stays, she asked")  # into the comment: there they are letters
    assert member.get_by_text("2 of 3").is_visible()
    member.get_by_role("button", name="Keep").click()
    member.wait_for_url(review)

    expect(member.locator("tbody .tag")).to_have_text(["Keep", "Revoke", "Keep"])
    assert member.locator("tbody input[name=comment]").last.input_value() == "rk stays, she asked"
    # Other tests need what the sample people hold: the mind is changed before the end.
    member.locator("tbody tr").nth(1).get_by_role("button", name="Keep").click()
    member.locator("tbody .tag", has_text="Revoke").wait_for(state="detached")
    officer.goto(review)
    officer.get_by_role("link", name="Close the review").click()
    officer.get_by_role("button", name="Close the review").click()
    officer.get_by_text("what it decided is done").wait_for()
    with officer.expect_download() as download:
        officer.get_by_role("link", name="Signed").click()
    officer.goto(demo.at("acme", "/reviews/verify"))
    officer.get_by_label("The whole text").fill(download.value.path().read_text())
    officer.get_by_role("button", name="Verify").click()
    officer.get_by_text("It is genuine").wait_for()


def test_in_the_list_a_key_answers_the_line_that_has_the_focus(seats, demo):
    officer, member = seats
    review = start(officer, demo, "In the list")

    member.goto(review)
    member.keyboard.press("r")
    assert member.get_by_text("0 of 3").is_visible(), "no line had the focus"
    member.locator("tbody tr").nth(1).get_by_role("link").focus()
    member.keyboard.press("k")
    member.get_by_text("1 of 3").wait_for()
    member.locator("tbody tr").nth(2).locator("button:focus").wait_for()  # it has gone on
    member.keyboard.press("r")
    member.get_by_text("2 of 3").wait_for()

    expect(member.locator("tbody .tag")).to_have_text(["Not answered", "Keep", "Revoke"])


def test_without_javascript_the_buttons_do_the_same(chromium, seats, signed_in, demo):
    officer, _ = seats
    review = start(officer, demo, "Without a script")
    context = chromium.new_context(storage_state=signed_in("Mia Chen"), java_script_enabled=False)
    page = context.new_page()

    page.goto(f"{review}/next")
    page.get_by_role("button", name="Revoke").click()

    page.get_by_text("1 of 3").wait_for()
    context.close()
