"""A tree that grows tile by tile, and is compared with checkpoints on the way."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from portal.audit.tlog.hashes import EMPTY_ROOT, fold, node_hash
from portal.audit.tlog.notes import Checkpoint
from portal.audit.tlog.summing import Sums
from portal.audit.tlog.trees import WIDTH


class Growing:
    """The tree over the leaves that were added so far; no more than a few hashes of it are kept.

    `agreed` are the checkpoints of what is there, `broken` those that had another root at their
    size, both by size; `beyond` are those of more leaves than were added. With `sums` it goes on
    from full tiles that were added before, and the checkpoints up to there were compared then.
    """

    def __init__(self, checkpoints: Iterable[Checkpoint], sums: Sums = ()) -> None:
        self.size = 0
        self.agreed: list[Checkpoint] = []
        self.broken: list[Checkpoint] = []
        self._peaks: list[tuple[int, bytes]] = []  # of subtrees: how many tiles each is over
        self._expected = sorted(checkpoints, key=lambda checkpoint: checkpoint.size)
        self._sizes = [checkpoint.size for checkpoint in self._expected]
        self._met = 0
        self._grow(sums)

    @property
    def beyond(self) -> Sequence[Checkpoint]:
        """The checkpoints of more leaves than there were."""
        return self._expected[self._met :]

    @property
    def root(self) -> bytes:
        """The root over the leaves that were added so far, as long as their tiles were full."""
        return self._root([])

    def add(self, leaves: Sequence[bytes]) -> bytes | None:
        """Add the leaves of a tile, and give what sums it up; after one that is not full, which
        nothing sums up, there can be no other.
        """
        if self.size % WIDTH or len(leaves) > WIDTH:
            raise ValueError("leaves are added tile by tile")
        self._compare(leaves)
        self.size += len(leaves)
        if len(leaves) < WIDTH:
            return None
        total = fold(leaves)
        self._push(1, total)
        return total

    def _grow(self, sums: Sums) -> None:
        for height in range(len(sums), 0, -1):
            for value in sums[height - 1][1]:
                self._push(WIDTH ** (height - 1), value)
                self.size += WIDTH**height
        if self.size:
            self._met = bisect_right(self._sizes, self.size)
        else:
            self._compare([])

    def _push(self, count: int, value: bytes) -> None:
        while self._peaks and self._peaks[-1][0] == count:
            value = node_hash(self._peaks.pop()[1], value)
            count *= 2
        self._peaks.append((count, value))

    def _compare(self, leaves: Sequence[bytes]) -> None:
        until = bisect_right(self._sizes, self.size + len(leaves))
        for checkpoint in self._expected[self._met : until]:
            root = self._root(leaves[: checkpoint.size - self.size])
            (self.agreed if root == checkpoint.root else self.broken).append(checkpoint)
        self._met = until

    def _root(self, leaves: Sequence[bytes]) -> bytes:
        """The root with some leaves more."""
        parts = [value for _, value in self._peaks]
        begin = 0
        while begin < len(leaves):
            width = 1 << (len(leaves) - begin).bit_length() - 1
            parts.append(fold(leaves[begin : begin + width]))
            begin += width
        root = parts.pop() if parts else EMPTY_ROOT
        while parts:
            root = node_hash(parts.pop(), root)
        return root
