"""Uploading by a form, without JavaScript: no byte of a file is kept before the token is right."""

import re
import tempfile
import tracemalloc
from urllib.parse import quote

import pytest
import werkzeug.formparser

from tests.browsing import forms_of
from tests.conftest import on_sqlite
from tests.documents.test_quotas import limit
from tests.documents.test_resumable import files
from tests.installation import Organisation

PATH = "/documents/uploads/form"
BOUNDARY = "ein-Rand-27"
pytestmark = on_sqlite


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    named = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    return f"--{BOUNDARY}\r\nContent-Disposition: {named}\r\n\r\n".encode() + value + b"\r\n"


def file(name: str, content: bytes) -> bytes:
    return part("files", content, name)


END = f"--{BOUNDARY}--\r\n".encode()


def send(organisation: Organisation, *parts: bytes, who: str = "member", folder: object = ""):
    visitor = organisation.visit(who)
    head = part("csrf_token", visitor.csrf_token.encode()) + part("folder", str(folder).encode())
    return post(visitor, head + b"".join(parts) + END)


def post(visitor, body: bytes, path: str = PATH, **options: object):
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    return visitor.open(path, "POST", data=body, content_type=content_type, **options)


def send_version(organisation: Organisation, *parts: bytes, who: str = "member", token: str = ""):
    visitor = organisation.visit(who)
    head = part("csrf_token", (token or visitor.csrf_token).encode())
    path = f"/documents/{organisation.documents['plan']}/versions/form"
    return post(visitor, head + b"".join(parts) + END, path=path)


def documents(organisation: Organisation) -> int:
    return len(organisation.portal.rows("document"))


def test_files_of_a_form_become_documents(acme) -> None:
    contents = {
        "one.txt": b"one\r\n--ein-Rand",
        "Zwei – 名.bin": bytes(range(256)) * 4000,
        "e": b"",
    }
    sent = [file(name, content) for name, content in contents.items()]
    answer = send(acme, *sent, folder=acme.folders["shared"])
    assert answer.status_code == 200
    assert "3 of 3 files are uploaded." in answer.text
    found = dict(re.findall(r'href="(/documents/[0-9a-f-]{36})">([^<]+)</a>', answer.text))
    for path, name in found.items():
        assert acme.visit("guest").get(f"{path}/download").data == contents[name]
    assert sorted(found.values()) == sorted(contents)
    assert acme.told()[:3] == [("document.uploaded", "success")] * 3
    assert acme.portal.rows("storage_hold") == []


def test_the_page_has_the_form_with_the_token_first(acme) -> None:
    page = acme.visit("member").get(f"/documents/folders/{acme.folders['shared']}").text
    [form] = [form for form in forms_of(page) if form.action == PATH]
    assert list(form.fields) == ["csrf_token", "folder", "files"]
    assert form.fields["folder"] == str(acme.folders["shared"])


def test_each_file_is_taken_or_refused_by_itself(acme) -> None:
    limit(acme, person_quota_mib=5)
    before = documents(acme)
    sent = [file("a.txt", b"a"), file("b/c.txt", b"b"), file("d.bin", bytes(6 * 2**20)),
            file("e.pdf", b"%PDF-1"), file("f.txt", b"f")]  # fmt: skip
    answer = send(acme, *sent)
    assert answer.status_code == 200
    assert "3 of 5 files are uploaded." not in answer.text  # no PDF is allowed here
    assert "2 of 5 files are uploaded." in answer.text
    assert documents(acme) == before + 2
    assert [action for action, _ in acme.told()[1:]] == [
        "document.uploaded", "upload.refused", "upload.refused", "document.uploaded"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "token", ["", "forged", None, "late"], ids=["empty", "forged", "missing", "after the file"]
)
def test_no_byte_is_kept_before_the_token_is_right(portal, acme, monkeypatch, token) -> None:
    opened = []
    monkeypatch.setattr(tempfile, "_TemporaryFileWrapper", lambda *a: opened.append(a))
    monkeypatch.setattr(werkzeug.formparser, "default_stream_factory", opened.append)
    before, rows, visitor = files(portal), portal.rows("document"), acme.visit("member")
    field = part("csrf_token", (token or "").encode())
    large = file("a.bin", b"x" * 3_000_000)
    if token == "late":
        body = large + part("csrf_token", visitor.csrf_token.encode())
    else:
        body = (b"" if token is None else field) + large
    answer = post(visitor, body + END)
    assert answer.status_code == 400
    assert (files(portal), portal.rows("document"), opened) == (before, rows, [])
    assert acme.told() == [("access.refused", "refused")]
    assert post(acme.visit(), large + END).status_code == 401


