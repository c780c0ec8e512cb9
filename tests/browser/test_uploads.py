"""What the list of uploads says in a real browser while files are sent, held up and refused."""

import os
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_flows import make_folder, upload

MIB = 2**20


@pytest.fixture
def page(documents_page):
    return documents_page


def slow_down(page, bytes_per_second):
    """Let the page send no faster than that."""
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    debugger = page.context.new_cdp_session(page)
    debugger.send("Network.enable")
    debugger.send(
        "Network.emulateNetworkConditions", limits | {"uploadThroughput": bytes_per_second}
    )
    return debugger


def big(path, size_bytes):
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


def test_progress_speed_and_remaining_time_are_told_within_one_piece(page, tmp_path):
    make_folder(page, "Slowly")
    slow_down(page, MIB)
    upload(page, big(tmp_path / "slow.bin", 30 * MIB))
    told = re.compile(r"^[1-9][0-9]? %, [0-9.]+ (KiB|MiB)/s, [0-9]+ s left$")
    page.get_by_text(told).wait_for()
    assert 0 < page.get_by_role("progressbar").evaluate("bar => bar.value") < 100
    page.get_by_role("button", name="Cancel: slow.bin").click()


def test_a_pause_tells_what_the_server_has_kept_and_resuming_is_silent(page, tmp_path):
    make_folder(page, "With a pause")
    slow_down(page, 2 * MIB)
    told = []

    def note(text):
        told.append(text)

    page.expose_function("noteState", note)
    page.evaluate(
        """new MutationObserver(() => noteState(document.getElementById("transfers").innerText))
            .observe(document.getElementById("transfers"),
                { subtree: true, childList: true, characterData: true })"""
    )
    upload(page, big(tmp_path / "held.bin", 30 * MIB))
    page.get_by_text(re.compile(r"^[3-9][0-9] %")).wait_for()
    page.get_by_role("button", name="Pause: held.bin").click()
    page.get_by_text(re.compile(r"^paused at [1-9][0-9] %$")).wait_for()
    page.get_by_role("button", name="Resume: held.bin").click()
    page.get_by_role("link", name="held.bin", exact=True).wait_for()
    assert not any("Trying again" in state for state in told)


def twins(tmp_path, *letters):
    """Files of one name, size and time."""
    made = []
    for number, letter in enumerate(letters):
        file = tmp_path / str(number) / "twin.bin"
        file.parent.mkdir()
        file.write_bytes(letter * (12 * MIB))
        os.utime(file, (1_700_000_000, 1_700_000_000))
        made.append(file)
    return made


CONTENT = """async (link) => {
    const answer = await fetch(`${link.href}/download`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return [bytes.every((byte) => byte === bytes[0]), String.fromCharCode(bytes[0]), bytes.length];
}"""


@pytest.mark.parametrize("letters", [(b"A", b"B"), (b"A", b"A")], ids=["other", "same"])
@pytest.mark.parametrize("is_paused", [True, False], ids=["paused", "sending"])
def test_two_files_that_look_the_same_become_two_documents(page, tmp_path, letters, is_paused):
    make_folder(page, f"Twins {letters} {is_paused}")
    first, second = twins(tmp_path, *letters)
    debugger = slow_down(page, 3 * MIB)
    upload(page, first)
    page.get_by_text(re.compile(r"^[1-9][0-9] %")).wait_for()
    if is_paused:
        page.get_by_role("button", name="Pause: twin.bin").click()
        page.get_by_text(re.compile(r"^paused at [1-9][0-9] %$")).wait_for()
    upload(page, second)
    debugger.detach()
    if is_paused:
        page.get_by_role("button", name="Resume: twin.bin").first.click()
    links = page.get_by_role("link", name="twin.bin", exact=True)
    expect(links).to_have_count(2)
    contents = sorted(link.evaluate(CONTENT) for link in links.all())
    assert contents == [[True, letter.decode(), 12 * MIB] for letter in letters]


