"""The portal as operators run it: `portal …` in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import portal
from portal.core.settings import Settings
from tests.harness.ports import free_port

TOP = Path(portal.__file__).parent.parent
START_SECONDS = 60  # on a machine that is busy


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The variables that make these settings, and nothing of ours besides."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return own | {
        "PORTAL_INSTANCE": str(settings.instance),
        "PORTAL_URL": settings.url,
        "PORTAL_DATABASE_URL": settings.database_url,
        "PORTAL_OWNER_DATABASE_URL": settings.owner_database_url,
        "PORTAL_PASSWORD_TIME_COST": "1",
        "PORTAL_PASSWORD_MEMORY_KIB": "8",
        "PORTAL_REQUESTS_PER_MINUTE": "1000000",
        "PYTHONPATH": str(TOP),
        **more,
    }


def command(
    env: dict[str, str], *arguments: str, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "portal", *arguments],
        env=env,
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass
class Server:
    """A running `portal serve`."""

    process: subprocess.Popen[str]
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, head: str, body: bytes = b"", *, until_end: bool = True) -> bytes:
        """Send one request as it stands; gives the whole answer."""
        with self.connect() as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
            return read_all(connection) if until_end else b""

    def kill(self) -> None:
        """End it as a power cut would, its workers as well."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> tuple[int, str]:
        """Stop it as Ctrl-C does; gives its exit status and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


def read_all(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


@contextmanager
def serving(
    settings: Settings, *, is_ready: bool = True, port: int = 0, **more: str
) -> Iterator[Server]:
    """`portal serve` for the block, on a free port or on one that was free before."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", "serve", "--port", str(port)],
        env=environment(settings, **more),
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = Server(process, port)
    try:
        if is_ready:
            wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            server.kill()
        if process.stdout:
            process.stdout.close()


def wait_until_ready(server: Server) -> None:
    """Wait until it answers; it must not end before."""
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(server):
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it did not start: {server.stop()[1]}")
        time.sleep(0.05)


def _is_ready(server: Server) -> bool:
    try:
        return b" 200 " in server.ask("GET /healthz HTTP/1.1\nHost: x\nConnection: close")
    except OSError:
        return False
