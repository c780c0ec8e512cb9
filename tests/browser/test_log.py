"""What of the log's pages needs a script: dragging over bars, and entries that appear."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import watch

OFFICER = "Olga Brandt"


def test_dragging_over_bars_leads_to_their_time_and_new_entries_appear(demo, chromium, signed_in):
    context = chromium.new_context(storage_state=signed_in(OFFICER))
    page, other = context.new_page(), context.new_page()
    complaints = watch(page)

    page.goto(demo.at("acme", "/audit/charts?last=24h&outcome=success"))
    bars = page.locator("[data-brush] a")
    first, last = bars.nth(-4), bars.nth(-2)
    since, until = first.get_attribute("data-since"), last.get_attribute("data-until")
    first.hover()
    page.mouse.down()
    last.hover()
    page.mouse.up()
    page.wait_for_url(re.compile(r"since="))
    assert page.get_by_label("From (UTC)").input_value() == since
    assert page.get_by_label("Until (UTC)").input_value() == until
    assert page.get_by_role("combobox", name="Outcome").input_value() == "success"

    page.goto(demo.at("acme", "/audit/live"))
    kept = page.locator("[data-live]").get_by_text("A search of the log was saved")
    before = kept.count()
    other.goto(demo.at("acme", "/audit/searches/new"))
    other.get_by_label("Name").fill("Made while somebody watches")
    other.get_by_role("button", name="Save it").click()
    expect(kept).to_have_count(before + 1, timeout=15_000)
    assert complaints == []
    context.close()
