"""What people come for, done in a real browser."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import enter, join
from tests.harness.browser import axe_violations

BIG = 9 * 1024 * 1024  # more than one part of the file format


def open_documents(chromium, signed_in, demo, name):
    context = chromium.new_context(storage_state=signed_in(name), accept_downloads=True)
    page = context.new_page()
    page.goto(demo.at("acme", "/documents"))
    return page


def make_folder(page, name):
    page.get_by_text("New folder", exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create folder").click()
    page.get_by_role("heading", name=name).wait_for()
    page.wait_for_load_state()  # with its scripts


def upload(page, *files):
    page.get_by_label("Choose files").set_input_files(list(files))


def test_a_visitor_is_inside_within_a_minute(demo, page):
    page.goto(demo.url)
    page.get_by_text(demo.person("Tomas Rivera")["password"]).wait_for()

    enter(page, demo.at("acme"), demo.person("Tomas Rivera"))

    assert page.url == demo.at("acme", "/documents")
    page.get_by_role("link", name="Welcome to Acme.md", exact=True).wait_for()


def test_the_organisations_name_leads_to_its_address(demo, page):
    page.goto(demo.url)
    page.get_by_label("Your organisation’s address").fill("globex")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.at('globex')}**")

    page.get_by_text("Globex Shipping").first.wait_for()


def test_several_files_are_uploaded_listed_and_downloaded(chromium, signed_in, demo, tmp_path):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "From the picker")
    contents = {
        "plan – Übersicht.txt": b"one",
        "empty.bin": b"",
        "big.bin": bytes(range(256)) * 36864,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert len(contents["big.bin"]) == BIG

    upload(page, *(tmp_path / name for name in contents))

    for name, content in contents.items():
        page.get_by_role("link", name=name, exact=True).wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name=f"Download {name}").click()
        assert download.value.suggested_filename == name
        assert Path(download.value.path()).read_bytes() == content


def test_a_file_that_is_dropped_is_uploaded(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "From the desk")
    transfer = page.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["dropped"], "dropped.txt"));
            return transfer;
        }"""
    )

    page.dispatch_event("body", "drop", {"dataTransfer": transfer})

    page.get_by_role("link", name="dropped.txt", exact=True).wait_for()


def small(name):
    return {"name": name, "mimeType": "text/plain", "buffer": name.encode()}


