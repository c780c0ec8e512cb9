"""Systems that a log is sent to: a program that takes POSTs, and a collector of syslog."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

HOST = "127.0.0.1"


@dataclass
class Hook:
    """A program that takes POSTs, and answers as it is told to."""

    port: int = 0
    status: int = 204
    said: bytes = b""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/log?token=of-the-hook"

    @property
    def lines(self) -> list[str]:
        """All that was taken, line by line."""
        return [line for _, body in self.got for line in body.decode().splitlines()]


@contextmanager
def hook() -> Iterator[Hook]:
    """A program on a free port for the block."""
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.status < 300:
                made.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(made.status)
            if 300 <= made.status < 400:
                self.send_header("Location", made.address)
            self.send_header("Content-Length", str(len(made.said)))
            self.end_headers()
            self.wfile.write(made.said)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    made.port = server.server_port
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Collector:
    """A collector of syslog: what came over each connection, until it ended."""

    port: int = 0
    streams: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        """All messages, by the length before each (RFC 6587, 3.4.1)."""
        found = []
        for stream in self.streams:
            rest = stream
            while rest:
                length, _, rest = rest.partition(b" ")
                assert len(rest) >= int(length), "a message broke off"
                found.append(rest[: int(length)].decode())
                rest = rest[int(length) :]
        return found


@contextmanager
def collector(certificate: Path | None = None) -> Iterator[Collector]:
    """A collector on a free port for the block; by TLS, with a certificate and its key in PEM."""
    made = Collector()
    listening = socket.create_server((HOST, 0))
    made.port = listening.getsockname()[1]
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def listen() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                secured = context.wrap_socket(connection, server_side=True) if context else None
                with secured or connection as found:
                    pieces = iter(lambda found=found: found.recv(65536), b"")
                    made.streams.append(b"".join(pieces))

    thread = Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
