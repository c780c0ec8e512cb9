"""A link is made in one browser, and opened in another that has never been here."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import watch
from tests.browser.test_pages import MEMBER, follow
from tests.harness.browser import axe_violations

LINK = re.compile(r"/shared/[0-9a-f-]{36}$")


def test_a_link_opens_for_a_stranger_and_leaves_its_secret_in_no_address(
    demo, chromium, signed_in, page
) -> None:
    mine = chromium.new_context(storage_state=signed_in(MEMBER)).new_page()
    follow(mine, demo, "/documents {Projects} {Tide gauge} {Share by link}")
    mine.get_by_label("Note", exact=True).fill("For Tuesday")
    mine.get_by_role("button", name="Make the link").click()
    address = mine.get_by_label("Address to send").input_value()
    assert axe_violations(mine) == []

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_url(LINK)
    expect(page.get_by_text("For Tuesday")).to_be_visible()
    assert axe_violations(page) == []
    secret = address.partition("#")[2]
    assert [one for one in asked if secret in one] == []
    page.go_back()
    assert secret not in page.url

    page.goto(address)
    page.wait_for_url(LINK)
    page.get_by_role("link", name="Requirements.md").click()
    assert axe_violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "Requirements.md"

    mine.get_by_role("link", name="See who opens it").click()
    expect(mine.get_by_text("Downloaded")).to_be_visible()
    assert axe_violations(mine) == []
    mine.get_by_role("link", name="Revoke").click()
    mine.get_by_role("button", name="Revoke").click()
    page.reload()
    expect(page.get_by_text("ended by whoever shared it")).to_be_visible()
    mine.context.close()


def test_without_scripts_the_address_is_pasted(demo, chromium, signed_in) -> None:
    mine = chromium.new_context(storage_state=signed_in(MEMBER)).new_page()
    follow(mine, demo, "/documents {Projects} {Tide gauge} {Share by link}")
    mine.get_by_role("button", name="Make the link").click()
    address = mine.get_by_label("Address to send").input_value()
    plain = chromium.new_context(java_script_enabled=False).new_page()
    complaints = watch(plain)
    plain.goto(address)
    plain.get_by_label("Address").fill(address)
    plain.get_by_role("button", name="Open").click()
    expect(plain.get_by_role("link", name="Requirements.md")).to_be_visible()
    assert complaints == []
    mine.context.close()
    plain.context.close()
