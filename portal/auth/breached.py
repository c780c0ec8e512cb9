"""Passwords that were stolen elsewhere: a list that the operator has and may give (NIST SP
800-63B-4, 3.1.1.2; ASVS 5.0, 6.2.4 and 6.2.12). Nothing of a password leaves the portal for it.

A line is a password, or the SHA-1 of one in hexadecimal and maybe `:count` as Have I Been Pwned
publishes them. Memory stays bounded: of a small file 8 bytes a line are kept, in any order of its
lines; a large one has to hold sorted SHA-1s, and is searched where it lies.
"""

import hashlib
import mmap
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from portal.core.errors import Misconfigured
from portal.core.settings import active

SMALL_BYTES = 16 << 20
SHA1_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?\Z")
SHA1_DIGITS = 40
LAST = b"~"  # sorts behind every digit
SAMPLES = 1000  # lines of a large file that are looked at before it is believed to be sorted

Listing = Callable[[bytes], bool]


def is_breached(password: str) -> bool:
    """Whether the password is on the operator's list, if there is one."""
    path = active().breached_passwords
    return path is not None and _listing(path)(_sha1(password.encode()))


def check_list() -> None:
    """Raises `Misconfigured` where the operator's list can't be read or searched."""
    if path := active().breached_passwords:
        _listing(path)


@cache
def _listing(path: Path) -> Listing:
    try:
        return _small(path) if path.stat().st_size <= SMALL_BYTES else _large(path)
    except OSError as error:
        raise Misconfigured(f"PORTAL_BREACHED_PASSWORDS: {error.strerror}") from error


def _small(path: Path) -> Listing:
    with path.open("rb") as file:
        kept = array("Q", sorted(int.from_bytes(digest[:8], "big") for digest in _digests(file)))

    def is_listed(digest: bytes) -> bool:
        wanted = int.from_bytes(digest[:8], "big")
        at = bisect_left(kept, wanted)
        return at < len(kept) and kept[at] == wanted

    return is_listed


def _digests(lines: Iterator[bytes]) -> Iterator[bytes]:
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if SHA1_LINE.match(line):
            yield bytes.fromhex(line[:SHA1_DIGITS].decode())
        elif line:
            yield _sha1(line)


def _sha1(password: bytes) -> bytes:
    """What such lists are made of. It hides nothing and has to hide nothing."""
    return hashlib.sha1(password, usedforsecurity=False).digest()


def _large(path: Path) -> Listing:
    with path.open("rb") as file:
        lines = _Lines(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    _check_sorted(lines)

    def is_listed(digest: bytes) -> bool:
        wanted = digest.hex().upper().encode()
        return lines[bisect_left(lines, wanted)] == wanted

    return is_listed


class _Lines:
    """A file of SHA-1 lines as a sequence for `bisect`: at each byte, the line that begins next."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def __getitem__(self, at: int) -> bytes:
        start = self._content.find(b"\n", at - 1) + 1 if at else 0
        is_past = at > 0 and start == 0  # no line begins there or later
        return (b"" if is_past else self._content[start : start + SHA1_DIGITS].upper()) or LAST


def _check_sorted(lines: _Lines) -> None:
    step = max(1, len(lines) // SAMPLES)
    seen = [line for at in range(0, len(lines), step) if (line := lines[at]) != LAST]
    if not all(map(SHA1_LINE.match, seen)) or seen != sorted(seen):
        raise Misconfigured(
            "PORTAL_BREACHED_PASSWORDS: a file of more than"
            f" {SMALL_BYTES >> 20} MiB has to hold SHA-1s in their order"
        )
