"""Versions of a document: listed, noted, restored, compared; and documents copied."""

import tracemalloc
from threading import Thread
from urllib.parse import quote
from uuid import UUID

import pytest

from portal.documents import copying
from portal.documents.contents import take_in
from portal.documents.copying import name_of_copy
from portal.documents.models import DocumentVersion
from portal.documents.rendering.comparison import MOST_LINES
from tests.conftest import on_sqlite
from tests.documents.test_quotas import limit
from tests.founding import CONTENTS
from tests.installation import LOG, Organisation
from tests.web.test_transfer import uploaded

FIRST = CONTENTS["plan"][2]
SECOND = b"In the folder that the guest sees.\nAnd one line more.\n"


def versions_of(organisation: Organisation, document_id: object) -> list[dict]:
    rows = organisation.portal.rows("document_version")
    mine = [row for row in rows if row["document_id"] == UUID(str(document_id))]
    return sorted(mine, key=lambda row: row["number"])


@pytest.fixture
def plan(acme) -> str:
    """The address of a document with a second version."""
    path = f"/documents/{acme.documents['plan']}"
    sent = acme.visit("member").put(f"{path}/versions", SECOND, X_Note=quote("One line more"))
    assert sent.status_code == 201
    return path


def test_a_documents_page_lists_its_versions_with_what_may_be_done(acme, plan) -> None:
    first, second = (str(row["id"]) for row in versions_of(acme, plan[-36:]))
    page = acme.visit("member").get(plan).text
    assert page.index(f"version={second}") < page.index(f"version={first}")
    assert "One line more" in page
    assert f"{plan}/versions/{first}/restore" in page
    assert f"{plan}/versions/{second}/restore" not in page
    guests = acme.visit("guest").get(plan).text
    assert "One line more" in guests
    for word in ("/restore", "/note", "new-version", "/copy"):
        assert word not in guests


def test_versions_are_paged_newest_first(acme) -> None:
    path = f"/documents/{acme.documents['plan']}"
    with acme.bound(writes=True) as session:
        first = session.get(DocumentVersion, (acme.id, versions_of(acme, path[-36:])[0]["id"]))
        names = {column.name for column in first.__table__.c} - {"id", "number"}
        columns = {name: getattr(first, name) for name in names}
        for number in range(2, 46):
            session.add(DocumentVersion(number=number, **columns))
    member = acme.visit("member")
    assert f"Download version {45}<" in member.get(path).text
    older = member.get(f"{path}?before=26").text
    assert "Download version 25<" in older
    assert "Download version 26<" not in older
    assert "before=6" in older
    assert "Download version 1<" in member.get(f"{path}?before=6").text


def test_a_note_is_kept_sealed_and_can_be_taken_away(acme, plan) -> None:
    first = versions_of(acme, plan[-36:])[0]["id"]
    member = acme.visit("member")
    member.submit(f"{plan}/versions/{first}/note", note="  Erste Fassung Pd8rk ")
    assert "Erste Fassung Pd8rk" in acme.visit("guest").get(plan).text
    assert "Pd8rk" not in repr(acme.portal.dump())
    assert acme.log()[-1]["detail"] == {"number": 1}
    member.submit(f"{plan}/versions/{first}/note", note="")
    assert versions_of(acme, plan[-36:])[0]["note_sealed"] is None
    for note in ("x" * 501, "two\nlines", "turned\u202eround"):
        sent = member.post(f"{plan}/versions/{first}/note", {"note": note})
        assert sent.status_code in (400, 422), note


def test_a_restored_version_is_the_newest_under_a_key_of_its_own(acme, plan) -> None:
    first = versions_of(acme, plan[-36:])[0]
    acme.visit("member").submit(f"{plan}/versions/{first['id']}/restore")
    old, _, new = versions_of(acme, plan[-36:])
    assert acme.visit("guest").get(f"{plan}/download").data == FIRST
    assert acme.visit("guest").get(f"{plan}/download?version={first['id']}").status_code == 200
    assert old == first
    assert (new["number"], new["size_bytes"]) == (3, old["size_bytes"])
    assert new["wrapped_key"] != old["wrapped_key"]
    assert new["sealed_sha256"] != old["sealed_sha256"]
    assert "Restored from version 1" in acme.visit("guest").get(plan).text
    restored = [entry for entry in acme.log() if entry["action"] == "version.restored"]
    assert [entry["detail"]["came_from"] for entry in restored] == [1]


