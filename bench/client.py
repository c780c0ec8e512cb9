"""A client that costs next to nothing: requests made beforehand, on one connection that is kept."""

import gc
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from random import Random
from time import perf_counter
from typing import NamedTuple, cast

PIECE = 1 << 20
NOTHING = memoryview(b"")


class Answer(NamedTuple):
    """What a server said; `headers` by name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who visits a server on the loopback under a host name, with these headers."""

    port: int
    host: str = "localhost"
    headers: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def connected(self) -> Iterator["Connection"]:
        """A connection for the block. Servers close those that are idle for two seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb", buffering=64 * 1024) as file:
                yield Connection(connection, cast("BufferedReader", file))

    def get(self, path: str) -> Answer:
        """One GET."""
        with self.connected() as connection:
            return connection.send(self.head("GET", path))

    def get_often(self, path: str, times: int) -> None:
        """The same GET so many times, one after the other. Raises unless all succeed."""
        request = self.head("GET", path)
        with self.connected() as connection:
            for _ in range(times):
                connection.send(request, expected=200)

    def latencies(self, path: str, times: int) -> list[float]:
        """How many seconds each of so many GETs took, in order of length."""
        request, taken = self.head("GET", path), []
        with self.connected() as connection:
            gc.disable()  # its pauses would be taken for the server's
            for _ in range(times):
                before = perf_counter()
                connection.send(request, expected=200)
                taken.append(perf_counter() - before)
            gc.enable()
        return sorted(taken)

    def latencies_of_ranges(self, path: str, size: int, length: int, times: int) -> list[float]:
        """How many seconds so many ranges took, from anywhere in `size` bytes, in that order."""
        starts = Random(1)  # noqa: S311  # the same ranges in each run
        taken = []
        with self.connected() as connection:
            gc.disable()
            for _ in range(times):
                first = starts.randrange(size - length)
                asked = {"Range": f"bytes={first}-{first + length - 1}"}
                request = self.head("GET", path, asked)
                before = perf_counter()
                connection.send(request, expected=206)
                taken.append(perf_counter() - before)
            gc.enable()
        return sorted(taken)

    def fetch(self, path: str) -> None:
        """GET something big and throw it away."""
        with self.connected() as connection:
            connection.send(self.head("GET", path), expected=200, keeps=False)

    def put(
        self, path: str, content: memoryview, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """PUT something big."""
        head = self.head("PUT", path, {"Content-Length": str(len(content)), **(headers or {})})
        with self.connected() as connection:
            return connection.send(head, content, expected=201)

    def head(self, method: str, path: str, more: Mapping[str, str] | None = None) -> bytes:
        """A request up to its body."""
        headers = {"Host": f"{self.host}:{self.port}", **self.headers, **(more or {})}
        lines = [f"{method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
        return "\r\n".join(lines).encode("ascii")


class Connection(NamedTuple):
    """A connection that is open."""

    socket: socket.socket
    file: BufferedReader

    def send(
        self,
        head: bytes,
        content: memoryview = NOTHING,
        *,
        expected: int | None = None,
        keeps: bool = True,
    ) -> Answer:
        """Send a request and read the answer, whose body is thrown away unless `keeps`."""
        self.socket.sendall(head)
        for start in range(0, len(content), PIECE):
            self.socket.sendall(content[start : start + PIECE])
        status = int(self.file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        answer = Answer(status, headers, self.file.read(length) if keeps else b"")
        if not keeps:
            self._throw_away(length)
        if expected not in (None, status):
            raise RuntimeError(f"answered with {status}: {answer.body[:400]!r}")
        return answer

    def _throw_away(self, length: int) -> None:
        piece = memoryview(bytearray(PIECE))
        while length:
            length -= self.file.readinto(piece[: min(length, PIECE)])