def test_a_refused_upload_says_why_and_can_be_tried_again(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Broken")
    refused = {"status": 415, "body": '{"error": "Not this kind."}'}
    page.route("**/documents/uploads/resumable", lambda route: route.fulfill(**refused))

    upload(page, small("a.txt"))

    page.get_by_text("Not this kind.", exact=True).wait_for()
    page.unroute("**/documents/uploads/resumable")
    page.get_by_role("button", name="Try again: a.txt").click()
    page.get_by_role("link", name="a.txt", exact=True).wait_for()


def test_an_upload_can_be_cancelled(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Cancelled")
    page.route("**/documents/uploads/resumable", lambda _route: None)  # never answered

    upload(page, small("never.txt"))
    page.get_by_role("button", name="Cancel: never.txt").click()

    page.get_by_role("button", name="Cancel: never.txt").wait_for(state="detached")
    page.unroute("**/documents/uploads/resumable")
    page.reload()
    page.get_by_text("Nothing here yet").wait_for()


def test_an_upload_goes_on_by_itself_when_the_connection_is_back(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Patient")
    page.route("**/documents/uploads/**", lambda route: route.abort())

    upload(page, small("patient.txt"))

    page.get_by_text("The connection broke off. Trying again in").wait_for()
    page.unroute("**/documents/uploads/**")
    page.get_by_role("link", name="patient.txt", exact=True).wait_for()


def test_an_upload_is_paused_and_resumed_also_after_a_reload(chromium, signed_in, demo, tmp_path):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Halves")
    content = bytes(range(256)) * (40 * 2**20 // 256)
    file = tmp_path / "halves.bin"
    file.write_bytes(content)
    sent = []

    def first_piece_only(route):
        offset = route.request.headers.get("upload-offset")
        sent.append(offset)
        route.continue_() if offset in (None, "0") else None

    page.route("**/documents/uploads/**", first_piece_only)
    upload(page, file)
    page.get_by_role("button", name="Pause: halves.bin").wait_for()
    while not any(offset not in (None, "0") for offset in sent):
        page.wait_for_timeout(50)
    page.get_by_role("button", name="Pause: halves.bin").click()
    page.get_by_text("paused at 80 %").wait_for()
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.unroute("**/documents/uploads/**")  # now that what was held up is gone
    page.reload()
    waiting = page.get_by_text("32.0 MiB of 40.0 MiB are here.")
    waiting.wait_for()

    with page.expect_request(lambda request: request.method == "PATCH") as second:
        upload(page, file)
    assert second.value.headers["upload-offset"] == str(32 * 2**20)
    expect(waiting).to_have_count(0)  # it is under way again
    with page.expect_download() as download:
        page.get_by_role("link", name="Download halves.bin").click()
    assert Path(download.value.path()).read_bytes() == content


def test_a_form_whose_button_is_pressed_again_is_sent_once(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    sent = []
    page.route("**/folders", lambda route: sent.append(route))  # noqa: PLW0108  # it sets attributes on it
    page.get_by_text("New folder", exact=True).click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Pressed again")
    button = page.get_by_role("button", name="Create folder").bounding_box()
    for _ in range(2):
        page.mouse.click(button["x"] + 5, button["y"] + 5)
        page.wait_for_timeout(100)
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    assert len(sent) == 1
    sent[0].continue_()
    page.get_by_role("heading", name="Pressed again").wait_for()
    page.go_back()
    page.get_by_text("New folder", exact=True).click()
    assert page.get_by_role("button", name="Create folder").is_enabled()


def test_a_folder_is_uploaded_with_the_folders_in_it(chromium, signed_in, demo, tmp_path):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Whole")
    inner = tmp_path / "Album" / "Inner"
    inner.mkdir(parents=True)
    for file in (inner.parent / "outer.txt", inner / "first.txt", inner / "second.txt"):
        file.write_text("x")
    page.get_by_label("Choose a folder").set_input_files(tmp_path / "Album")
    page.get_by_text("3 files are uploaded.").wait_for()
    page.get_by_role("link", name="Album", exact=True).click()
    page.get_by_role("link", name="outer.txt", exact=True).wait_for()
    page.get_by_role("link", name="Inner", exact=True).click()
    page.get_by_role("link", name="first.txt", exact=True).wait_for()
    page.get_by_role("link", name="second.txt", exact=True).wait_for()


def test_a_folder_that_is_chosen_again_goes_on_where_it_broke_off(
    chromium, signed_in, demo, tmp_path
):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Broken off")
    (tmp_path / "Trip").mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / "Trip" / name).write_text("x")

    def no_second(route):
        names = route.request.headers.get("upload-metadata", "")
        route.continue_() if "filename Yi50eHQ=" not in names else route.abort()

    page.route("**/uploads/resumable", no_second)
    page.get_by_label("Choose a folder").set_input_files(tmp_path / "Trip")
    page.get_by_text("The connection broke off.").wait_for()
    page.get_by_text("Trip/c.txt").wait_for(state="detached")
    page.unroute("**/uploads/resumable")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    for _ in range(2):
        page.get_by_label("Choose a folder").set_input_files(tmp_path / "Trip")
        page.get_by_text("3 files are uploaded.").wait_for()
        page.reload()
    trips = page.get_by_role("link", name="Trip", exact=True)
    assert trips.count() == 2, "what is complete and chosen again is meant to be there twice"
    for n in range(2):
        trips.nth(n).click()
        page.get_by_role("heading", name="Trip").wait_for()
        expect(page.locator("#listing tbody tr")).to_have_count(3)
        page.go_back()


def test_a_document_is_renamed_moved_deleted_and_restored(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Round trip")
    upload(page, {"name": "first.txt", "mimeType": "text/plain", "buffer": b"x"})

    page.get_by_role("link", name="Rename first.txt").click()
    page.get_by_label("Name", exact=True).fill("second.txt")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("link", name="Move second.txt").click()
    page.get_by_role("button", name="All documents").click()
    page.get_by_role("button", name="Policies").click()
    page.get_by_role("button", name="Move to “Policies”").click()
    page.get_by_role("heading", name="Policies").wait_for()
    page.get_by_role("link", name="Delete second.txt").click()
    page.get_by_role("button", name=re.compile("trash", re.IGNORECASE)).click()
    page.get_by_text("The document is in the trash.").wait_for()
    assert page.get_by_role("link", name="second.txt", exact=True).count() == 0

    page.goto(demo.at("acme", "/documents/trash"))
    row = page.locator("tr", has_text="second.txt")
    row.get_by_role("button", name=re.compile("Restore")).click()
    page.goto(demo.at("acme", "/documents"))
    page.get_by_role("link", name="Policies", exact=True).click()
    page.get_by_role("link", name="second.txt", exact=True).wait_for()


def test_an_invited_person_sets_up_an_authenticator_and_comes_in(chromium, signed_in, demo, page):
    admin = chromium.new_context(storage_state=signed_in("Ada Winter")).new_page()
    admin.goto(demo.at("acme", "/members/new"))
    admin.get_by_label("Name", exact=True).fill("Nina Novak")
    admin.get_by_label("E-mail").fill("nina@acme.example")
    admin.get_by_label("Member", exact=True).check()
    admin.get_by_role("button", name="Send the invitation").click()
    link = re.search(r"http://\S+/auth/invitations/[\w-]+", admin.content())[0]

    join(page, link, "heron-lamp-orchard-12")

    page.get_by_text("Nina Novak").first.wait_for()
    page.goto(link)
    page.get_by_text("not valid any more").wait_for()


def test_signing_out_ends_the_session_even_for_a_copied_cookie(demo, chromium):
    context = chromium.new_context()
    page = context.new_page()
    enter(page, demo.at("acme"), demo.person("Aron Fields"))
    cookies = context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile(r"/auth/sign-in(\?|$)"))

    thief = chromium.new_context()
    thief.add_cookies(cookies)
    stolen = thief.new_page()
    stolen.goto(demo.at("acme", "/members"))

    assert "/auth/sign-in" in stolen.url


def test_what_a_member_does_is_in_the_officers_log(chromium, signed_in, demo):
    page = open_documents(chromium, signed_in, demo, "Mia Chen")
    make_folder(page, "Seen by the officer")
    officer = chromium.new_context(storage_state=signed_in("Olga Brandt")).new_page()
    officer.goto(demo.at("acme", "/audit?action=folder.created"))

    first = officer.locator("tbody tr").first

    assert "Mia Chen" in first.inner_text()
    assert "Seen by the officer" in first.inner_text()


def test_everything_works_without_javascript(demo, chromium, signed_in):
    context = chromium.new_context(storage_state=signed_in("Mia Chen"), java_script_enabled=False)
    page = context.new_page()
    page.goto(demo.at("acme", "/documents"))

    make_folder(page, "No script")

    page.get_by_label("Files to upload").set_input_files([small("a.txt"), small("b.txt")])
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_text("2 of 2 files are uploaded.").wait_for()
    page.get_by_role("link", name="Back to the folder").click()
    page.get_by_role("link", name="b.txt", exact=True).wait_for()


def test_why_two_people_can_not_be_wanted_is_told_where_one_looks(demo, chromium, signed_in):
    context = chromium.new_context(storage_state=signed_in("Ada Winter"))
    page = context.new_page()
    page.goto(demo.at("acme", "/policy"))
    page.locator("#kinds-release-hold").check()
    page.locator("form", has=page.locator("#kinds-release-hold")).get_by_role("button").click()
    told = page.get_by_role("alert").filter(has_text="Nobody else here could agree")
    expect(told).to_be_in_viewport(ratio=1)
    expect(page.locator(":focus")).to_have_text(re.compile("Nobody else here could agree"))
    assert axe_violations(page) == []
    context.close()
