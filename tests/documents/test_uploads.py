"""A document on its way in: what lies on the disk and in the rows, and what a failure leaves."""

import os
import subprocess
import tempfile
import tracemalloc
from dataclasses import replace
from threading import Thread
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
import werkzeug.formparser

from portal.documents.cipher import sealed_size
from portal.documents.sweep import sweep_orphans
from portal.storage import chosen as storage
from tests.conftest import on_sqlite
from tests.installation import LOG, Installation, Organisation
from tests.storage.stores import once_before

MARK = b"Xq7-canary-of-this-upload "


def version_of(organisation: Organisation, document_id: str) -> dict:
    rows = organisation.portal.rows("document_version")
    [row] = [r for r in rows if r["document_id"] == UUID(document_id)]
    return row


def files_of(portal: Installation) -> set:
    return {p for p in (portal.settings.instance / "blobs").rglob("*") if p.is_file()}


def upload(organisation: Organisation, name: str, body: bytes, folder: object = "") -> str:
    answer = organisation.visit("member").upload(quote(name), body, folder)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_a_document_comes_back_as_it_went_in(acme) -> None:
    body = MARK * 3000
    document_id = upload(acme, "Report (final) – ü.txt", body, acme.folders["shared"])
    page = acme.visit("member").get(f"/documents/folders/{acme.folders['shared']}")
    assert "Report (final) – ü.txt" in page.text
    assert acme.visit("member").get(f"/documents/{document_id}/download").data == body
    assert acme.visit("guest").get(f"/documents/{document_id}/download").data == body
    assert acme.told()[0] == ("document.uploaded", "success")
    assert acme.log()[0]["detail"]["size_bytes"] == len(body)


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 256 * 1024, 256 * 1024 + 1])
def test_any_size_is_taken_also_none(acme, size) -> None:
    body = (MARK * (size // len(MARK) + 1))[:size]
    document_id = upload(acme, "sized.bin", body)
    row = version_of(acme, document_id)
    assert (row["size_bytes"], row["sealed_bytes"]) == (size, sealed_size(size))
    assert acme.visit("member").get(f"/documents/{document_id}/download").data == body


def test_on_the_disk_there_is_a_pf1_file_and_nothing_to_read(portal, acme) -> None:
    document_id = upload(acme, "Kanarienvogel 7.txt", MARK * 5000)
    row = version_of(acme, document_id)
    path = portal.blob_path(row)
    sealed = path.read_bytes()
    assert len(sealed) == row["sealed_bytes"] == sealed_size(row["size_bytes"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert (row["format"], row["mode"]) == ("PF1", "S")
    for text in (MARK.decode(), "Kanarienvogel"):
        assert text not in repr(portal.dump())
        # By another process: closing a database file here would drop SQLite's locks on it.
        found = subprocess.run(
            ["grep", "-r", "-l", text, portal.settings.instance], capture_output=True, check=False
        )
        assert (found.stdout, found.returncode) == (b"", 1)


def test_the_same_content_twice_is_two_ciphertexts(portal, acme) -> None:
    one, two = (version_of(acme, upload(acme, "same.txt", MARK)) for _ in range(2))
    assert portal.blob_path(one).read_bytes() != portal.blob_path(two).read_bytes()


class Endless:
    """A body that is made as it is read, and never lies in memory as a whole."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        piece = bytes(min(self.left, size if size >= 0 else self.left))
        self.left -= len(piece)
        return piece


@on_sqlite
def test_a_large_document_needs_no_more_memory_than_a_small_one(acme) -> None:
    peaks = {}
    for size in (4 * 2**20, 36 * 2**20):
        visitor = acme.visit("member")
        tracemalloc.start()
        answer = visitor.put(
            "/documents/uploads", Endless(size), X_File_Name="large", Content_Length=str(size)
        )
        peaks[size] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.status_code == 201
        assert version_of(acme, answer.json["id"])["size_bytes"] == size
    small, large = peaks.values()
    assert large < small * 1.2 + 2**20
    assert large < 8 * 2**20, peaks


@pytest.mark.parametrize("name", ["", "a%2Fb", "..", "a%0Ab", "a%00b", "x" * 201, "%E2%80%AEtxt"])
def test_a_name_that_is_none_is_refused_before_the_body(portal, acme, name) -> None:
    before = files_of(portal)
    assert acme.visit("member").upload(name, MARK).status_code == 400
    assert files_of(portal) == before


def test_a_folder_that_is_not_there_takes_nothing(portal, acme, globex) -> None:
    before, files = portal.dump(), files_of(portal)
    member = acme.visit("member")
    for folder in (uuid4(), globex.folders["shared"], acme.documents["note"]):
        assert member.upload("a.txt", MARK, folder).status_code == 404
    assert member.upload("a.txt", MARK, "no-uuid").status_code == 400
    assert (portal.dump(), files_of(portal)) == (before, files)


def test_a_folder_in_the_trash_takes_nothing(acme) -> None:
    member = acme.visit("member")
    member.post(f"/folders/{acme.folders['shared']}/delete")
    assert member.upload("a.txt", MARK, acme.folders["shared"]).status_code == 404


def test_a_folder_trashed_meanwhile_takes_nothing(portal, acme) -> None:
    """No transaction is open while the body arrives, so access is decided again at the end."""
    files = files_of(portal)

    class Slow(Endless):
        def read(self, size: int = -1) -> bytes:
            if self.left == 2**20:
                deletion = Thread(
                    target=acme.visit("member").post,
                    args=(f"/folders/{acme.folders['shared']}/delete",),
                )
                deletion.start()
                deletion.join()
            return super().read(min(size, 2**18))

    answer = acme.visit("member").put(
        "/documents/uploads",
        Slow(2**20),
        X_File_Name="late.txt",
        X_Folder=str(acme.folders["shared"]),
        Content_Length=str(2**20),
    )
    assert answer.status_code == 404
    assert len(files_of(portal)) <= len(files) + 1  # an orphan at most, for the sweep
    assert "document.uploaded" not in [action for action, _ in acme.told()]


@pytest.mark.parametrize("who", ["guest", "auditor", "admin", "officer"])
def test_who_may_not_upload_sends_nothing_in(portal, acme, who) -> None:
    before = files_of(portal)
    answer = acme.visit(who).upload("a.txt", MARK, acme.folders["shared"])
    assert answer.status_code == 403
    assert files_of(portal) == before


def test_a_body_that_breaks_off_leaves_nothing_but_an_entry(portal, acme) -> None:
    before, files = portal.dump(), files_of(portal)
    answer = acme.visit("member").put(
        "/documents/uploads", Endless(2**20), X_File_Name="cut.txt", Content_Length=str(2**21)
    )
    assert answer.status_code == 400
    assert files_of(portal) == files
    [entry] = acme.log()
    assert (entry["action"], entry["outcome"]) == ("upload.abandoned", "failure")
    assert entry["detail"] == {"taken_bytes": 2**20}
    after = portal.dump()
    assert {table for table in before if before[table] != after[table]} <= LOG


def test_a_disk_that_is_full_leaves_nothing(portal, acme, monkeypatch) -> None:
    before, files = portal.dump(), files_of(portal)

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("portal.storage.local.writing.LocalWriter.commit", fail)
    assert acme.visit("member").upload("a.txt", MARK).status_code == 500
    assert (portal.dump(), files_of(portal)) == (before, files)


def test_what_is_too_large_is_refused_by_its_announcement_and_by_its_bytes(
    portal, acme, monkeypatch
) -> None:
    tiny = replace(portal.settings, max_upload_gib=1)
    monkeypatch.setattr("portal.documents.contents.active", lambda: tiny)
    files = files_of(portal)
    member = acme.visit("member")
    sent = {"X_File_Name": "large", "Content_Length": str(2**31)}
    assert member.put("/documents/uploads", Endless(2**31), **sent).status_code == 413
    assert acme.told()[-1] == ("upload.refused", "refused")
    assert files_of(portal) == files


@on_sqlite
@pytest.mark.parametrize("path", ["/folders", "/documents/uploads", "/auth/sign-in"])
def test_a_form_with_a_file_is_refused_without_a_temporary_file(acme, monkeypatch, path) -> None:
    made = []
    monkeypatch.setattr(werkzeug.formparser, "default_stream_factory", lambda *a: made.append(a))
    monkeypatch.setattr(tempfile, "_TemporaryFileWrapper", lambda *a: made.append(a))
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    for visitor in (acme.visit(), acme.visit("member")):
        for size in (1000, 600_000):
            answer = visitor.open(
                path,
                "PUT" if path.endswith("uploads") else "POST",
                data=head + b"x" * size + b"\r\n--x--\r\n",
                content_type="multipart/form-data; boundary=x",
            )
            assert answer.status_code in (400, 401, 413, 415)
    assert made == []


def test_what_a_killed_process_left_is_swept_by_age_and_nothing_else_is(
    portal, acme, clock
) -> None:
    store, files = storage.get_store(storage.LOCAL), files_of(portal)
    with store.create(acme.id, uuid4()) as writer:
        writer.write(b"committed, and its row never was")
        writer.commit()
    unfinished = portal.settings.instance / "blobs" / str(acme.id) / "incoming" / f"{uuid4()}.dead"
    unfinished.write_bytes(b"left by a killed writer")
    with acme.bound(writes=True):
        assert sweep_orphans() == 0
    clock.advance(hours=3)  # files bear the machine's time, which may be ahead of the portal's here
    with acme.bound(writes=True):
        assert sweep_orphans() == 2
    assert files_of(portal) == files
    clock.advance(hours=-3)
    for name in acme.documents:
        path = f"/documents/{acme.documents[name]}/download"
        assert acme.visit("member").get(path).status_code == 200


@on_sqlite
def test_a_sweep_keeps_nobody_waiting_for_a_slow_store(acme, monkeypatch) -> None:
    """Here a writer comes while the store is listed: waiting, it would be refused after a while."""
    path, visitor = f"/documents/{acme.documents['plan']}/star", acme.visit("member")
    answers = []
    once_before(monkeypatch, os, "walk", lambda: answers.append(visitor.post(path).status_code))
    with acme.bound(writes=True):
        sweep_orphans()
    assert answers == [302]
