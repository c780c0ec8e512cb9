"""What the list of uploads says in a real browser while files are sent, held up and refused."""

import re

import pytest

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
    told = re.compile(r"^[1-9][0-9]? %, [0-9.]+ (KB|MB)/s, [0-9]+ s left$")
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
