"""An end to waiting for providers, however slowly one still sends.

Limits of the HTTP library count from one byte to the next, so a byte now and then defeats them.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Timer
from time import monotonic

import requests


class Deadline:
    """Cuts every connection that it watches when its time is over."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self._watched: list[socket.socket] = []
        self._timer = Timer(max(0, self.seconds_left), self._cut)
        self._timer.daemon = True

    @property
    def seconds_left(self) -> float:
        """How long it still is; not above nothing once it is over."""
        return self.ends_at - monotonic()

    def check(self) -> None:
        """Raises `Timeout` once it is over."""
        if self.seconds_left <= 0:
            raise requests.Timeout

    def watch(self, connection: socket.socket) -> None:
        """Have a connection end with the time.

        Through a descriptor of its own: the library gives up its socket for one with TLS, and lets
        go of it where an answer is to end with the connection (RFC 9112, 6.3).
        """
        self._watched.append(connection.dup())
        if self.seconds_left <= 0:  # the cut came too early for this one
            self._cut()

    def start(self) -> None:
        """Begin to watch."""
        self._timer.start()

    def stop(self) -> None:
        """Let go of what is watched."""
        self._timer.cancel()
        self._timer.join()
        for connection in self._watched:
            connection.close()

    def _cut(self) -> None:
        for connection in self._watched:
            with suppress(OSError):  # it is over already
                connection.shutdown(socket.SHUT_RDWR)


_present: ContextVar[Deadline | None] = ContextVar("present", default=None)


def present() -> Deadline | None:
    """The deadline of the block that runs."""
    return _present.get()


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Whatever is asked of providers in the block has this long altogether.

    A block within another has no longer than that one.
    """
    ends_at = monotonic() + seconds
    outer = _present.get()
    deadline = Deadline(min(ends_at, outer.ends_at) if outer else ends_at)
    token = _present.set(deadline)
    deadline.start()
    try:
        yield deadline
    finally:
        _present.reset(token)
        deadline.stop()
