"""Files that strangers send in by a link: taken as they arrive, and nothing shown in return."""

import errno
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from portal.documents.types import Family
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.documents.links.sharing import link_of, make, opened, row_of, uses_of
from tests.harness.clamd import EICAR, clamd
from tests.harness.files import content_of
from tests.installation import Organisation

REQUEST = "/links/folders/{shared}/request"
# What is answered, what the sender is told, and what the link's maker is shown.
REFUSED = {
    "ending": (400, "Only files of these kinds", "its name ends otherwise than the link asks for"),
    "size": (413, "larger than it may be", "it was larger than it may be"),
    "type": (415, "not taken here", "your organisation takes no files of this kind"),
    "room": (413, "no room for this file", "there was no room for a file"),
    "name": (400, "name", "it can’t be called that"),
    "malware": (422, "harmful", "the scanner found something harmful in it"),
    "scanner": (503, "scanned", "it could not be scanned for malware"),
}
BODY = b"A canary Pq8vn that a stranger sends in.\n" * 5000


def asked(acme: Organisation, **filled: object) -> tuple[Visitor, str]:
    """A stranger's browser on the page that asks for files."""
    return opened(acme, make(acme, REQUEST, **filled))


def parts(*fields: tuple[str, str | None, bytes]) -> bytes:
    """A form as browsers send it: name, file name if it is a file, value."""
    body = b""
    for name, file_name, value in fields:
        file = f'; filename="{file_name}"' if file_name is not None else ""
        body += f'--XX\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += value + b"\r\n"
    return body + b"--XX--\r\n"


def send(
    stranger: Visitor,
    path: str,
    name: str = "Report.txt",
    body: bytes = BODY,
    sender: str = "Rita of Partner",
    **more: Any,
):
    fields = (
        ("csrf_token", None, stranger.csrf_token.encode()),
        ("sender", None, sender.encode()),
        ("file", name, body),
    )
    return stranger.open(
        f"{path}/files",
        "POST",
        data=more.get("data", parts(*fields)),
        content_type="multipart/form-data; boundary=XX",
    )


def send_all(stranger: Visitor, path: str, *names: str):
    """Several files in one form, each of which holds its name."""
    fields = [("csrf_token", None, stranger.csrf_token.encode()), ("sender", None, b"Rita")]
    fields += [("file", name, name.encode()) for name in names]
    return send(stranger, path, data=parts(*fields))


class _Slow(io.RawIOBase):
    """A body in the second half of which something happens."""

    def __init__(self, body: bytes, happens: Callable[[], object]) -> None:
        self.body, self.half, self.happens = io.BytesIO(body), len(body) // 2, happens

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.body.tell() > self.half:
            self.happens()
        return self.body.readinto(buffer)


def send_slowly(stranger: Visitor, path: str, form: bytes, happens: Callable[[], object]):
    """Send a form while something happens."""
    return stranger.open(
        f"{path}/files",
        "POST",
        environ_overrides={
            "CONTENT_TYPE": "multipart/form-data; boundary=XX",
            "wsgi.input": io.BufferedReader(_Slow(form, happens)),
            "CONTENT_LENGTH": str(len(form)),
        },
    )


@contextmanager
def prepared(acme: Organisation, cause: str) -> Iterator[None]:
    """The organisation and its scanner as they have to be for a file to be refused for a cause."""
    if cause in ("type", "room"):
        families = [one for one in Family if cause != "type" or one != Family.WEB]
        quota = "7" if cause == "room" else ""
        rules = {"families": families, "tenant_quota_mib": quota, "version": ""}
        assert acme.visit("admin").post("/policy/documents/change", rules).status_code == 302
    if cause == "scanner":
        acme.portal.use(clamd="127.0.0.1:9")  # discard: nothing listens there
    if cause != "malware":
        yield
        return
    with clamd() as scanner:
        acme.portal.use(clamd=scanner.address)
        yield


