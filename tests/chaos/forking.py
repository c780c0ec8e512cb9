"""Real processes of the portal, soon there: forked from one that has imported it.

The parent reads a line of JSON for each child and answers with its process id. A child leads a
group of its own, so that a server is killed with its workers. When the tests end, however they do,
the parent's input ends, and it kills what is left.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from tests.serving import TOP

END_SECONDS = 60


@dataclass
class Forker:
    """Starts `portal …`, and ends it as a power cut would."""

    process: subprocess.Popen[str]

    def start(
        self,
        environment: dict[str, str],
        *arguments: str,
        largest_file: int | None = None,
        days_later: int = 0,
    ) -> int:
        """Start a command, for which no file may grow larger than that, and for which it is so much
        later than it is; gives its process id.
        """
        asked = {"environment": environment, "arguments": arguments}
        line = json.dumps(asked | {"largest_file": largest_file, "days_later": days_later})
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def kill(self, pid: int) -> bool:
        """End it, and what it started, at whatever it is doing; gives whether it was there."""
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self.wait(pid)
        return True

    def wait(self, pid: int) -> None:
        """Wait until it has ended."""
        deadline = time.monotonic() + END_SECONDS
        while _is_there(pid):
            assert time.monotonic() < deadline, "it does not end"
            time.sleep(0.005)


@contextmanager
def forker(log: Path) -> Iterator[Forker]:
    """One for the block. What the children say goes to the file `log`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.forking", str(log)],
        cwd=TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # whatever ends the tests must not end it before it has cleaned up
    )
    try:
        yield Forker(process)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class _Later:
    """Stands under the portal's clock, as that of the tests does."""

    by: timedelta

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self.by


def _is_there(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _serve_forks(log: str) -> None:
    import portal.app  # noqa: F401, PLC0415  # so that the children need not

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: none becomes a zombie
    children = []
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(asked, log)
        with suppress(OSError):
            os.setpgid(pid, pid)
        children.append(pid)
        print(pid, flush=True)
    for pid in children:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _become(asked: dict[str, Any], log: str) -> None:
    from portal.command import main  # noqa: PLC0415
    from portal.core import clock  # noqa: PLC0415

    status = 1
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for target, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["portal", *asked["arguments"]]
        if asked["largest_file"]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (asked["largest_file"],) * 2)
        if asked["days_later"]:
            clock.datetime = _Later(timedelta(days=asked["days_later"]))
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    _serve_forks(sys.argv[1])
