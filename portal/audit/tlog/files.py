"""The log as files, by which others verify it as well (c2sp.org/tlog-tiles).

checkpoint        the newest one
tile/…            hash tiles, and entry bundles: entries, each behind its length in two bytes
vkey              the keys that signed it, one to a line
old/…             earlier checkpoints, each by its origin's epoch and its size
kept/…            for each tile that was pruned, the entries that are kept for good: a line each,
                  behind the entry's number
"""

from collections.abc import Iterable, Iterator, Sequence

from portal.audit.tlog.hashes import HASH_BYTES
from portal.audit.tlog.notes import Malformed, parse_number

CHECKPOINT = "checkpoint"
KEYS = "vkey"
OLD = "old"
ENTRIES = "entries"
KEPT = "kept"
LENGTH_BYTES = 2


def tile_path(level: int | str, index: int, width: int | None = None) -> str:
    """Where a tile lies; `width` is how much of it there is, where it is not full."""
    partial = "" if width is None else f".p/{width}"
    return f"tile/{level}/{_place(index)}{partial}"


def kept_path(index: int) -> str:
    """Where the entries lie that are kept of a tile that was pruned."""
    return f"{KEPT}/{_place(index)}"


def bundle(bodies: Iterable[bytes]) -> bytes:
    """Entries as a file."""
    return b"".join(len(body).to_bytes(LENGTH_BYTES, "big") + body for body in bodies)


def unbundle(content: bytes) -> Iterator[bytes]:
    """The entries of a file. Raises `Malformed` where it ends in the midst of one."""
    at, end = 0, len(content)
    while at + 1 < end:
        begin = at + LENGTH_BYTES
        at = begin + (content[at] << 8 | content[at + 1])
        yield content[begin:at]
    if at != end:
        raise Malformed("a bundle of entries ends in the midst of one")


def kept_lines(entries: Iterable[tuple[int, bytes]]) -> bytes:
    """Entries, by their numbers, as a file. Canonical JSON has no end of a line within."""
    return b"".join(b"%d %s\n" % entry for entry in entries)


def parse_kept(content: bytes, first: int, end: int) -> Sequence[tuple[int, bytes]]:
    """The entries of such a file. Raises `Malformed` unless their numbers grow, from `first` on."""
    found: list[tuple[int, bytes]] = []
    *lines, rest = content.split(b"\n")
    if rest:
        raise Malformed("it ends in the midst of an entry")
    for line in lines:
        number, _, body = line.partition(b" ")
        found.append((parse_number(number.decode(errors="replace")), body))
        if not first <= found[-1][0] < end:
            raise Malformed(f"entry {found[-1][0]} is out of its place")
        first = found[-1][0] + 1
    return found


def split_hashes(content: bytes) -> Sequence[bytes]:
    """The hashes of a tile's file. Raises `Malformed`."""
    if len(content) % HASH_BYTES:
        raise Malformed("a hash tile ends in the midst of a hash")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def _place(index: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    return "/".join(groups)
