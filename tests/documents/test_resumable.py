"""Uploads that can be resumed, by the rules of tus 1.0; nothing acknowledged is lost."""

import os
import random
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.documents.cipher import PART, sealed_size
from portal.documents.quotas import sweep_room
from portal.documents.resumable import leases, queries
from portal.documents.resumable.ending import sweep_uploads
from portal.documents.resumable.parts import MOST_PIECES
from portal.documents.sweep import sweep_orphans
from portal.documents.types import Family
from tests.conftest import Clock, on_postgresql, on_sqlite
from tests.documents.resuming import CREATE, PIECE_TYPE, Sender, checksum, metadata
from tests.documents.sharers import give
from tests.installation import Installation, Organisation
from tests.storage.stores import once_before

MARK = b"Hq3-canary-of-a-resumed-upload "
CHUNK = 3 * 2**20 + 17


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311  # bytes that repeat nowhere


def files(portal: Installation) -> set[str]:
    root = portal.settings.instance / "blobs"
    return {str(path) for path in root.rglob("*") if path.is_file()}


def version_of(sender: Sender) -> dict:
    rows = sender.organisation.portal.rows("document_version")
    [row] = [row for row in rows if row["id"] == sender.row["version_id"]]
    return row


@on_sqlite
def test_what_broke_off_is_listed_for_its_owner_in_its_folder_until_it_is_whole(
    acme, clock
) -> None:
    sender, shared = Sender(acme), acme.folders["shared"]

    def listed(who: str = "member", folder: object = shared) -> list[tuple[str, str]]:
        answer = acme.visit(who).get(f"/documents/uploads/broken-off?folder={folder}")
        return [(one["name"], one["state"]) for one in answer.json["uploads"]]

    sender.begin(2000, folder=shared)
    sender.send(0, content_of(500))
    assert listed() == [
        ("resumed.bin", "500 bytes of 2.0 KiB are here. Choose the file again to go on.")
    ]
    assert listed(folder="") == listed(folder=acme.folders["closed"]) == []
    give(acme, "guest", "member")
    assert listed("guest") == []
    clock.advance(days=2)
    acme.portal.renew_sessions()
    assert listed() == []
    sender.begin(10, folder=shared)
    assert len(listed()) == 1
    sender.send(0, content_of(10))
    assert listed() == []


@on_sqlite
def test_of_many_that_broke_off_a_page_is_listed_at_a_time(acme, monkeypatch) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", 2)
    begun = []
    for _ in range(5):
        sender = Sender(acme)
        sender.begin(10)
        begun.append(sender.address)
    listed, more = [], "/documents/uploads/broken-off"
    while more:
        page = acme.visit("member").get(more).json
        assert len(page["uploads"]) <= 2
        listed += [one["address"] for one in page["uploads"]]
        more = page["more"]
    assert listed == begun


@pytest.mark.parametrize(
    ("size", "chunk"),
    [
        (1, 1),
        (PART - 1, PART),
        (PART, PART),
        (PART + 1, PART),
        (2 * PART, CHUNK),
        (2 * PART + 5, 2 * PART + 5),
        (5000, 499),
    ],
)
@on_sqlite
def test_a_content_comes_back_as_it_went_in_piece_by_piece(portal, acme, size, chunk) -> None:
    content, sender = content_of(size), Sender(acme)
    before = files(portal)
    assert sender.begin(size, folder=acme.folders["shared"]).status_code == 201
    sender.send_all(content, chunk)
    assert sender.content() == content
    row = version_of(sender)
    sealed = portal.blob_path(row).read_bytes()
    assert len(sealed) == row["sealed_bytes"] == sealed_size(size)
    assert sha256(sealed).digest() == bytes(row["sealed_sha256"])
    assert files(portal) - before == {str(portal.blob_path(row))}  # no piece is left
    assert portal.rows("upload_tail") == portal.rows("storage_hold") == []
    assert sender.offset() == size


@pytest.mark.parametrize("start", [0, PART - 50], ids=["within", "across"])
def test_who_sends_a_byte_at_a_time_fills_neither_the_store_nor_the_database(
    portal, acme, start
) -> None:
    content, sender, before = content_of(start + 5000), Sender(acme), files(portal)
    sender.begin(len(content))
    if start:
        assert sender.send(0, content[:start]).status_code == 204
    for at in range(start, start + 100):
        assert sender.send(at, content[at : at + 1]).status_code == 204
        pieces = len(portal.rows("upload_tail"))
        assert pieces <= MOST_PIECES
        assert len(files(portal) - before) <= pieces + 2  # and the parts, with their folder's note
    assert sender.send(start + 100, content[start + 100 :]).status_code == 204
    assert sender.content() == content
    assert portal.rows("upload_tail") == []
    assert files(portal) - before == {str(portal.blob_path(version_of(sender)))}


