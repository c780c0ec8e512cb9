"""One way through an exported log's entries, tile by tile, with every hash made again."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from portal.audit.tlog.files import ENTRIES, split_hashes, tile_path, unbundle
from portal.audit.tlog.findings import (
    MOST_NAMED,
    Fault,
    Finding,
    Mismatch,
    find_shift,
    name_mismatches,
)
from portal.audit.tlog.growing import Growing
from portal.audit.tlog.hashes import leaf_hashes
from portal.audit.tlog.notes import Checkpoint, Malformed
from portal.audit.tlog.prefix import Prefix
from portal.audit.tlog.rotations import Rotation, find_rotations
from portal.audit.tlog.summing import Summing
from portal.audit.tlog.trees import WIDTH


class Walk:
    """What a log's entries come to, compared with the hashes beside them on the way."""

    def __init__(self, folder: Path, newest: Checkpoint, growing: Growing) -> None:
        self.rotations: list[Rotation] = []
        self._folder = folder
        self._newest = newest
        self._growing = growing
        self._mismatches: list[Mismatch] = []
        self._fault: Finding | None = None  # after which places mean nothing any more
        self._bad_tiles: list[str] = []
        self._summing = Summing(self._compare_tile)
        self.pruned = Prefix(folder, self._count_absent() * WIDTH)

    def run(self, on_entries: Callable[[int], object]) -> None:
        """Take in bundle after bundle, up to the newest checkpoint or to where one is amiss.

        Where the first ones are not there, their hashes are taken in instead.
        """
        size = self._newest.size
        for index in range(-(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            is_pruned = index * WIDTH < self.pruned.end
            if not (self._take_hashes(index) if is_pruned else self._take_in(index, width)):
                return
            on_entries(width)
        self._summing.finish()

    def findings(self) -> Iterator[Finding]:
        """What is wrong. Where the root is as signed, so are the entries, whatever tiles say."""
        if self._newest not in (*self._growing.broken, *self._growing.beyond):
            tiles = {tile_path(0, mismatch.number // WIDTH) for mismatch in self._mismatches}
            for path in sorted({*tiles, *self._bad_tiles}):
                yield Finding(Fault.BAD_TILE, path)
            yield from self.pruned.findings()
        elif self._fault:
            yield self._fault
        elif self._mismatches:
            yield from name_mismatches(self._mismatches)
        else:
            yield Finding(Fault.REWRITTEN, self._between())

    def _take_in(self, index: int, width: int) -> bool:
        """Take in one bundle; whether the next can be taken."""
        partial = None if width == WIDTH else width
        path = tile_path(ENTRIES, index, partial)
        try:
            entries = list(unbundle((self._folder / path).read_bytes()))
        except FileNotFoundError:
            self._fault = self._fault or self._missing(index)
            return False
        except (Malformed, OSError) as error:
            self._fault = Finding(Fault.UNREADABLE, f"{path}: {error}")
            return False
        leaves = leaf_hashes(entries)
        self.pruned.hear(entries)
        self.rotations += find_rotations(enumerate(entries, index * WIDTH))
        self._compare_leaves(index, leaves, self._noted(0, index, partial))
        if len(leaves) != width:
            fault = Fault.DELETED if len(leaves) < width else Fault.INSERTED
            self._fault = self._fault or Finding(fault, f"in {path}")
            return False
        self._add(leaves)
        return True

    def _take_hashes(self, index: int) -> bool:
        """Take in the hashes of a bundle that was pruned, and the entries that are kept of it;
        whether the next can be taken.
        """
        leaves = self._noted(0, index, None)
        if len(leaves) != WIDTH:
            self._fault = Finding(Fault.BAD_TILE, tile_path(0, index))
            return False
        self._add(list(leaves))
        kept = self.pruned.take(index, leaves, self._growing.root)
        self.rotations += find_rotations(kept)
        return True

    def _add(self, leaves: Sequence[bytes]) -> None:
        total = self._growing.add(leaves)
        if total is not None:
            self._summing.add(total)

    def _count_absent(self) -> int:
        """How many bundles are missing before the first that is there."""
        bundles = range(-(-self._newest.size // WIDTH))
        return next((index for index in bundles if self._has_bundle(index)), 0)

    def _has_bundle(self, index: int) -> bool:
        width = min(WIDTH, self._newest.size - index * WIDTH)
        path = tile_path(ENTRIES, index, None if width == WIDTH else width)
        return (self._folder / path).exists()

    def _compare_leaves(self, index: int, found: list[bytes], noted: Sequence[bytes]) -> None:
        if found == noted or self._fault or not noted:
            return
        first = index * WIDTH
        if sorted(found) != sorted(noted):
            self._fault = find_shift(found, noted, first)
        is_end = first + len(noted) == self._newest.size
        if self._fault and is_end and found == noted[: len(found)]:
            self._fault = Finding(Fault.TRUNCATED, f"after {first + len(found)} entries")
        if self._fault is None:
            pairs = enumerate(zip(found, noted, strict=False), first)
            differing = [Mismatch(number, *pair) for number, pair in pairs if pair[0] != pair[1]]
            self._mismatches += differing[: MOST_NAMED - len(self._mismatches)]

    def _missing(self, index: int) -> Finding:
        if self._has_bundle(index + 1):
            return Finding(Fault.DELETED, f"entries {index * WIDTH} to {(index + 1) * WIDTH - 1}")
        return Finding(Fault.TRUNCATED, f"after {index * WIDTH} entries")

    def _compare_tile(self, level: int, index: int, hashes: Sequence[bytes]) -> None:
        width = None if len(hashes) == WIDTH else len(hashes)
        noted = self._noted(level, index, width)
        if noted and noted != hashes:
            self._bad_tiles.append(tile_path(level, index, width))

    def _noted(self, level: int, index: int, width: int | None) -> Sequence[bytes]:
        path = tile_path(level, index, width)
        try:
            return split_hashes((self._folder / path).read_bytes())
        except (Malformed, OSError):
            self._bad_tiles.append(path)
            return []

    def _between(self) -> str:
        """Where the log stops being what was signed, as far as checkpoints tell."""
        broken = self._growing.broken[0].size
        first = max((c.size for c in self._growing.agreed if c.size < broken), default=0)
        return f"among entries {first} to {broken - 1}"
