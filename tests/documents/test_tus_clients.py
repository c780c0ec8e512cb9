"""Resumable uploads by clients that others wrote: tus-js-client and tuspy, over a real server."""

import json
import subprocess
import time
from collections.abc import Iterator
from io import BytesIO
from uuid import UUID

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from portal.documents.cipher import PART
from tests.documents.resuming import CREATE
from tests.harness.browser import NPM_FOLDER, find_node
from tests.installation import Organisation
from tests.serving import Server, serving

TEXT = "Qm5-tus line of a text that comes again and again.\n"
LENGTH = len(TEXT)


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


def headers_of(organisation: Organisation) -> dict[str, str]:
    visitor = organisation.visit("member")
    return {
        "Host": f"{organisation.host}:8000",
        "Cookie": f"session={organisation['member'].token}; form={visitor.cookie('form')}",
        "X-CSRFToken": visitor.csrf_token,
        "Accept": "application/json",
    }


def begin(organisation: Organisation, server: Server, *files: dict) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [find_node(), NPM_FOLDER / "tus_client.mjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    order = {
        "endpoint": f"http://127.0.0.1:{server.port}{CREATE}",
        "headers": headers_of(organisation),
        "files": [{"times": 1, "text": TEXT} | file for file in files],
    }
    process.stdin.write(json.dumps(order))
    process.stdin.close()
    process.stdin = None
    return process


def end(process: subprocess.Popen[str]) -> dict[str, dict]:
    """What the client told last of each file."""
    output, _ = process.communicate(timeout=90)
    told = [json.loads(line) for line in output.splitlines()]
    assert process.returncode == 0, output
    return {event["name"]: event for event in told}


def send(organisation: Organisation, server: Server, *files: dict) -> dict[str, dict]:
    return end(begin(organisation, server, *files))


def content_of(organisation: Organisation, url: str) -> bytes:
    wanted = UUID(url.rpartition("/")[2])
    [row] = [row for row in organisation.portal.rows("upload") if row["id"] == wanted]
    assert row["finished_at"] is not None
    path = f"/documents/{row['document_id']}/download"
    return organisation.visit("member").get(path).data


def test_files_in_parallel_in_pieces_of_any_size(acme, server) -> None:
    files = [
        {"name": "aligned.txt", "times": 2 * PART // LENGTH + 1, "chunkSize": PART},
        {"name": "unaligned.txt", "times": 2 * PART // LENGTH + 1, "chunkSize": 5_000_011},
        {"name": "whole.txt", "times": PART // LENGTH + 1},
        {"name": "tiny.txt", "times": 20, "chunkSize": 100},
        {"name": "empty.txt", "times": 0},
        {"name": "Ünïcode – имя 名.txt"},
    ]
    told = send(acme, server, *files)
    for file in files:
        event = told[file["name"]]
        assert event.get("success"), event
        expected = TEXT.encode() * file.get("times", 1)
        assert content_of(acme, event["url"]) == expected, file["name"]
    assert "Ünïcode – имя 名.txt" in acme.visit("member").get("/documents").text


def test_abort_and_resume_and_give_up(acme, server) -> None:
    times = PART // LENGTH
    file = {"name": "cut.txt", "times": times, "chunkSize": 3_000_000, "abortAfter": 6_000_000}
    gone = file | {"name": "gone.txt", "terminate": True}
    told = send(acme, server, file, gone)
    assert told["cut.txt"]["aborted"] == told["gone.txt"]["aborted"] == 6_000_000
    file = {
        "name": "cut.txt",
        "times": times,
        "chunkSize": 1_000_003,
        "url": told["cut.txt"]["url"],
    }
    assert send(acme, server, file)["cut.txt"]["success"]
    assert content_of(acme, file["url"]) == TEXT.encode() * times
    assert len(acme.portal.rows("upload")) == 1


def test_what_is_refused_is_told_and_not_tried_again(acme, server) -> None:
    told = send(acme, server, {"name": "a/b.txt"}, {"name": "x", "metadata": {"folder": "y"}})
    assert [told[name]["status"] for name in ("a/b.txt", "x")] == [400, 400]


def test_a_server_that_is_killed_in_the_middle_costs_nothing(portal, acme) -> None:
    times = 3 * PART // LENGTH
    file = {"name": "killed.txt", "times": times, "chunkSize": 1_500_000}
    with serving(portal.settings) as server:
        client, port = begin(acme, server, file), server.port
        seen = _wait_for_some(acme, client)
        server.kill()
    [row] = acme.portal.rows("upload")
    assert seen <= row["offset_bytes"] < row["size_bytes"]
    with serving(portal.settings, port=port):
        told = end(client)
    assert told["killed.txt"].get("success"), told
    assert content_of(acme, told["killed.txt"]["url"]) == TEXT.encode() * times
    assert [row["size_bytes"] for row in acme.portal.rows("upload")] == [times * LENGTH]


def _wait_for_some(acme: Organisation, client: subprocess.Popen[str]) -> int:
    """Until some is acknowledged; gives how much."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and client.poll() is None:
        offset = max((row["offset_bytes"] for row in acme.portal.rows("upload")), default=0)
        if offset:
            return offset
        time.sleep(0.01)
    raise AssertionError(client.communicate()[0])


def test_tuspy_sends_checks_and_resumes(acme, server) -> None:
    content = TEXT.encode() * (PART // LENGTH + 100)
    client = TusClient(f"http://127.0.0.1:{server.port}{CREATE}", headers=headers_of(acme))

    def uploader(**more: object):
        return client.uploader(
            file_stream=BytesIO(content),
            chunk_size=3_000_001,
            metadata={"filename": "tuspy.txt"},
            upload_checksum=True,
            **more,
        )

    first = uploader()
    first.upload_chunk()
    assert first.offset == 3_000_001
    second = uploader(url=first.url)
    assert second.offset == 3_000_001
    second.upload()
    assert content_of(acme, first.url) == content
    with pytest.raises(TusCommunicationError):
        client.uploader(
            file_stream=BytesIO(b"x"), chunk_size=10, metadata={"filename": "a/b"}
        ).upload()


@pytest.mark.chaos
def test_more_than_four_gibibytes_go_the_whole_way(acme, server, tmp_path) -> None:
    """A sparse file, with something to read before and behind the border of 32 bits."""
    path, size = tmp_path / "large.bin", 2**32 + 3 * PART + 11
    with path.open("wb") as file:
        file.truncate(size)
        for at in (0, 2**32 - 5, size - 11):
            file.seek(at)
            file.write(b"here it is!")
    client = TusClient(f"http://127.0.0.1:{server.port}{CREATE}", headers=headers_of(acme))
    with path.open("rb") as file:
        sent = client.uploader(
            file_stream=file, chunk_size=64 * 2**20, metadata={"filename": "large.bin"}
        )
        sent.upload()
    wanted = UUID(sent.url.rpartition("/")[2])
    [row] = [row for row in acme.portal.rows("upload") if row["id"] == wanted]
    assert row["offset_bytes"] == row["size_bytes"] == size
    download = f"/documents/{row['document_id']}/download"
    for at in (0, 2**32 - 5, size - 11):
        asked = {"Range": f"bytes={at}-{at + 10}"}
        assert acme.visit("member").get(download, headers=asked).data == b"here it is!"