@on_sqlite
def test_a_process_that_dies_while_it_joins_pieces_loses_none(acme, clock, monkeypatch) -> None:
    content, sender = content_of(200), Sender(acme)
    sender.begin(len(content))
    for at in range(MOST_PIECES):
        assert sender.send(at, content[at : at + 1]).status_code == 204

    def die(*_args: object, **_options: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr("portal.documents.resumable.service._save", die)
        patched.setattr(leases.Lease, "end", lambda _: None)
        sender.send(MOST_PIECES, content[MOST_PIECES : MOST_PIECES + 1])
    clock.advance(seconds=10)
    assert sender.offset() == MOST_PIECES
    sender.send_all(content[MOST_PIECES:], 1, MOST_PIECES)
    assert sender.content() == content


def test_it_goes_on_where_it_was_left(portal, acme) -> None:
    content, sender = content_of(PART + 5000), Sender(acme)
    sender.begin(len(content), filename="Größe.txt", note="resumed")
    assert sender.send(0, content[:1000]).status_code == 204
    assert Sender(acme).visitor.get("/documents").text.count("Größe.txt") == 0
    again = Sender(acme)
    again.address = sender.address
    assert again.offset() == 1000
    assert again.send(1000, content[1000:]).status_code == 204
    assert again.content() == content
    assert "Größe.txt" in again.visitor.get("/documents").text
    assert acme.told()[:2] == [("upload.begun", "success"), ("document.uploaded", "success")]
    assert version_of(again)["note_sealed"] is not None


def test_a_new_version_comes_in_the_same_way(acme) -> None:
    sender = Sender(acme)
    assert sender.begin(4, document=acme.documents["plan"]).status_code == 201
    sender.send_all(b"anew", 3)
    path = f"/documents/{acme.documents['plan']}/download"
    assert acme.visit("guest").get(path).data == b"anew"
    assert acme.told()[1] == ("version.uploaded", "success")


@on_sqlite
def test_no_bytes_at_all_are_finished_at_once(acme) -> None:
    sender = Sender(acme)
    assert sender.begin(0).status_code == 201
    assert sender.offset() == 0
    assert sender.content() == b""
    assert sender.row["finished_at"] is not None


@on_sqlite
def test_only_where_the_last_piece_ended_it_goes_on(acme) -> None:
    sender = Sender(acme)
    sender.begin(100)
    assert sender.send(0, bytes(50)).status_code == 204
    for offset in (0, 49, 51, 100):
        assert sender.send(offset, bytes(10)).status_code == 409
    assert sender.send(50, bytes(51)).status_code == 413
    assert sender.offset() == 50
    assert sender.send(50, bytes(50)).status_code == 204
    assert sender.send(100, b"").status_code == 409  # there is nothing to go on with


class Waiting:
    """A body that comes once it may, and does something before."""

    def __init__(self, content: bytes, meanwhile) -> None:
        self.content, self.meanwhile = content, meanwhile

    def read(self, size: int = -1) -> bytes:
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            with ThreadPoolExecutor(1) as pool:
                pool.submit(meanwhile).result()
        piece, self.content = self.content[:size], self.content[size:]
        return piece


def test_two_do_not_send_at_once(acme) -> None:
    first, second, answers = Sender(acme), Sender(acme), []
    first.begin(100)
    second.address = first.address
    body = Waiting(b"a" * 100, lambda: answers.append(second.send(0, b"b" * 100)))
    assert first.send(0, body, Content_Length="100").status_code == 204
    assert [answer.status_code for answer in answers] == [423]
    assert first.content() == b"a" * 100


def test_who_hangs_is_overtaken_and_changes_nothing_more(acme, clock) -> None:
    slow, quick = Sender(acme), Sender(acme)
    slow.begin(100)
    quick.address = slow.address

    def overtake() -> None:
        clock.advance(seconds=leases.LASTS.total_seconds() + 1)
        assert quick.send(0, b"b" * 60).status_code == 204

    answer = slow.send(0, Waiting(b"a" * 100, overtake), Content_Length="100")
    assert answer.status_code == 423
    assert quick.offset() == 60
    assert quick.send(60, b"b" * 40).status_code == 204
    assert quick.content() == b"b" * 100


@on_sqlite
def test_who_hangs_within_a_part_writes_into_no_document(acme, clock, monkeypatch) -> None:
    content, slow, quick = content_of(PART + 1000), Sender(acme), Sender(acme)
    slow.begin(len(content))
    quick.address, meanwhile = slow.address, []

    def overtake() -> None:
        clock.advance(seconds=leases.LASTS.total_seconds() + 1)
        meanwhile.append(quick.send(0, content).status_code)

    once_before(monkeypatch, os, "pwrite", overtake)
    assert slow.send(0, bytes(PART)).status_code == 423
    assert meanwhile == [503]  # until the first is done, or killed
    assert quick.send(0, content).status_code == 204
    assert quick.content() == content


class Broken:
    """A body that breaks off."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int = -1) -> bytes:
        if not self.content:
            raise ConnectionResetError
        piece, self.content = self.content[:size], self.content[size:]
        return piece


@on_sqlite
def test_what_came_before_a_connection_broke_is_kept(acme) -> None:
    content, sender = content_of(PART + 700_000), Sender(acme)
    sender.begin(len(content))
    cut = PART + 300_001
    sender.send(0, Broken(content[:cut]), Content_Length=str(len(content)))
    assert sender.offset() == cut
    assert sender.send(cut, content[cut:]).status_code == 204
    assert sender.content() == content


@on_sqlite
def test_a_piece_that_is_not_what_it_should_be_is_not_kept(acme) -> None:
    content, sender = content_of(2 * PART + 1000), Sender(acme)
    sender.begin(len(content))
    assert sender.send(0, content[:10], Upload_Checksum=checksum(content[:10])).status_code == 204
    wrong = bytes(len(content) - 10)
    told = checksum(content[10:])
    assert sender.send(10, wrong, Upload_Checksum=told).status_code == 460
    assert sender.offset() == 10
    assert sender.send(10, b"", Upload_Checksum="md4 AAAA").status_code == 400
    assert sender.send(10, b"", Upload_Checksum="sha1 %%%").status_code == 400
    assert sender.send(10, content[10:], Upload_Checksum=told).status_code == 204
    assert sender.content() == content


class Killed(BaseException):
    """The process ends here, whatever it was doing."""


PLACES = (
    "portal.documents.resumable.parts.Parts.save_tail",
    "portal.documents.resumable.parts.Parts.write_last",
    "portal.documents.resumable.service._save",
    "portal.documents.resumable.finishing._read_back",
    "portal.documents.resumable.finishing._complete",
    "portal.documents.resumable.finishing.check_type",
)


@pytest.mark.parametrize("place", PLACES)
@on_sqlite
def test_a_process_that_dies_loses_nothing_that_was_acknowledged(
    acme, clock, monkeypatch, place
) -> None:
    content, sender = content_of(PART + 1000), Sender(acme)
    sender.begin(len(content))
    assert sender.send(0, content[:500]).status_code == 204

    def die(*_args: object, **_options: object) -> None:
        raise Killed

    for cut in (700, len(content)):
        with monkeypatch.context() as patched, suppress(Killed):
            patched.setattr(place, die)
            patched.setattr(leases.Lease, "end", lambda _: None)  # nor does anything tidy up
            at = sender.offset()
            sender.send(at, content[at:cut])
        clock.advance(seconds=10)
        at = sender.offset()
        assert at >= 500
    assert sender.send(at, content[at:]).status_code in (204, 409)
    assert sender.offset() == len(content)
    assert sender.content() == content
    mine = [r for r in acme.portal.rows("document") if r["id"] == sender.row["document_id"]]
    assert len(mine) == 1


@on_sqlite
def test_what_is_given_up_is_gone(portal, acme) -> None:
    before, rows, sender = files(portal), portal.rows("storage_use"), Sender(acme)
    sender.begin(3 * PART)
    sender.send(0, bytes(PART + 100))
    assert len(files(portal)) == len(before) + 2
    assert sender.ask("DELETE").status_code == 204
    assert (files(portal), portal.rows("storage_use")) == (before, rows)
    assert portal.rows("upload") == portal.rows("storage_hold") == portal.rows("upload_tail") == []
    assert sender.ask("HEAD").status_code == sender.send(0, b"").status_code == 404
    assert acme.told()[-1] == ("upload.ended", "success")


@on_postgresql
def test_giving_up_what_is_being_made_a_document_leaves_its_content(portal, acme) -> None:
    """It reads the upload before that is committed, and goes to delete it after."""
    sender, other, comes = Sender(acme), Sender(acme), threading.Event()
    sender.begin(1000, document=acme.documents["plan"])
    sender.send(0, content_of(1000)[:500])
    other.address, given_up = sender.address, []

    def after(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE upload SET") and "finished_at" in statement:
            given_up.append(pool.submit(other.ask, "DELETE"))
            assert comes.wait(30)

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE FROM upload WHERE"):
            comes.set()

    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "before_cursor_execute", before)
    try:
        with ThreadPoolExecutor(1) as pool:
            assert sender.send(500, content_of(1000)[500:]).status_code == 204
            assert [one.result().status_code for one in given_up] == [204]
    finally:
        event.remove(Engine, "after_cursor_execute", after)
        event.remove(Engine, "before_cursor_execute", before)
    assert sender.content() == content_of(1000)
    assert portal.rows("storage_hold") == []


@pytest.mark.parametrize("already", [0, 500, PART, PART + 500])
def test_what_was_given_up_while_its_end_came_is_not_there(portal, acme, already) -> None:
    content, sender, other = content_of(PART + 1000), Sender(acme), Sender(acme)
    versions = portal.rows("document_version")
    sender.begin(len(content))
    sender.send_all(content[:already], PART)
    other.address = sender.address
    end = Waiting(content[already:], lambda: other.ask("DELETE"))
    answer = sender.send(already, end, Content_Length=str(len(content) - already))
    assert answer.status_code == 404
    assert portal.rows("document_version") == versions
    assert portal.rows("upload") == portal.rows("storage_hold") == []


@on_sqlite
def test_what_is_not_gone_on_with_expires(portal, acme, clock) -> None:
    before, rows, sender = files(portal), portal.rows("storage_use"), Sender(acme)
    sender.begin(3 * PART)
    sender.send(0, bytes(PART + 100))
    until = sender.row["expires_at"]
    clock.advance(minutes=20)
    assert sender.send(PART + 100, b"more").status_code == 204
    assert sender.row["expires_at"] != until
    assert "Upload-Expires" in sender.ask("HEAD").headers
    clock.advance(hours=23)  # files bear the machine's time
    with acme.bound(writes=True):
        assert sweep_uploads() == sweep_orphans() == sweep_room() == 0
    clock.advance(hours=2)
    with acme.bound(writes=True):
        assert sweep_uploads() == 1
    assert (files(portal), portal.rows("storage_use")) == (before, rows)
    assert portal.rows("upload") == portal.rows("storage_hold") == portal.rows("upload_tail") == []


def test_room_is_held_for_an_hour_for_what_nobody_sends(acme, clock) -> None:
    """Else somebody who announces as much as there is keeps everybody from uploading for a day."""
    rules = {"families": [*Family], "tenant_quota_mib": "100", "version": ""}
    assert acme.visit("admin").post("/policy/documents/change", rules).status_code == 302
    sender = Sender(acme)
    begun = sender.begin(99 * 2**20)
    until = parsedate_to_datetime(begun.headers["Upload-Expires"])
    assert until <= clock.now(UTC) + timedelta(hours=1)
    assert acme.visit("member").upload("a.txt", bytes(2 * 2**20)).status_code == 413
    clock.advance(minutes=59)
    assert sweep(acme) == 0
    clock.advance(minutes=2)
    acme.portal.renew_sessions()
    assert sender.ask("HEAD").status_code == 404
    assert sweep(acme) == 1
    assert acme.visit("member").upload("a.txt", bytes(2 * 2**20)).status_code == 201


class Dripping:
    """A body of which a byte comes every half an hour, while the worker does its rounds."""

    def __init__(self, acme: Organisation, clock: Clock, size: int) -> None:
        self.acme, self.clock, self.left, self.swept = acme, clock, size, 0

    def read(self, _size: int = -1) -> bytes:
        self.clock.advance(minutes=30)
        with ThreadPoolExecutor(1) as pool:
            self.swept += pool.submit(self.sweep).result()
        self.left -= 1
        return b"x" if self.left >= 0 else b""

    def sweep(self) -> int:
        with self.acme.bound(writes=True):
            return sweep_uploads() + sweep_room()


def test_a_piece_that_takes_longer_than_the_hour_is_kept_with_its_room(portal, acme, clock) -> None:
    sender, piece = Sender(acme), Dripping(acme, clock, 10)
    sender.begin(2000)
    assert sender.send(0, piece, Content_Length="10").status_code == 204
    assert piece.swept == 0
    assert sender.row["offset_bytes"] == 10
    assert [row["size_bytes"] for row in portal.rows("storage_hold")] == [2000]


def almost_expired(acme: Organisation, clock: Clock) -> Sender:
    sender = Sender(acme)
    sender.begin(1000, folder=acme.folders["shared"])
    sender.send(0, content_of(1000)[:500])
    clock.advance(hours=23, minutes=59, seconds=58)
    acme.portal.renew_sessions()
    return sender


def sweep(acme: Organisation) -> int:
    with acme.bound(writes=True):
        return sweep_uploads()


def test_what_is_being_sent_when_its_time_runs_out_does_not_expire(acme, clock) -> None:
    sender, swept = almost_expired(acme, clock), []

    def run_out() -> None:
        clock.advance(seconds=5)
        swept.append(sweep(acme))

    rest = Waiting(content_of(1000)[500:], run_out)
    assert sender.send(500, rest, Content_Length="500").status_code == 204
    assert swept == [0]
    assert sender.offset() == 1000
    assert sender.content() == content_of(1000)


@on_postgresql
def test_a_sweep_that_was_slow_takes_nothing_that_goes_on_meanwhile(acme, clock) -> None:
    sender = almost_expired(acme, clock)
    begun, goes_on, answers = threading.Event(), threading.Event(), []

    def wait() -> None:
        begun.set()
        assert goes_on.wait(30)

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE FROM upload WHERE"):
            goes_on.set()
            answers.append(sending.result().status_code)

    with ThreadPoolExecutor(1) as pool:
        rest = Waiting(content_of(1000)[500:600], wait)
        sending = pool.submit(sender.send, 500, rest, Content_Length="100")
        assert begun.wait(30)
        clock.advance(seconds=leases.LASTS.total_seconds() + 5)
        event.listen(Engine, "before_cursor_execute", before)
        try:
            assert sweep(acme) == 0
        finally:
            event.remove(Engine, "before_cursor_execute", before)
    assert answers == [204]
    assert sender.offset() == 600


def test_another_organisations_upload_is_not_there_nor_another_persons(acme, globex) -> None:
    form = {"role": "member", "folder": "", "reason": ""}
    path = f"/members/{acme['guest'].id}/roles"
    assert acme.visit("admin").post(path, form).status_code == 302
    sender = Sender(acme)
    sender.begin(100)
    sender.send(0, bytes(10))
    for other, status in ((Sender(globex), 404), (Sender(acme, "guest"), 404),
                          (Sender(acme, "admin"), 403)):  # fmt: skip
        other.address = sender.address
        assert other.ask("HEAD").status_code == status
        assert other.send(10, bytes(90)).status_code == status
        assert other.ask("DELETE").status_code == status
    assert sender.offset() == 10


@on_sqlite
def test_a_right_that_ends_ends_the_upload(acme) -> None:
    sender = Sender(acme)
    sender.begin(100, folder=acme.folders["shared"])
    assert sender.send(0, bytes(10)).status_code == 204
    path = f"/folders/{acme.folders['shared']}"
    meanwhile = Waiting(bytes(90), lambda: acme.visit("member").post(f"{path}/delete"))
    assert sender.send(10, meanwhile, Content_Length="90").status_code == 404  # at the end
    assert sender.send(10, bytes(90)).status_code == 404  # and at the beginning
    assert acme.visit("member").post(f"{path}/restore").status_code == 302
    assert sender.send(10, bytes(90)).status_code == 204


@on_sqlite
@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"filename": "a/b"}, 400),
        ({"filename": ""}, 400),
        ({"filename": "a.txt", "folder": "nowhere"}, 400),
        ({"filename": "a.txt", "folder": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"document": "00000000-0000-0000-0000-000000000000"}, 404),
        ({"filename": "a.txt", "note": "x" * 501}, 400),
    ],
)
def test_what_can_not_become_a_document_is_not_begun(acme, given, status) -> None:
    assert Sender(acme).begin(100, **given).status_code == status
    assert acme.portal.rows("upload") == []


@on_sqlite
def test_the_protocol_is_asked_for_and_told(acme) -> None:
    sender = Sender(acme)
    sender.begin(10)
    for answer in (
        sender.ask("HEAD", Tus_Resumable="0.2.2"),
        sender.ask("POST", CREATE, Tus_Resumable=""),
    ):
        assert answer.status_code == 412
        assert answer.headers["Tus-Version"] == "1.0.0"
    told = sender.ask("OPTIONS", CREATE)
    assert told.headers["Tus-Extension"] == "creation,termination,checksum,expiration"
    assert told.headers["Tus-Max-Size"] == str(64 * 2**30)
    assert told.headers["Tus-Resumable"] == "1.0.0"
    for length in ("", "-1", "1.5", "x", "9" * 19, "²"):
        headers = {"Upload_Length": length.encode().decode("latin-1")}
        answer = sender.ask("POST", CREATE, Upload_Metadata=metadata(filename="a"), **headers)
        assert answer.status_code == 400, length
    assert sender.ask("POST", CREATE, Upload_Length="1", Upload_Metadata="a %").status_code == 400
    assert sender.ask("PATCH", Upload_Offset="0", Content_Type="text/plain").status_code == 415
    assert sender.ask("PATCH", Content_Type=PIECE_TYPE).status_code == 400
    forged = sender.send(0, b"x", X_CSRFToken="forged")
    assert forged.status_code == 400
    assert sender.offset() == 0


@on_sqlite
def test_more_than_four_gibibytes_are_counted_right(portal, acme, monkeypatch) -> None:
    """Offsets beyond 32 bits, by a part that is moved far out; the whole way is for the bench."""
    size, sender = 2**32 + 2 * PART + 5, Sender(acme)
    assert sender.begin(size).status_code == 201
    far = 2**32
    portal.execute(f"UPDATE upload SET offset_bytes = {far}", acme)
    assert sender.send(far, bytes(PART)).status_code == 204
    assert sender.offset() == far + PART
    [path] = (portal.settings.instance / "blobs").rglob("assembling/*")
    assert path.stat().st_size == sealed_size(far + PART) - 72
    assert path.stat().st_blocks * 512 < 2 * PART
    assert Sender(acme).begin(65 * 2**30).status_code == 413


@on_sqlite
def test_an_upload_counts_from_its_beginning(acme) -> None:
    form = {"families": ["text", "other"], "version": "", "person_quota_mib": 1}
    assert acme.visit("admin").post("/policy/documents/change", form).status_code == 302
    first, second = Sender(acme), Sender(acme)
    assert first.begin(900_000).status_code == 201
    assert second.begin(200_000).status_code == 413
    first.ask("DELETE")
    assert second.begin(200_000).status_code == 201


@on_sqlite
def test_a_type_that_is_not_taken_is_refused_at_the_end_and_nothing_kept(portal, acme) -> None:
    form = {"families": ["pdf"], "version": ""}
    assert acme.visit("admin").post("/policy/documents/change", form).status_code == 302
    before, sender = files(portal), Sender(acme)
    assert sender.begin(10, filename="a.txt").status_code == 415
    assert sender.begin(10, filename="a.pdf").status_code == 201
    assert sender.send(0, b"MZ" + bytes(8)).status_code == 415
    assert sender.ask("HEAD").status_code == 404
    assert files(portal) == before
    assert portal.rows("storage_hold") == []


@on_sqlite
def test_damage_is_seen_before_a_version_is_there(portal, acme) -> None:
    content, sender = content_of(2 * PART), Sender(acme)
    before = files(portal)
    sender.begin(len(content))
    sender.send(0, content[:PART])
    [path] = (portal.settings.instance / "blobs").rglob("assembling/*")
    with path.open("r+b") as file:
        file.seek(12345)
        file.write(b"rot")
    assert sender.send(PART, content[PART:]).status_code == 500
    assert sender.ask("HEAD").status_code == 404
    assert files(portal) == before


@on_sqlite
def test_on_the_disk_there_is_nothing_to_read(portal, acme, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    content, sender = MARK * 10_000, Sender(acme)
    sender.begin(len(content), filename="Kanarienvogel 9.txt")
    sender.send(0, content[:100_000])
    sender.send(100_000, Broken(content[100_000:200_000]), Content_Length="210000")
    for text in (MARK.decode(), "Kanarienvogel 9"):
        assert text not in repr(portal.dump())
        found = subprocess.run(
            ["grep", "-r", "-l", "-a", text, portal.settings.instance, tmp_path],
            capture_output=True,
            check=False,
        )
        assert found.stdout == b""