def test_what_is_paused_keeps_nothing_else_waiting(page, tmp_path):
    make_folder(page, "Paused twice")
    debugger = slow_down(page, 2 * MIB)
    upload(page, big(tmp_path / "one.bin", 20 * MIB), big(tmp_path / "two.bin", 20 * MIB))
    for name in ("one.bin", "two.bin"):
        page.get_by_role("button", name=f"Pause: {name}").click()
    expect(page.get_by_text(re.compile(r"^paused"))).to_have_count(2)
    debugger.detach()
    upload(page, big(tmp_path / "three.bin", 4))
    page.get_by_role("link", name="three.bin", exact=True).wait_for()
    page.get_by_role("button", name="Cancel: one.bin").click()
    page.get_by_role("button", name="Resume: two.bin").click()
    page.get_by_role("link", name="two.bin", exact=True).wait_for()
    assert page.get_by_role("link", name="one.bin", exact=True).count() == 0


def test_a_name_that_would_be_read_backwards_is_shown_as_it_is(page, tmp_path):
    make_folder(page, "Backwards")
    upload(page, big(tmp_path / "\u202egnp.txt", 4))
    page.get_by_text("\ufffdgnp.txt", exact=True).wait_for()
    assert "\u202e" not in page.locator("main").inner_text()


def test_what_was_chosen_and_had_the_focus_has_so_still_when_a_file_arrives(page, tmp_path):
    make_folder(page, "Kept choices")
    for name in ("one.txt", "two.txt", "three.txt"):
        (tmp_path / name).write_bytes(b"text")
    upload(page, tmp_path / "one.txt", tmp_path / "two.txt")
    box = page.get_by_label("Choose one.txt")
    box.check()
    page.get_by_text("1 selected").wait_for()
    slow_down(page, MIB)
    box.focus()
    page.evaluate("document.getElementById('listing').dataset.old = 'yes'")
    page.locator("#files").set_input_files(tmp_path / "three.txt")
    page.get_by_role("link", name="three.txt", exact=True).wait_for()
    assert page.locator("#listing[data-old]").count() == 0, "it is not drawn anew"
    expect(page.get_by_label("Choose one.txt")).to_be_checked()
    expect(page.get_by_label("Choose one.txt")).to_be_focused()
    expect(page.get_by_label("Choose two.txt")).not_to_be_checked()
    expect(page.locator("#chosen-count")).to_have_text("1 selected")


@pytest.mark.parametrize("answer", [{"status": 503}, {"json": {}}], ids=["failure", "no page"])
def test_a_list_that_can_t_be_drawn_anew_stays_and_that_is_told(page, tmp_path, answer):
    make_folder(page, f"Stays as it is {answer}")
    (tmp_path / "one.txt").write_bytes(b"text")
    page.route(page.url, lambda route: route.fulfill(**answer))
    upload(page, tmp_path / "one.txt")
    page.get_by_text("1 file is uploaded. Reload the page to see it in the list.").wait_for()
    assert page.locator("#listing").count() == 1


def test_what_is_chosen_is_counted_on_a_page_that_one_comes_back_to(page, tmp_path):
    make_folder(page, "Come back to")
    (tmp_path / "one.txt").write_bytes(b"text")
    upload(page, tmp_path / "one.txt")
    page.get_by_label("Choose one.txt").check()
    page.get_by_role("link", name="one.txt", exact=True).click()
    page.get_by_role("heading", name="one.txt").wait_for()
    page.go_back()
    box = page.get_by_label("Choose one.txt")
    box.wait_for()
    expect(page.locator("#chosen-count")).to_have_text("1 selected" if box.is_checked() else "")


def sign_in_anew(page):
    """What signing in anew in another tab leaves behind: another secret of the forms."""
    page.context.clear_cookies(name="form")
    other = page.context.new_page()
    other.goto(page.url)
    other.close()


