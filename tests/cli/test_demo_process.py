"""`portal demo` as `make run` runs it: a real process, stopped from a terminal."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyotp

from tests.conftest import settings_for
from tests.harness.ports import free_port
from tests.serving import TOP, Server, environment, wait_until_ready

SECONDS = 6  # from Ctrl-C to the prompt, on a machine that is busy


@dataclass
class Demo:
    """A running demonstration, in a process group of its own as a terminal gives it."""

    server: Server
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text()

    def stopped_by(self, number: int) -> float:
        """Stop it; gives how many seconds that took, for all of its processes."""
        pid, children = self.server.process.pid, children_of(self.server.process.pid)
        assert len(children) >= 2, "a web process and a worker"
        began = time.monotonic()
        os.killpg(pid, number)
        self.server.process.wait(timeout=25)
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < began + 25, "something of it is still running"
            time.sleep(0.02)
        return time.monotonic() - began


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


@contextmanager
def demo(folder: Path, port: int) -> Iterator[Demo]:
    output = folder / f"output-{time.monotonic_ns()}"
    own = environment(settings_for(folder / "instance"))
    for name in ("PORTAL_URL", "PORTAL_DATABASE_URL", "PORTAL_OWNER_DATABASE_URL"):
        del own[name]  # `make run` sets none of them
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal", "demo"],
            env=own | {"PORT": str(port)},
            cwd=TOP,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_hear_the_terminal,  # noqa: PLW1509  # it takes no lock that a thread could hold
        )
    server = Server(process, port)
    try:
        wait_until_ready(server)
        yield Demo(server, output)
    finally:
        if process.poll() is None:
            process.terminate()  # which takes its worker along
        process.wait(timeout=30)


def _hear_the_terminal() -> None:
    """As what a terminal starts, also where these tests are run by nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Browser:
    """Somebody of Acme in front of a real server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str = "") -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.server.ask(
            f"{method} {path} HTTP/1.1\nHost: acme.localhost:{self.server.port}\n"
            f"Cookie: {cookies}\n"
            f"Content-Type: application/x-www-form-urlencoded\nContent-Length: {len(body)}\n"
            "Connection: close",
            body.encode(),
        ).decode()
        self.cookies |= dict(re.findall(r"Set-Cookie: (\w+)=([^;]*)", answer))
        return answer

    def send(self, path: str, *, found_on: str = "", **fields: str) -> None:
        """Open the page with a form, fill it in, and send it."""
        page = self.ask("GET", found_on or path)
        tokens = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        fields = {"csrf_token": tokens[-1], **fields}
        answer = self.ask("POST", path, "&".join(f"{k}={quote(v)}" for k, v in fields.items()))
        assert answer.startswith("HTTP/1.1 302 "), answer[:1000]


def test_it_stops_within_seconds_and_the_next_start_keeps_everything(tmp_path) -> None:
    port = free_port()
    with demo(tmp_path, port) as first:
        for host in ("localhost", "acme.localhost", "globex.localhost"):
            assert f"http://{host}:{port}" in first.said
        people = json.loads((tmp_path / "instance" / "samples.json").read_text())["people"]
        mia = next(person for person in people if person["name"] == "Mia Chen")
        browser = Browser(first.server)
        browser.send("/auth/sign-in", email=mia["email"], password=mia["password"])
        browser.send("/auth/code", code=pyotp.TOTP(mia["totp_secret"]).now())
        browser.send("/folders", found_on="/documents", name="Kept for ever")
        with first.server.connect() as idle:  # a browser keeps its connection open
            idle.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            assert first.stopped_by(signal.SIGINT) < SECONDS
        assert first.server.process.returncode == 0
        assert not re.search(r"Traceback|ERROR|CRITICAL|rror:", first.said), first.said

    with demo(tmp_path, port) as second:
        assert "adding" not in second.said
        browser.server = second.server
        page = browser.ask("GET", "/documents")  # still signed in
        assert "Kept for ever" in page
        assert "Welcome to Acme.md" in page
        assert second.stopped_by(signal.SIGHUP) < SECONDS  # the terminal was closed
        assert "Traceback" not in second.said