def test_who_may_not_upload_is_refused_before_a_file_comes(portal, acme) -> None:
    before = files(portal)
    for who in ("guest", "admin", "officer"):
        assert send(acme, file("a.txt", b"a"), who=who).status_code == 403
    assert send(acme, file("a.txt", b"a"), folder="no folder").status_code == 400
    assert files(portal) == before


@pytest.mark.parametrize("cut", [10, 200, 400, 100_000])
def test_a_form_that_breaks_off_keeps_nothing_of_the_file(portal, acme, cut) -> None:
    before, rows, visitor = files(portal), portal.rows("document"), acme.visit("member")
    body = part("csrf_token", visitor.csrf_token.encode()) + file("a.bin", b"x" * 200_000) + END
    answer = post(visitor, body[:cut])
    assert answer.status_code in (400, 422)
    assert (files(portal), portal.rows("document")) == (before, rows)
    assert portal.rows("storage_hold") == []


def test_nothing_chosen_is_said_so(acme) -> None:
    answer = send(acme, file("", b""))
    assert answer.status_code == 422
    assert "No file was chosen." in answer.text


def test_other_bodies_are_no_form_with_files(acme) -> None:
    visitor = acme.visit("member")
    token = {"X-CSRFToken": visitor.csrf_token}
    for content_type in ("multipart/form-data", "multipart/mixed; boundary=x", "text/plain", ""):
        answer = visitor.open(PATH, "POST", data=b"x", content_type=content_type, headers=token)
        assert answer.status_code == 415
    long = part("csrf_token", b"x" * 5000)
    assert post(visitor, long + END).status_code == 400


class Stream:
    """A form that is made as it is read."""

    def __init__(self, head: bytes, size: int, tail: bytes) -> None:
        self.length = len(head) + size + len(tail)
        self._head, self._left, self._tail = head, size, tail

    def read(self, size: int = -1) -> bytes:
        if self._head:
            piece, self._head = self._head, b""
        elif self._left:
            piece = bytes(min(size, self._left))
            self._left -= len(piece)
        else:
            piece, self._tail = self._tail, b""
        return piece


def test_a_large_file_needs_no_more_memory_than_a_small_one(acme) -> None:
    peaks = {}
    for size in (4 * 2**20, 36 * 2**20):
        visitor = acme.visit("member")
        head = part("csrf_token", visitor.csrf_token.encode()) + file("large", b"")[:-2]
        body = Stream(head, size, b"\r\n" + END)
        tracemalloc.start()
        environ = {
            "wsgi.input": body,
            "CONTENT_LENGTH": str(body.length),
            "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
        }
        answer = visitor.open(PATH, "POST", environ_overrides=environ)
        peaks[size] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answer.status_code == 200, answer.text
        assert max(row["size_bytes"] for row in acme.portal.rows("document_version")) == size
    small, large = peaks.values()
    assert large < small * 1.2 + 2**20
    assert large < 8 * 2**20, peaks


@pytest.mark.parametrize("name", ['a"b.txt', "..", "C:\\Windows\\win.ini", "../../etc/passwd"])
def test_no_name_becomes_a_path(portal, acme, name) -> None:
    before = files(portal)
    answer = send(acme, part("files", b"x", quote(name, safe='./\\: "').replace('"', '\\"')))
    assert answer.status_code in (200, 422)
    new = files(portal) - before
    assert all(re.fullmatch(r"[0-9a-f-]{36}", path.rpartition("/")[2]) for path in new)


def test_a_file_of_a_form_becomes_a_new_version(acme) -> None:
    note = part("note", "Zahlen für März".encode())
    answer = send_version(acme, note, part("file", b"second", "Plan, neu.txt"))
    path = f"/documents/{acme.documents['plan']}"
    assert (answer.status_code, answer.location) == (302, path)
    guest = acme.visit("guest")
    assert guest.get(f"{path}/download").data == b"second"
    assert "Zahlen für März" in guest.get(path).text
    assert acme.told()[0] == ("version.uploaded", "success")


@pytest.mark.parametrize(
    ("who", "token", "parts", "status"),
    [
        ("member", "wrong", [part("file", b"second", "a.txt")], 400),
        ("guest", "", [part("file", b"second", "a.txt")], 403),
        ("member", "", [part("file", b"", "")], 400),
        ("member", "", [], 400),
        ("member", "", [part("note", b"x" * 501), part("file", b"second", "a.txt")], 400),
    ],
    ids=["token", "right", "no file", "nothing", "note"],
)
def test_a_form_that_is_none_of_a_version_leaves_the_document(
    acme, who, token, parts, status
) -> None:
    before = files(acme.portal)
    assert send_version(acme, *parts, who=who, token=token).status_code == status
    assert files(acme.portal) == before
    download = acme.visit("guest").get(f"/documents/{acme.documents['plan']}/download")
    assert download.data == b"In the folder that the guest sees.\n"