@pytest.mark.parametrize("what", ["files", "folders"])
def test_an_upload_begins_where_another_tab_has_signed_in_anew(page, tmp_path, what):
    make_folder(page, f"Anew with {what}")
    folder = tmp_path / "Trip"
    folder.mkdir()
    for name in ("one.txt", "two.txt"):
        (folder / name).write_bytes(b"text")
    sign_in_anew(page)
    if what == "files":
        upload(page, folder / "one.txt", folder / "two.txt")
        page.get_by_role("link", name="two.txt", exact=True).wait_for()
    else:
        page.get_by_label("Choose a folder").set_input_files(folder)
        page.get_by_role("link", name="Trip", exact=True).wait_for()
    page.get_by_text("2 files are uploaded.").wait_for()


def test_an_upload_goes_on_where_it_was_though_another_tab_has_signed_in_anew(page, tmp_path):
    make_folder(page, "Signed in again")
    debugger = slow_down(page, 2 * MIB)
    upload(page, big(tmp_path / "long.bin", 30 * MIB))
    page.get_by_text(re.compile(r"^[3-9][0-9] %")).wait_for()
    page.get_by_role("button", name="Pause: long.bin").click()
    page.get_by_text(re.compile(r"^paused at [1-9][0-9] %$")).wait_for()
    debugger.detach()
    sign_in_anew(page)
    sent = []
    page.on("request", lambda request: sent.append((request.method, request.headers)))
    page.get_by_role("button", name="Resume: long.bin").click()
    page.get_by_role("link", name="long.bin", exact=True).wait_for()
    assert not any(method == "POST" for method, _ in sent)
    assert all(int(head["upload-offset"]) > 0 for method, head in sent if method == "PATCH")


def test_nothing_is_sent_in_the_name_of_somebody_else_who_has_signed_in(page, tmp_path):
    make_folder(page, "Shared browser")
    page.evaluate("document.querySelector('[data-person]').dataset.person = 'somebody else'")
    sign_in_anew(page)
    upload(page, big(tmp_path / "mine.bin", 1))
    told = "mine.bin: This form has expired. Go back, reload the page and try again."
    expect(page.locator("#upload-state")).to_have_text(told)


def test_nothing_is_shown_that_is_drawn_for_somebody_else_who_has_signed_in(page, tmp_path):
    make_folder(page, "Somebody else's list")
    drawn = page.content()
    theirs = re.sub('data-person="[^"]*"', 'data-person="somebody else"', drawn)
    assert theirs != drawn
    page.route(page.url, lambda route: route.fulfill(body=theirs, content_type="text/html"))
    page.evaluate("document.getElementById('listing').dataset.mine = 'yes'")
    upload(page, big(tmp_path / "mine.bin", 1))
    page.get_by_text("1 file is uploaded. Reload the page to see it in the list.").wait_for()
    assert page.locator("#listing[data-mine]").count() == 1


def test_a_new_version_that_can_t_be_shown_is_told(page, tmp_path):
    make_folder(page, "A version unseen")
    file = big(tmp_path / "one.txt", 4)
    upload(page, file)
    page.get_by_role("link", name="one.txt", exact=True).click()
    page.get_by_role("heading", name="one.txt").wait_for()
    page.route(page.url, lambda route: route.fulfill(status=503))
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    told = "The new version is uploaded. Reload the page to see it in the list."
    expect(page.locator("#new-version-state")).to_have_text(told)
    assert page.locator("#versions").count() == 1


def test_a_new_version_goes_on_where_another_tab_has_signed_in_anew(page, tmp_path):
    make_folder(page, "Signed in, then a version")
    file = big(tmp_path / "one.txt", 4)
    upload(page, file)
    page.get_by_role("link", name="one.txt", exact=True).click()
    page.get_by_role("heading", name="one.txt").wait_for()
    sign_in_anew(page)
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_text("The new version is uploaded.").wait_for()