def test_the_newest_version_is_not_restored(acme, plan) -> None:
    newest = versions_of(acme, plan[-36:])[-1]["id"]
    sent = acme.visit("member").post(f"{plan}/versions/{newest}/restore")
    assert sent.status_code == 409
    assert len(versions_of(acme, plan[-36:])) == 2


def test_a_damaged_version_is_not_restored_and_leaves_nothing(acme, plan) -> None:
    first = versions_of(acme, plan[-36:])[0]
    blob = acme.portal.blob_path(first)
    kept = blob.read_bytes()
    blob.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    before = {p for p in (acme.portal.settings.instance / "blobs").rglob("*") if p.is_file()}
    try:
        sent = acme.visit("member").post(f"{plan}/versions/{first['id']}/restore")
    finally:
        blob.write_bytes(kept)
    assert sent.status_code == 500
    assert len(versions_of(acme, plan[-36:])) == 2
    after = {p for p in (acme.portal.settings.instance / "blobs").rglob("*") if p.is_file()}
    assert after == before


def test_what_changed_is_told_by_words_and_signs(acme, plan) -> None:
    newest = versions_of(acme, plan[-36:])[-1]["id"]
    page = acme.visit("guest").get(f"{plan}/compare?version={newest}")
    assert page.status_code == 200
    assert page.text.count(">Added<") == 1
    assert ">Removed<" not in page.text
    assert "And one line more." in page.text
    entry = acme.log()[-1]
    assert (entry["action"], entry["detail"]) == (
        "document.compared",
        {"old_version": 1, "new_version": 2},
    )


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (bytes(range(256)), "no text"),
        (b"x" * (2**20 + 1), "larger than 1 MiB"),
        ("In the folder that the guest sees.\n".encode("utf-16"), "Nothing changed"),
        (FIRST.replace(b"\n", b"\r\n"), "Only line ends changed"),
        (FIRST.rstrip(b"\n"), "Only line ends changed"),
        (b"<script>alert(1)</script>\n", "&lt;script&gt;"),
        (b"\n".join(b"%d" % n for n in range(2 * MOST_LINES)), "More changed"),
        (b"", "Removed"),
    ],
    ids=[
        *("binary", "large", "the same in UTF-16", "CRLF", "no last end", "markup"),
        *("many lines", "nothing"),
    ],
)
@on_sqlite
def test_texts_are_compared_and_of_others_it_is_said_why_not(acme, new, told) -> None:
    path = f"/documents/{acme.documents['plan']}"
    member = acme.visit("member")
    sent = member.put(f"{path}/versions", new).json
    page = member.get(f"{path}/compare?version={sent['id']}")
    assert page.status_code == 200
    assert told in page.text
    assert "<script>alert" not in page.text


@on_sqlite
def test_versions_made_to_be_compared_for_ever_are_given_up(acme, monkeypatch) -> None:
    monkeypatch.setattr("portal.documents.rendering.jobs.SECONDS", 2)
    path = f"/documents/{acme.documents['plan']}"
    member = acme.visit("member")
    lines = 12_000
    for step in (1, 99):
        body = b"\n".join(b"%d" % (n * step % 101) for n in range(lines))
        sent = member.put(f"{path}/versions", body).json
    page = member.get(f"{path}/compare?version={sent['id']}")
    assert page.status_code == 200
    assert "differ too much" in page.text
    assert acme.told()[-1] == ("version.uploaded", "success")


def test_a_copy_is_a_document_of_ones_own(acme) -> None:
    member, plan = acme.visit("member"), acme.documents["plan"]
    sent = member.post(f"/documents/{plan}/copy", {"folder": str(acme.folders["closed"])})
    copy = sent.location.rpartition("/")[2]
    assert "Plan.txt" in member.get(f"/documents/folders/{acme.folders['closed']}").text
    assert member.get(f"/documents/{copy}/download").data == FIRST
    assert acme.visit("guest").get(f"/documents/{copy}").status_code == 403
    [mine], [original] = versions_of(acme, copy), versions_of(acme, plan)
    assert mine["wrapped_key"] != original["wrapped_key"]
    entry = next(entry for entry in acme.log() if entry["action"] == "document.copied")
    assert entry["target"] == f"document:{copy}"
    assert entry["detail"]["source"] == f"document:{plan}"


