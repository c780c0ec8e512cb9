"""A tree that is read in tiles, as few as a question takes (c2sp.org/tlog-tiles).

A tile of level L holds up to 256 hashes of the tree at height 8 L. Those of level 0 are the
leaves', and each full tile is summed up by one hash of the level above.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

from portal.audit.tlog.hashes import EMPTY_ROOT, fold, node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
KEPT_TILES = 64

# The hashes of a tile, by its level and its place in it: those that there are.
ReadTile = Callable[[int, int], Sequence[bytes]]


class Incomplete(Exception):
    """A hash is missing that a tree of this size would have."""


class Tree:
    """The tree over a log's leaves, at any size that the tiles suffice for."""

    def __init__(self, read_tile: ReadTile) -> None:
        self._tile = lru_cache(maxsize=KEPT_TILES)(read_tile)

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves. Raises `Incomplete`, as all of these do."""
        return self._over(0, size) if size else EMPTY_ROOT

    def inclusion(self, number: int, size: int) -> list[bytes]:
        """The proof that a leaf is among the first `size` (RFC 6962, 2.1.1)."""
        begin, end, found = 0, size, []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if number < middle:
                found.append(self._over(middle, end))
                end = middle
            else:
                found.append(self._over(begin, middle))
                begin = middle
        return found[::-1]

    def tile_root(self, level: int, index: int) -> bytes:
        """What sums up a full tile."""
        return fold(self._slice(level, index * WIDTH, WIDTH))

    def _over(self, begin: int, end: int) -> bytes:
        """The hash over leaves from a place where a subtree of that size may begin."""
        count = end - begin
        if count & (count - 1) == 0:
            level, height = divmod(count.bit_length() - 1, HEIGHT)
            return fold(self._slice(level, begin >> HEIGHT * level, 1 << height))
        middle = begin + _split(count)
        return node_hash(self._over(begin, middle), self._over(middle, end))

    def _slice(self, level: int, first: int, count: int) -> Sequence[bytes]:
        index, at = divmod(first, WIDTH)
        found = self._tile(level, index)[at : at + count]
        if len(found) < count:
            raise Incomplete(f"tile {level}/{index} holds too few hashes")
        return found


def _split(count: int) -> int:
    """The largest power of two that is less than `count`."""
    return 1 << (count - 1).bit_length() - 1
