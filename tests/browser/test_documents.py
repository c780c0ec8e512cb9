"""A document's own pages in a real browser: what a frame shows, and a new version of a text."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import check_looks
from tests.documents.pdfs import pdf_of
from tests.documents.samples import picture_of
from tests.harness.browser import axe_violations

HOSTILE = """<!doctype html><script>top.location = "/trash"; fetch("/account")</script>
<img src="/account" onerror="document.title = 'run'"><form action="/auth/sign-out" method="post">
"""
SHOWN = {
    "Hostile.txt": HOSTILE.encode(),
    "Picture.png": picture_of("PNG", 3000, 2000),
    "Pages.pdf": pdf_of("The first page", "The second page"),
}


@pytest.fixture
def page(documents_page):
    return documents_page


def upload(page, name, body):
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": body}
    page.set_input_files("#files", [file])
    page.get_by_role("link", name=name, exact=True).click()


@pytest.mark.parametrize("name", SHOWN)
def test_a_preview_runs_nothing_and_fetches_nothing(page, name):
    upload(page, name, SHOWN[name])
    fetched = set()
    page.on("request", lambda request: fetched.add(request.url))
    page.get_by_role("link", name="Preview").click()
    page.locator("iframe").wait_for()
    page.wait_for_load_state("networkidle")
    [frame] = [frame for frame in page.frames if frame.parent_frame]

    ours = ("/static/", "/bootstrap/", "data:")
    fetched = {url for url in fetched if not any(part in url for part in ours)}
    assert fetched == {page.url, frame.url}
    assert frame.evaluate("self.origin") == "null"
    if name == "Hostile.txt":
        assert frame.inner_text("body").strip() == HOSTILE.strip()
    else:
        assert frame.evaluate("document.images[0].naturalWidth") > 1000
        assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe_violations(page) == []


def test_a_new_version_is_uploaded_compared_and_the_old_one_restored(page):
    upload(page, "Draft.txt", b"One line.\nAnother line.\n")
    page.get_by_label("File").set_input_files(
        {"name": "Draft.txt", "mimeType": "text/plain", "buffer": b"One line.\nChanged.\n"}
    )
    page.get_by_label("What is new in it").fill("The second line")
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("The new version is uploaded.").wait_for()
    page.get_by_role("cell", name="The second line").wait_for()
    page.get_by_role("link", name="What changed in version 2").click()

    page.get_by_role("row", name="Removed Another line.").wait_for()
    page.get_by_role("row", name="Added Changed.").wait_for()
    check_looks(page)

    page.get_by_role("link", name="All versions").click()
    page.get_by_role("link", name="Restore version 1").click()
    restore = page.get_by_role("button", name="Restore version 1")
    restore.wait_for()
    assert axe_violations(page) == []
    restore.click()
    page.get_by_text("Version 1 is the newest one again.").wait_for()
    page.get_by_role("cell", name="Restored from version 1").wait_for()


def test_one_searches_and_chooses_by_keys(page):
    upload(page, "Harbour.txt", b"x")
    page.goto(page.url.partition("/documents/")[0] + "/documents")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.get_by_text("2 selected").wait_for()
    expect(page.locator('[name="things"]:checked')).to_have_count(2)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("heading", name="Move 2 items to the trash?").wait_for()
    assert axe_violations(page) == []
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Star Harbour.txt").click()
    page.locator(":target").get_by_role("button", name="Unstar Harbour.txt").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("Tab")  # one goes on in the row that one came from
    row = page.get_by_role("row").filter(has=page.locator(":focus"))
    expect(row.get_by_role("link", name="Harbour.txt", exact=True)).to_have_count(1)
    boxes = page.locator('[name="things"]')
    boxes.first.press("Space")
    boxes.nth(2).press("Shift+Space")
    page.get_by_text("3 selected").wait_for()
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download", exact=True).click()
    assert taken.value.suggested_filename == "Documents.zip"
    page.keyboard.press("/")
    page.keyboard.type("HARB")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Harbour.txt", exact=True).wait_for()
    check_looks(page)
