"""CPU time that processes have spent, to the nanosecond, however many threads they have; and the
memory that they took for it.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

CPU_CLOCK_OF_A_PROCESS = 2  # CPUCLOCK_SCHED, as clock_getcpuclockid(3) builds its answer


def spent(act: Callable[[], object], *roots: int, own: bool = True) -> float:
    """The CPU seconds that `act` took: this process's, if `own`, and those of processes' trees."""
    others = {pid: _clock(pid) for pid in descendants(*roots)}
    before = time.process_time()
    act()
    total = time.process_time() - before if own else 0.0
    # One that has ended meanwhile can't be asked any more; servers keep theirs.
    return total + sum(max(0.0, _clock(pid) - clock) for pid, clock in others.items())


def memory_of(act: Callable[[], object], *roots: int) -> int:
    """By how many bytes the most that processes held while `act` ran exceeds what they held."""
    return _beyond(act, descendants(*roots))


def own_memory_of(act: Callable[[], object]) -> int:
    """The same for this process alone."""
    return _beyond(act, [os.getpid()])


def _beyond(act: Callable[[], object], pids: Iterable[int]) -> int:
    held = {pid: _memory(pid, "VmRSS") for pid in pids}
    for pid in held:
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # forgets what was the most so far
    act()
    return max(_memory(pid, "VmHWM") - before for pid, before in held.items())


def descendants(*roots: int) -> Iterator[int]:
    """These processes and all that they have started."""
    children = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            children[parent_of(int(path.name))].append(int(path.name))
    waiting = list(roots)
    while waiting:
        yield (pid := waiting.pop())
        waiting += children[pid]


def parent_of(pid: int) -> int:
    """The process that started another one."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _memory(pid: int, name: str) -> int:
    [line] = [s for s in Path(f"/proc/{pid}/status").read_text().splitlines() if name in s]
    return int(line.split()[1]) * 1024


def _clock(pid: int) -> float:
    try:
        return time.clock_gettime(~pid << 3 | CPU_CLOCK_OF_A_PROCESS)
    except OSError:
        return 0.0
