"""What a process gives up before it looks at what strangers made.

A fault in a parser then costs one answer: the process opens no file and no socket, starts no
program, touches no other process, and is short of memory and time. Landlock leaves it the names of
files; their modes and times it could change where they are its user's.
"""

import ctypes
import os
import resource
from contextlib import suppress
from enum import IntEnum

# Numbers of system calls, the same on every architecture that Python has wheels for.
CREATE_RULESET, RESTRICT_SELF = 444, 446
VERSION_FLAG = 1
NO_NEW_PRIVILEGES = 38
NOBODY = 65534  # user and group, who own nothing
# How many kinds of access to files each version of Landlock knows of (landlock(7)); the last holds
# for all later ones.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
TCP_RIGHTS, SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals


class End(IntEnum):
    """How a job says what came of it, by its exit status."""

    DONE = 0
    UNREADABLE = 3
    UNCONFINED = 4
    PROTECTED = 5


class Unconfined(Exception):
    """This kernel has no Landlock, or it is turned off."""


def limit(*, memory_bytes: int, cpu_seconds: int) -> None:
    """Bound what the process may use, for good. No new descriptor can be opened from then on."""
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))


def lock() -> None:
    """Have the kernel refuse every file, program, TCP connection and other process (Landlock).

    It holds for root as well, whom limits alone would not. To be called before `limit`, once all
    that is needed is imported. Raises `Unconfined`.
    """
    _leave_root()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    version = _call(libc, CREATE_RULESET, None, 0, VERSION_FLAG)
    handled = (ctypes.c_uint64 * 3)(
        (1 << FILE_RIGHTS[min(version, max(FILE_RIGHTS))]) - 1, TCP_RIGHTS, SCOPES
    )
    known_bytes = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call(libc, CREATE_RULESET, ctypes.byref(handled), known_bytes, 0)
    _call(libc, RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _leave_root() -> None:
    """Become nobody: root's files could be given other modes, and no limit keeps root from forking.

    A root who may not do that, or to whom nobody is no user, is one of a container.
    """
    if os.geteuid() == 0:
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    given = int(libc.syscall(ctypes.c_long(number), *wide))
    if given < 0:
        raise Unconfined(os.strerror(ctypes.get_errno()))
    return given
