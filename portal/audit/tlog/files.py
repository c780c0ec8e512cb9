"""The log as files, by which others verify it as well (c2sp.org/tlog-tiles).

checkpoint        the newest one
tile/…            hash tiles, and entry bundles: entries, each behind its length in two bytes
vkey              the keys that signed it, one to a line
old/…             earlier checkpoints, each by its origin's epoch and its size
"""

from collections.abc import Iterable, Iterator, Sequence

from portal.audit.tlog.hashes import HASH_BYTES
from portal.audit.tlog.notes import Malformed

CHECKPOINT = "checkpoint"
KEYS = "vkey"
OLD = "old"
ENTRIES = "entries"
LENGTH_BYTES = 2


def tile_path(level: int | str, index: int, width: int | None = None) -> str:
    """Where a tile lies; `width` is how much of it there is, where it is not full."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    partial = "" if width is None else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


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


def split_hashes(content: bytes) -> Sequence[bytes]:
    """The hashes of a tile's file. Raises `Malformed`."""
    if len(content) % HASH_BYTES:
        raise Malformed("a hash tile ends in the midst of a hash")
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]
