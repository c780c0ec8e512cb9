"""Running a job: a content goes in by a pipe, what was made of it comes back by another.

Nothing lies on a disk, and the process has no environment: no setting and no secret in it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from threading import BoundedSemaphore, Timer

from portal.core.errors import PortalError
from portal.documents.rendering.confinement import End

AT_ONCE = 2  # in a process of the portal; each may take `pdf.MEMORY_BYTES`
WAIT_SECONDS = 3  # as long, others of the portal's threads may stand still
SECONDS = 20  # by the clock; how much of the processor they get, jobs say themselves
MOST_BYTES = 16 * 1024 * 1024


class JobFailed(PortalError):
    """Nothing came of it: the content is broken, takes too much, or was made to do harm."""

    status = 422
    message = "This content can't be read, or it would take too long."

    def __init__(self, end: int) -> None:
        super().__init__()
        self.end = end


class TooBusy(PortalError):
    """Others are being served."""

    status = 503
    message = "Too many previews are being made just now. Please try again."


_places = BoundedSemaphore(AT_ONCE)


def run(job: str, *arguments: str, content: Iterable[bytes]) -> bytes:
    """What the module `job` of this package makes of `content`. Raises `JobFailed` or `TooBusy`.

    No transaction may be open: it can take seconds.
    """
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise TooBusy
    try:
        return _run(job, arguments, content)
    finally:
        _places.release()


def _run(job: str, arguments: Iterable[str], content: Iterable[bytes]) -> bytes:
    with subprocess.Popen(  # noqa: S603  # a module of our own, by no shell
        [sys.executable, "-I", "-m", f"{__package__}.{job}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    ) as process:
        timer = Timer(SECONDS, _end, [process])
        timer.start()
        try:
            made = _exchange(process, content)
        finally:
            timer.cancel()
            timer.join()
            _end(process)  # whatever it is still at, and whatever it has begun
    if process.returncode != End.DONE:
        raise JobFailed(process.returncode)
    return made


def _exchange(process: "subprocess.Popen[bytes]", content: Iterable[bytes]) -> bytes:
    """Jobs read to the end before they write, so neither waits for the other."""
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
    try:
        with suppress(BrokenPipeError):  # it ended early, and its status says why
            for piece in content:
                process.stdin.write(piece)
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
    made = process.stdout.read(MOST_BYTES + 1)
    if len(made) > MOST_BYTES:
        raise JobFailed(End.UNREADABLE)
    # Its number stays its own, and that of its group, until the block waits for it.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return made


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
