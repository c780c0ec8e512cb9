"""Uploads and downloads that break off, over a real server's sockets."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.documents.sweep import sweep_orphans
from tests.installation import Organisation
from tests.serving import Server, serving

MEBIBYTE = 2**20


@pytest.fixture
def database() -> str:
    return "sqlite"  # the server reads the same files as we do


@pytest.fixture(autouse=True)
def _now(present) -> None:
    """Servers go by the machine's clock."""


@pytest.fixture(scope="module")
def server(installation_on) -> Iterator[Server]:
    with serving(installation_on("sqlite").settings) as server:
        yield server


def head_of(organisation: Organisation, **headers: str) -> str:
    visitor = organisation.visit("member")
    lines = {
        "Host": f"{organisation.host}:8000",
        "Cookie": f"session={organisation['member'].token}; form={visitor.cookie('form')}",
        "X-CSRFToken": visitor.csrf_token,
        "X-File-Name": "broken.bin",
        "Connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return "PUT /documents/uploads HTTP/1.1\n" + "\n".join(f"{k}: {v}" for k, v in lines.items())


def blobs_of(organisation: Organisation) -> set[Path]:
    root = organisation.portal.settings.instance / "blobs"
    return {path for path in root.rglob("*") if path.is_file()}


def until(is_so: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def has_begun(organisation: Organisation, before: set[Path]) -> bool:
    return any(path.stat().st_size > MEBIBYTE for path in blobs_of(organisation) - before)


def test_an_upload_that_is_cut_leaves_no_row_no_blob_and_one_entry(portal, acme, server) -> None:
    rows, blobs = portal.rows("document"), blobs_of(acme)
    for n, (headers, body) in enumerate(
        (
            ({"Content_Length": str(8 * MEBIBYTE)}, b"x" * 3 * MEBIBYTE),
            ({"Transfer_Encoding": "chunked"}, b"%x\r\n" % (8 * MEBIBYTE) + b"x" * 3 * MEBIBYTE),
            ({"Transfer_Encoding": "chunked"}, b"300000\r\n" + b"x" * 3 * MEBIBYTE + b"\r\n"),
        ),
        start=1,
    ):
        with server.connect() as connection:
            connection.sendall(
                head_of(acme, **headers).replace("\n", "\r\n").encode() + b"\r\n\r\n"
            )
            connection.sendall(body)
            until(lambda: has_begun(acme, blobs))
        until(lambda n=n: len(acme.log()) == n)
        entry = acme.log()[-1]
        assert (entry["action"], entry["outcome"]) == ("upload.abandoned", "failure")
        assert entry["actor_id"] == acme["member"].id
        assert blobs_of(acme) == blobs
    assert portal.rows("document") == rows


def test_an_upload_comes_in_whole_or_in_chunks(portal, acme, server) -> None:
    body = bytes(range(256)) * 10_000
    whole = server.ask(head_of(acme, Content_Length=str(len(body))), body)
    chunked = server.ask(
        head_of(acme, Transfer_Encoding="chunked"), b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    )
    for answer in (whole, chunked):
        assert b" 201 " in answer.split(b"\r\n")[0]
        [document_id] = re.findall(rb'"id":"([^"]+)"', answer.replace(b" ", b""))
        content = acme.visit("member").get(f"/documents/{document_id.decode()}/download").data
        assert content == body


def test_an_upload_reaches_the_disk_in_no_other_place(portal, acme, server) -> None:
    """gunicorn must not spool a body to a temporary file of its own."""
    before = blobs_of(acme)
    with server.connect() as connection:
        head = head_of(acme, Content_Length=str(8 * MEBIBYTE))
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + b"x" * 4 * MEBIBYTE)
        until(lambda: has_begun(acme, before))
        opened = []
        for process in _family(server.process.pid):
            for link in Path(f"/proc/{process}/fd").glob("*"):
                path = Path(f"/proc/{process}/fd/{link.name}").readlink()
                if str(path).startswith("/") and "/incoming/" not in str(path):
                    opened.append(path)
        sizes = {path: path.stat().st_size for path in opened if path.is_file()}
        large = {path: size for path, size in sizes.items() if size > 2 * MEBIBYTE}
        assert [path for path in large if path.suffix not in (".so", ".db", ".db-wal")] == []
    gone = [str(path) for path in opened if "(deleted)" in str(path)]
    assert [path for path in gone if "wgunicorn" not in path] == []  # that is its heartbeat
    until(lambda: len(acme.log()) == 1)


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = task.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(task.parent.name))
    return found


def test_what_a_killed_server_leaves_is_swept(portal, acme, clock) -> None:
    kept = ("document", "document_version", "audit_entry")
    rows, blobs = [portal.rows(table) for table in kept], blobs_of(acme)
    head = head_of(acme, Content_Length=str(8 * MEBIBYTE)).replace("\n", "\r\n").encode()
    with serving(portal.settings) as server, server.connect() as connection:
        connection.sendall(head + b"\r\n\r\n" + b"x" * 3 * MEBIBYTE)
        until(lambda: has_begun(acme, blobs))
        server.kill()
    [left] = blobs_of(acme) - blobs
    assert left.parent.name == "incoming"
    assert b"x" * 32 not in left.read_bytes()
    assert [portal.rows(table) for table in kept] == rows
    clock.advance(hours=3)
    with acme.bound(writes=True):
        assert sweep_orphans() == 1
    assert blobs_of(acme) == blobs


def test_a_damaged_blob_breaks_the_transfer_and_gives_no_wrong_byte(portal, acme, server) -> None:
    body = bytes(range(256)) * 8192
    made = acme.visit("member").upload("damaged.bin", body).json["id"]
    [row] = [r for r in portal.rows("document_version") if str(r["document_id"]) == made]
    path = portal.blob_path(row)
    sealed = bytearray(path.read_bytes())
    sealed[1_500_000] ^= 1
    path.write_bytes(sealed)
    head = (
        f"GET /documents/{made}/download HTTP/1.1\nHost: {acme.host}:8000\n"
        f"Cookie: session={acme['member'].token}\nConnection: close"
    )
    answer = server.ask(head)
    headers, _, content = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in headers.lower()
    assert len(content) < len(body), "the client must see that something is missing"
    assert body.startswith(content), "bytes left that were not authenticated"
    assert len(content) >= 2**20


def test_a_reader_who_goes_away_leaves_no_open_blob(portal, acme, server) -> None:
    body = bytes(12 * MEBIBYTE)
    made = acme.visit("member").upload("large.bin", body).json["id"]
    head = (
        f"GET /documents/{made}/download HTTP/1.1\nHost: {acme.host}:8000\n"
        f"Cookie: session={acme['member'].token}\nConnection: close\n"
    )
    for _ in range(3):
        with server.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    def is_closed() -> bool:
        links = [
            str(link.readlink())
            for process in _family(server.process.pid)
            for link in Path(f"/proc/{process}/fd").glob("*")
            if link.is_symlink()
        ]
        return not any("/blobs/" in link for link in links)

    until(is_closed)
    assert [action for action, _ in acme.told()].count("document.downloaded") == 3
