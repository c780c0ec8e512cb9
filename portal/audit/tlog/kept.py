"""The pruned entries that are kept for good, in files beside the tiles.

No bundle may leave entries out, so other verifiers of tlog-tiles see of these entries the hashes.
Each line has an entry behind its number, and is as good as the hash at that place.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path

from portal.audit.tlog.files import KEPT, kept_path, parse_kept
from portal.audit.tlog.findings import Fault, Finding
from portal.audit.tlog.hashes import leaf_hash
from portal.audit.tlog.notes import Malformed
from portal.audit.tlog.prunings import Pruning


class Kept:
    """What there is of them in a folder. `sound` are the numbers of those that are what was signed,
    in order.
    """

    def __init__(self, folder: Path) -> None:
        self.sound: list[int] = []
        self._altered: list[int] = []
        self._folder = folder
        self._paths: set[Path] = set()
        self._faults: list[Finding] = []

    def take(self, index: int, leaves: Sequence[bytes]) -> Sequence[tuple[int, bytes]]:
        """The entries, by their numbers, of a tile of these hashes, as far as they are sound."""
        first, path = index * len(leaves), kept_path(index)
        self._paths.add(self._folder / path)
        try:
            found = parse_kept((self._folder / path).read_bytes(), first, first + len(leaves))
        except FileNotFoundError:
            return []
        except (Malformed, OSError) as error:
            self._faults.append(Finding(Fault.UNREADABLE, f"{path}: {error}"))
            return []
        sound = [(n, body) for n, body in found if leaf_hash(body) == leaves[n - first]]
        numbers = [number for number, _ in sound]
        self.sound += numbers
        self._altered += sorted({number for number, _ in found} - {*numbers})
        return sound

    def judge(self, pruning: Pruning) -> Iterator[Finding]:
        """What is wrong with those that a pruning left."""
        sound, altered = _within(self.sound, pruning), _within(self._altered, pruning)
        named = {*altered} if pruning.kept is None else {*pruning.kept}
        for number in sorted((named | {*altered}) - {*sound}):
            fault = Fault.EDITED if number in altered else Fault.DELETED
            yield Finding(fault if number in named else Fault.INSERTED, f"entry {number}")
        left = pruning.end - pruning.first - pruning.entries
        if pruning.kept is None and len(sound) + len(altered) < left:
            where = f"some of the entries {pruning.first} to {pruning.end - 1}: {left} were kept"
            yield Finding(Fault.DELETED, where)

    def strays(self) -> Iterator[Finding]:
        """What can't be read, and what lies beside them and is none of them."""
        yield from self._faults
        for path in sorted({*(self._folder / KEPT).rglob("*")} - self._paths):
            if not path.is_dir():
                yield Finding(Fault.INSERTED, ascii(str(path.relative_to(self._folder))))


def _within(numbers: Sequence[int], pruning: Pruning) -> Sequence[int]:
    return numbers[bisect_left(numbers, pruning.first) : bisect_left(numbers, pruning.end)]
