"""Full tiles summed up, level by level, as their leaves come."""

from collections.abc import Callable, Sequence

from portal.audit.tlog.hashes import fold
from portal.audit.tlog.trees import WIDTH

# Of each level above the leaves', from the first: how many tiles were full, and the hashes since.
Sums = Sequence[tuple[int, Sequence[bytes]]]

# Told of each tile above the leaves': its level, its place there, its hashes.
OnTile = Callable[[int, int, Sequence[bytes]], object]


class Summing:
    """The tiles above the leaves'; each is handed on once it is full, or at the end."""

    def __init__(self, on_tile: OnTile, sums: Sums = ()) -> None:
        self._on_tile = on_tile
        self._levels = [(index, [*hashes]) for index, hashes in sums]

    @property
    def sums(self) -> Sums:
        """What it comes to so far: enough to go on from, in another process."""
        return [(index, [*hashes]) for index, hashes in self._levels]

    def add(self, total: bytes, level: int = 1) -> None:
        """Take in what sums up a full tile of the level below."""
        if level > len(self._levels):
            self._levels.append((0, []))
        index, hashes = self._levels[level - 1]
        hashes.append(total)
        if len(hashes) == WIDTH:
            self._levels[level - 1] = index + 1, []
            self._on_tile(level, index, hashes)
            self.add(fold(hashes), level + 1)

    def finish(self) -> None:
        """Hand on the tiles that are not full."""
        for level, (index, hashes) in enumerate(self._levels, 1):
            if hashes:
                self._on_tile(level, index, hashes)