def words_of(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", "", html).split())


def newest(acme: Organisation) -> UUID:
    return max(row["id"] for row in acme.portal.rows("document") if row["tenant_id"] == acme.id)


def test_a_file_comes_to_lie_in_the_folder_and_its_sender_sees_nothing_of_it(acme) -> None:
    stranger, path = asked(acme)
    assert send(stranger, path).status_code == 302
    page = stranger.get(path).text
    assert "Your file has arrived" in page
    assert "Report.txt" not in page
    assert "Plan.txt" not in page
    made = newest(acme)
    member = acme.visit("member")
    assert member.get(f"/documents/{made}/download").data == BODY
    assert "Sent by Rita of Partner" in member.get(f"/documents/{made}").text
    for there in (
        f"documents/{made}",
        f"documents/{made}/download",
        f"folders/{acme.folders['shared']}",
    ):
        assert stranger.get(f"{path}/{there}").status_code == 403
    told = next(row for row in acme.log() if row["action"] == "document.uploaded")
    assert (told["actor_kind"], told["actor_id"]) == ("link", link_of(acme))
    assert ("uploaded", "") in uses_of(acme)
    assert "Rita of Partner" in member.get(f"/links/{link_of(acme)}").text


@on_sqlite
def test_its_maker_is_told_by_mail_once_for_many_files(acme, clock) -> None:
    stranger, path = asked(acme)
    before = len(acme.mails())
    for n in range(3):
        send(stranger, path, f"{n}.txt")
    [mail] = acme.mails()[before:]
    assert mail["to"] == acme["member"].email
    assert mail["subject"] == "Somebody sent you a file"
    clock.advance(minutes=11)
    send(stranger, path)
    assert len(acme.mails()) == before + 2


@on_sqlite
def test_of_several_files_each_comes_in_or_is_refused_by_itself(acme) -> None:
    stranger, path = asked(acme, max_uses=3, endings="txt")
    answer = send_all(stranger, path, "1.txt", "2.txt", "3.exe", "4.txt", "5.txt")
    assert answer.status_code == 200
    said = words_of(answer.text)
    for name in ("1.txt", "2.txt", "4.txt"):
        assert f"{name}: arrived." in said
    assert "3.exe: Only files of these kinds are taken here: txt." in said
    assert "5.txt: This link was used as often as it may be." in said
    assert row_of(acme)["uses"] == 3


@on_sqlite
def test_nobody_outside_fills_the_log_by_one_form(acme) -> None:
    stranger, path = asked(acme, endings="txt")
    answer = send_all(stranger, path, *(f"{n}.exe" for n in range(100)))
    assert "Nothing behind these was looked at." in answer.text
    assert len(acme.log()) < 30
    stranger, path = asked(acme, max_uses=1)
    before = len(acme.log())
    send_all(stranger, path, *(f"{n}.txt" for n in range(100)))
    assert len(acme.log()) < before + 10


@on_sqlite
def test_what_keeps_the_portal_from_taking_a_file_is_no_refusal_of_it(acme, monkeypatch) -> None:
    stranger, path = asked(acme)
    real, left = os.link, [1]

    def until_the_disk_is_full(*given: Any) -> None:
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()
        real(*given)

    monkeypatch.setattr(os, "link", until_the_disk_is_full)
    answer = send_all(stranger, path, "1.txt", "2.txt", "3.txt")
    said = words_of(answer.text)
    assert "1.txt: arrived." in said
    assert "2.txt: The portal can’t take this file just now." in said
    assert "Nothing behind these was looked at." in said
    assert "3.txt" not in said
    assert answer.status_code == 200
    assert uses_of(acme)[-1] == ("uploaded", "")
    assert ("link.refused", "refused") not in acme.told()
    assert send_all(stranger, path, "4.txt").status_code == 503


@on_sqlite
@pytest.mark.parametrize("sent", [1, 2])
def test_of_a_form_that_breaks_off_what_arrived_is_told(acme, sent) -> None:
    stranger, path = asked(acme)
    names = ("a.txt", "b.txt")[:sent]
    fields = [("csrf_token", None, stranger.csrf_token.encode()), ("sender", None, b"Rita")]
    whole = parts(*fields, *(("file", name, b"text") for name in names))
    answer = send(stranger, path, data=whole.removesuffix(b"--XX--\r\n") + b"--XX\r\n")
    said = words_of(answer.text)
    for name in names:
        assert f"{name}: arrived." in said
    assert "Nothing behind these was looked at." in said
    assert uses_of(acme).count(("uploaded", "")) == sent


@pytest.mark.parametrize("cause", ["ending", "size", "type", "room", "name", "malware", "scanner"])
def test_whoever_asked_for_files_sees_which_were_refused_and_why(acme, cause) -> None:
    filled = {"ending": {"endings": "pdf"}, "size": {"max_file_mib": 1}}.get(cause, {})
    stranger, path = asked(acme, **filled)
    names = {"name": "no\u202egood.txt", "type": "Page.html"}
    bodies = {"size": b"x" * (2**20 + 1), "room": b"x" * (8 << 20), "malware": EICAR}
    name, body = names.get(cause, "Report.txt"), bodies.get(cause, BODY)
    with prepared(acme, cause):
        answer = send(stranger, path, name, body)
    status, told, shown = REFUSED[cause]
    assert answer.status_code == status
    assert told in answer.text
    page = acme.visit("member").get(f"/links/{link_of(acme)}").text
    [line] = [row for row in page.split("<tr>") if "Refused" in row]
    said = words_of(line)
    assert name.replace("\u202e", "\ufffd") + ": " + shown in said
    assert "Rita of Partner" in said
    assert {"action": "link.refused", "outcome": "refused"}.items() <= acme.log()[-1].items()
    assert name not in str(acme.log())
    assert name not in str(acme.portal.rows("link_use"))


@on_sqlite
def test_what_malware_was_sent_in_by_a_link_is_told_to_the_officers(acme, portal) -> None:
    stranger, path = asked(acme)
    with clamd() as scanner:
        portal.use(clamd=scanner.address)
        assert send(stranger, path, body=EICAR).status_code == 422
    told = next(row for row in acme.log() if row["action"] == "upload.infected")
    assert (told["actor_kind"], told["actor_id"]) == ("link", link_of(acme))


@on_sqlite
def test_what_may_be_sent_is_told_in_sentences_with_spaces_between(acme) -> None:
    stranger, path = asked(acme, max_uses=9, max_file_mib=2, endings="txt")
    said = " ".join(stranger.get(path).text.split())
    assert "Of these kinds: txt. Up to 2 MiB. 9 more can be sent. They are encrypted" in said


@on_sqlite
def test_nothing_of_it_lies_on_a_disk_in_clear(acme, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    stranger, path = asked(acme)
    send(stranger, path)
    kept = [p for p in acme.portal.settings.instance.rglob("*") if p.is_file()]
    assert [p for p in kept if b"Pq8vn" in content_of(p)] == []
    assert list(tmp_path.iterdir()) == []


@on_sqlite
@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.txt", "..", "x\u202etxt.exe", "x" * 201])
def test_a_name_never_becomes_a_path(acme, name) -> None:
    stranger, path = asked(acme)
    before = newest(acme)
    assert send(stranger, path, name).status_code == 400
    assert newest(acme) == before


@on_sqlite
@pytest.mark.parametrize("name", ['a\r\nX-Evil: 1"b.txt', "C:\\folder\\b.txt", "Ünïcödé 漢字.txt"])
def test_odd_names_break_out_of_no_header(acme, name) -> None:
    stranger, path = asked(acme)
    before = newest(acme)
    sent = name.replace("\r\n", "%0D%0A").replace('"', "%22")
    if send(stranger, path, sent).status_code == 302:
        answer = acme.visit("member").get(f"/documents/{newest(acme)}/download")
        assert "X-Evil" not in answer.headers
        assert answer.headers["Content-Disposition"].count("\n") == 0
    else:
        assert newest(acme) == before


@on_sqlite
def test_count_size_and_kind_are_limited(acme) -> None:
    stranger, path = asked(acme, max_uses=2, max_file_mib=1, endings="txt .PDF")
    assert send(stranger, path, "Report.exe").status_code == 400
    assert send(stranger, path, "Report").status_code == 400
    assert send(stranger, path, body=b"x" * (2**20 + 1)).status_code == 413
    assert row_of(acme)["uses"] == 0
    assert send(stranger, path, body=b"x" * 2**20).status_code == 302
    assert send(stranger, path, "REPORT.TXT").status_code == 302
    assert "have arrived" in stranger.get(path).text
    assert send(stranger, path).status_code == 410
    assert row_of(acme)["uses"] == 2


@on_sqlite
@pytest.mark.parametrize("quota", ["tenant_quota_mib", "person_quota_mib"])
def test_who_sends_is_told_nothing_of_how_much_room_there_is(acme, quota) -> None:
    stranger, path = asked(acme)
    rules = {"families": [*Family], quota: "7", "version": ""}
    assert acme.visit("admin").post("/policy/documents/change", rules).status_code == 302
    answer = send(stranger, path, body=b"x" * (8 << 20))
    assert answer.status_code == 413
    assert "no room for this file" in answer.text
    assert "7 MiB" not in answer.text
    assert uses_of(acme)[-1] == ("refused", "no-room")
    assert "there was no room" in acme.visit("member").get(f"/links/{link_of(acme)}").text


@on_sqlite
@pytest.mark.parametrize("sender", ["", "   ", "x" * 101, "two\nlines", "\u202eatir"])
def test_who_sends_says_who_they_are_in_one_line(acme, sender) -> None:
    stranger, path = asked(acme)
    before = newest(acme)
    assert send(stranger, path, sender=sender).status_code == 400
    assert newest(acme) == before


@on_sqlite
def test_no_byte_of_a_file_is_kept_before_the_token_was_right(acme) -> None:
    stranger, path = asked(acme)
    before, blobs = newest(acme), len(acme.portal._files())
    late = parts(
        ("sender", None, b"Rita"),
        ("file", "Report.txt", BODY),
        ("csrf_token", None, stranger.csrf_token.encode()),
    )
    forged = parts(("csrf_token", None, b"forged"), ("sender", None, b"R"), ("file", "R.txt", BODY))
    for data in (late, forged, b"", parts(("file", "R.txt", BODY))):
        assert send(stranger, path, data=data).status_code == 400
    assert (newest(acme), len(acme.portal._files())) == (before, blobs)


@on_sqlite
def test_what_is_no_form_or_breaks_off_is_no_file(acme) -> None:
    stranger, path = asked(acme)
    before = newest(acme)
    token = ("csrf_token", None, stranger.csrf_token.encode())
    whole = parts(token, ("sender", None, b"Rita"), ("file", "Report.txt", BODY))
    for data in (
        whole[: len(whole) // 2],
        parts(token, ("sender", None, b"Rita")),
        parts(token, ("sender", None, b"Rita"), ("file", "", b"")),
        parts(token, ("sender", None, b"x" * 20_000), ("file", "R.txt", BODY)),
        b"--XX\r\n\r\n\r\n--XX--",
        b"nothing of the kind",
    ):
        assert send(stranger, path, data=data).status_code == 400
    assert newest(acme) == before


@on_sqlite
def test_a_link_to_read_takes_nothing_in_and_one_that_asks_gives_nothing_out(acme) -> None:
    stranger, path = opened(acme, make(acme, "/links/folders/{shared}/new"))
    assert send(stranger, path).status_code == 403
    stranger, path = asked(acme)
    plan = f"{path}/documents/{acme.documents['plan']}"
    for there in (plan, f"{plan}/download", f"{plan}/picture"):
        assert stranger.get(there).status_code == 403


@on_sqlite
def test_it_ends_while_a_file_arrives(acme) -> None:
    """Access is decided again once all of it is here."""
    stranger, path = asked(acme)
    before = newest(acme)
    fields = parts(("csrf_token", None, stranger.csrf_token.encode()), ("sender", None, b"Rita"))
    whole = fields.removesuffix(b"--XX--\r\n") + parts(("file", "Report.txt", BODY * 8))

    end = "UPDATE sharing_link SET revoked_at = '2026-01-01'"
    answer = send_slowly(stranger, path, whole, lambda: acme.portal.execute(end, acme))
    assert answer.status_code == 410, answer.text
    assert newest(acme) == before
