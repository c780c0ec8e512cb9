"""What may not be shared with a process that was forked: connections, sessions, locks."""

import os
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """One thing for each process, made there when it is first asked for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._kept: tuple[int, T] | None = None
        os.register_at_fork(after_in_child=self._unlock)

    def get(self) -> T:
        with self._lock:
            if self._kept is None or self._kept[0] != os.getpid():
                self._kept = (os.getpid(), self._make())
            return self._kept[1]

    def _unlock(self) -> None:
        """A thread that held the lock stayed behind in the parent."""
        self._lock = Lock()
