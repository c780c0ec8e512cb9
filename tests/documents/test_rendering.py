"""Jobs on contents that strangers made, in the processes in which they really run."""

import io
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from portal.documents.rendering import jobs
from portal.documents.rendering.confinement import End
from portal.documents.rendering.jobs import JobFailed
from tests.conftest import on_sqlite
from tests.documents.pdfs import pdf_of

CONFINED = """
import encodings.idna, os, signal, socket, subprocess, sys
from portal.documents.rendering.confinement import limit, lock
PARENT, FILE, PORT = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lock()
if "limited" in sys.argv:
    limit(memory_bytes=600 << 20, cpu_seconds=1)
TRIES = {
    "read a file": lambda: os.open(FILE, os.O_RDONLY),
    "write a file": lambda: os.open(FILE + ".new", os.O_WRONLY | os.O_CREAT),
    "delete a file": lambda: os.unlink(FILE),
    "list a folder": lambda: os.listdir("/"),
    "read its parent": lambda: os.open(f"/proc/{PARENT}/environ", os.O_RDONLY),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "connect": lambda: socket.create_connection(("127.0.0.1", PORT), 5),
    "signal its parent": lambda: os.kill(PARENT, signal.SIGCONT),
}
if "limited" in sys.argv:
    TRIES |= {
        "take memory": lambda: bytearray(600 << 20),
        "open a socket": lambda: socket.socket(socket.AF_UNIX),
        "fork": lambda: os.fork() or os._exit(0),
    }
for name, attempt in TRIES.items():
    try:
        attempt()
        os.write(1, name.encode() + b"\\n")
    except (OSError, MemoryError):
        pass
os.write(1, b"at its end\\n")
while "limited" in sys.argv:
    pass
"""


@pytest.mark.parametrize("how", ["limited", "locked alone"])
def test_a_confined_process_can_do_nothing_to_others(tmp_path, how) -> None:
    file = tmp_path / "secret"
    file.write_text("secret")
    with subprocess.Popen(["sleep", "60"]) as other:
        done = subprocess.run(
            [sys.executable, "-I", "-c", CONFINED, str(other.pid), str(file), "9", how],
            capture_output=True,
            timeout=60,
            check=False,
        )
        other.kill()
    assert done.stdout == b"at its end\n", done.stderr
    assert file.read_text() == "secret"
    assert (done.returncode != 0) == (how == "limited")  # ended by its limit of time


def test_a_page_becomes_a_picture_and_its_text_can_be_had() -> None:
    content = pdf_of("first", "second page")
    assert jobs.run("pdf", "count", "1", content=[content]) == b"2"
    assert jobs.run("pdf", "text", "2", content=[content[:99], content[99:]]) == b"second page"
    picture = Image.open(io.BytesIO(jobs.run("pdf", "picture", "2", content=[content])))
    assert (picture.format, picture.size) == ("WEBP", (1272, 1800))
    assert picture.convert("L").getextrema() == pytest.approx((0, 255), abs=8)


@pytest.mark.parametrize("size", [(1, 14_000), (14_000, 14_000), (3, 3)])
def test_a_page_of_any_size_becomes_no_larger_picture(size) -> None:
    made = jobs.run("pdf", "picture", "1", content=[pdf_of("x", size=size)])
    assert max(Image.open(io.BytesIO(made)).size) == 1800


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"", "1"),
        (b"no PDF at all", "1"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 100, "1"),
        (pdf_of("a")[:200], "1"),
        (pdf_of("a"), "2"),
        (pdf_of("a"), "0"),
        (pdf_of("a"), str(2**40)),
    ],
    ids=["empty", "text", "noise", "cut", "past the end", "before the first", "far out"],
)
def test_what_can_t_be_read_gives_nothing(content, number) -> None:
    with pytest.raises(JobFailed):
        jobs.run("pdf", "picture", number, content=[content])


def children() -> set[str]:
    """The processes that this one has begun and not waited for."""
    found: set[str] = set()
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile has none
            found.update((task / "children").read_text().split())
    return found


def test_a_job_that_takes_too_long_or_says_too_much_is_ended(monkeypatch, tmp_path) -> None:
    """Whatever becomes of a job, the caller goes on in time and no process is left."""
    script, before = tmp_path / "job", children()
    for body, content in (
        ("while :; do :; done", [b"x"]),
        ("exec sleep 600", [bytes(2**20)] * 4),  # it never reads what is sent to it
        ("exec cat /dev/zero", []),
    ):
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o700)
        monkeypatch.setattr(jobs.sys, "executable", str(script))
        monkeypatch.setattr(jobs, "SECONDS", 0.5)
        begun = time.monotonic()
        with pytest.raises(JobFailed):
            jobs.run("pdf", content=content)
        assert time.monotonic() - begun < 10
    assert children() == before


def test_what_a_job_has_begun_ends_with_it(monkeypatch, tmp_path) -> None:
    script = tmp_path / "job"
    script.write_text("#!/bin/sh\nsleep 600 >/dev/null 2>&1 <&1 &\necho $!\n")
    script.chmod(0o700)
    monkeypatch.setattr(jobs.sys, "executable", str(script))
    left = int(jobs.run("pdf", content=[]))
    deadline = time.monotonic() + 10
    while is_running(left):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process_id: int) -> bool:
    """Whether a process is there, and more than a number that its parent has not read yet."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@on_sqlite
@pytest.mark.parametrize("says", ["", "-1", "many", "9" * 40, "1000001"])
def test_what_a_job_says_is_believed_of_no_file(acme, monkeypatch, tmp_path, says) -> None:
    """A file may have taken the process over that reads it."""
    sent = acme.visit("member").upload("a.pdf", pdf_of("one"), acme.folders["shared"]).json["id"]
    script = tmp_path / "job"
    script.write_text(f"#!/bin/sh\ncat >/dev/null\nprintf %s '{says}'\n")
    script.chmod(0o700)
    monkeypatch.setattr(jobs.sys, "executable", str(script))
    page = acme.visit("member").get(f"/documents/{sent}/view")
    assert page.status_code == 200
    assert "read, or it would take too long." in page.text
    framed = acme.visit("member").get(f"/documents/{sent}/preview?page=1")
    assert framed.status_code == 422


def test_without_confinement_nothing_is_read() -> None:
    """As on a kernel without Landlock: its calls fail before the content is looked at."""
    program = (
        "import sys, portal.documents.rendering.pdf as job\n"
        "from portal.documents.rendering import confinement\n"
        "confinement.CREATE_RULESET = 100_000\n"
        "sys.exit(job.main('count', 1))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], input=pdf_of("a"), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (End.UNCONFINED, b"")
