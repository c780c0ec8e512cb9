"""A stand-in for clamd that speaks its protocol on a real socket: zPING, zINSTREAM with a limit of
its size, and one signature, the test file of EICAR. It keeps what it was sent, to be looked at.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

# Put together here, so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Clamd:
    """A running stand-in."""

    address: str
    limit_bytes: int = 100 * 2**20
    streams: list[bytes] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        """One connection, one command."""
        with connection, connection.makefile("rwb") as wire:
            command = _until_nul(wire)
            if command == b"zPING":
                wire.write(b"PONG\0")
            elif command == b"zINSTREAM":
                wire.write(self._scan(wire))
            else:
                wire.write(b"UNKNOWN COMMAND\0")

    def _scan(self, wire) -> bytes:
        content = b""
        while size := int.from_bytes(wire.read(4), "big"):
            content += wire.read(size)
            if len(content) > self.limit_bytes:
                return b"INSTREAM size limit exceeded. ERROR\0"
        self.streams.append(content)
        return b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0"


def _until_nul(wire) -> bytes:
    command = b""
    while (one := wire.read(1)) not in (b"\0", b""):
        command += one
    return command


@contextmanager
def clamd(path: Path | None = None) -> Iterator[Clamd]:
    """A stand-in on a free port, or on a socket in the file system."""
    if path is None:
        listener = socket.create_server(("127.0.0.1", 0))
        running = Clamd(f"127.0.0.1:{listener.getsockname()[1]}")
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        running = Clamd(str(path))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=running.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield running
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