def test_a_copy_beside_its_original_is_called_one(acme) -> None:
    member, folder = acme.visit("member"), acme.folders["shared"]
    member.post(f"/documents/{acme.documents['plan']}/copy", {"folder": str(folder)})
    assert "Plan (copy).txt" in member.get(f"/documents/folders/{folder}").text


@pytest.mark.parametrize(
    ("name", "copied"),
    [
        ("Plan.txt", "Plan (copy).txt"),
        ("archive.tar.gz", "archive.tar (copy).gz"),
        ("README", "README (copy)"),
        (".hidden", ".hidden (copy)"),
        ("x" * 196 + ".txt", "x" * 189 + " (copy).txt"),
    ],
)
def test_the_name_of_a_copy_keeps_its_ending_and_is_no_longer_than_a_name(name, copied) -> None:
    assert name_of_copy(name) == copied
    assert len(copied) <= 200


def test_a_copy_takes_the_right_to_read_here_and_to_upload_there(acme, globex) -> None:
    plan, canary = acme.documents["plan"], acme.documents["canary"]
    before = acme.portal.dump(but=LOG)
    for who, document, folder, status in (
        ("guest", plan, acme.folders["shared"], 403),
        ("auditor", plan, acme.folders["shared"], 403),
        ("guest", canary, acme.folders["shared"], 403),
        ("member", globex.documents["plan"], acme.folders["shared"], 404),
        ("member", plan, globex.folders["shared"], 404),
        ("member", plan, "no-id", 404),
    ):
        sent = acme.visit(who).post(f"/documents/{document}/copy", {"folder": str(folder)})
        assert sent.status_code == status, (who, document, folder)
    assert acme.portal.dump(but=LOG) == before


def test_copies_and_restored_versions_take_room(acme) -> None:
    member = acme.visit("member")
    sent = member.upload("large.bin", bytes(600_000)).json
    path = f"/documents/{sent['id']}"
    assert member.put(f"{path}/versions", b"small").status_code == 201
    limit(acme, person_quota_mib=2)
    first = versions_of(acme, sent["id"])[0]["id"]
    assert member.post(f"{path}/versions/{first}/restore").status_code == 302
    assert member.post(f"{path}/copy", {"folder": ""}).status_code == 302
    before = acme.portal.dump(but=LOG)
    assert member.post(f"{path}/versions/{first}/restore").status_code == 413
    assert member.post(f"{path}/copy", {"folder": ""}).status_code == 413
    assert acme.portal.dump(but=LOG) == before


def test_versions_are_reached_through_their_own_document_only(acme, globex, plan) -> None:
    """V1: an id of another document or organisation is none here."""
    member = acme.visit("member")
    other = versions_of(acme, acme.documents["note"])[0]["id"]
    foreign = versions_of(globex, globex.documents["plan"])[0]["id"]
    own = versions_of(acme, plan[-36:])[0]["id"]
    for wrong in (other, foreign):
        for address in (
            f"{plan}/versions/{wrong}/note",
            f"{plan}/versions/{wrong}/restore",
            f"{plan}/compare?version={wrong}",
            f"{plan}/compare?version={own}&old={wrong}",
        ):
            assert member.get(address).status_code == 404, address


@on_sqlite
def test_a_large_document_is_copied_in_the_memory_of_a_small_one(acme) -> None:
    member = acme.visit("member")
    path = uploaded(acme, "large.bin", bytes(36 * 2**20)).removesuffix("/download")
    tracemalloc.start()
    sent = member.post(f"{path}/copy", {"folder": ""})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sent.status_code == 302
    assert peak < 9.5 * 2**20  # it is read and written, two transfers in one


@pytest.mark.parametrize("act", ["copy", "restore"])
def test_a_right_that_ends_while_the_content_streams_gives_nothing(
    acme, plan, monkeypatch, act
) -> None:
    """No transaction is open meanwhile, so access is decided again at the end."""

    def slow(*args: object, **more: object) -> object:
        stored = take_in(*args, **more)
        deletion = Thread(target=acme.visit("member").post, args=(f"{plan}/delete",))
        deletion.start()
        deletion.join()
        return stored

    monkeypatch.setattr(copying, "take_in", slow)
    first = versions_of(acme, plan[-36:])[0]["id"]
    path = f"{plan}/copy" if act == "copy" else f"{plan}/versions/{first}/restore"
    assert acme.visit("member").post(path, {"folder": ""}).status_code == 404
    assert [action for action, _ in acme.told()] == ["version.uploaded", "document.deleted"]
    assert len(versions_of(acme, plan[-36:])) == 2
