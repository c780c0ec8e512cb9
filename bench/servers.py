"""Starting the servers that are measured, each in a process tree of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.clocks import parent_of, spent
from tests.harness.ports import free_port, wait_until_open
from tests.harness.postgres import PostgresServer

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and which processes its work is done in."""

    port: int
    trees: tuple[int, ...]

    def cost_of(self, act: Callable[[], object]) -> float:
        """CPU seconds that the server, and its database, spent on what `act` asked for."""
        return spent(act, *self.trees, own=False)


@contextmanager
def portal_server(
    environment: Mapping[str, str], postgres: PostgresServer | None = None
) -> Iterator[Server]:
    """The portal, as `portal serve` runs it."""
    port = free_port()
    with _running(["portal", "serve", "--port", str(port)], environment, port, postgres) as server:
        yield server


@contextmanager
def portal_worker(environment: Mapping[str, str]) -> Iterator[None]:
    """What goes on in the background, as `portal worker` does it."""
    command = [sys.executable, "-m", "portal", "worker"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=_clean(environment), cwd=ROOT, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def yardstick_server(
    name: str, environment: Mapping[str, str], postgres: PostgresServer | None = None
) -> Iterator[Server]:
    """One of `bench.yardsticks`, on a server with the very same settings."""
    port = free_port()
    command = ["bench.yardsticks", name, str(port)]
    with _running(command, environment, port, postgres) as server:
        yield server


def fill_yardstick(name: str, database_url: str) -> str:
    """Make a yardstick's rows; gives the cookie of somebody who is signed in."""
    command = [sys.executable, "-m", "bench.yardsticks", name, "fill"]
    made = subprocess.run(
        command,
        env=_clean({"BENCH_DATABASE_URL": database_url}),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    return made.stdout.strip()


def postmaster_of(postgres: PostgresServer) -> int:
    """The process that all of a server's backends descend from."""
    with postgres.connect() as connection:
        return parent_of(connection.info.backend_pid)


@contextmanager
def _running(
    command: list[str],
    environment: Mapping[str, str],
    port: int,
    postgres: PostgresServer | None,
) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, "-m", *command], env=_clean(environment), cwd=ROOT)
    try:
        wait_until_open(process, port)
        yield Server(port, (process.pid, *((postmaster_of(postgres),) if postgres else ())))
    finally:
        process.terminate()
        process.wait()


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what the caller set for a portal of their own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PORTAL_")}
    return inherited | dict(environment)
