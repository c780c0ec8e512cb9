"""The pruned beginning of a log, of which it has all hashes and few entries: the log itself has to
account for it.

c2sp.org/tlog-tiles calls the mark the minimum index, and leaves open how others learn of it. Here
entries tell, one for each time that the log was pruned: whoever takes away more than that, or has
the log begin later by other means, leaves a log that doesn't say so.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from portal.audit.tlog.findings import Fault, Finding
from portal.audit.tlog.kept import Kept
from portal.audit.tlog.prunings import Pruning, follow, parse_pruning

_BEGIN = b'{"action":"log.pruned",'  # canonical JSON begins with the action


class Prefix:
    """The entries before `end`, and what the log tells of them."""

    def __init__(self, folder: Path, end: int) -> None:
        self.end = end
        self.kept = Kept(folder)
        self._roots: dict[int, str] = {}
        self._prunings: list[Pruning] = []

    def take(self, index: int, leaves: Sequence[bytes], root: bytes) -> Sequence[tuple[int, bytes]]:
        """Take in a tile of hashes, with the root up to its end; gives the entries that are kept
        of it, by their numbers.
        """
        kept = self.kept.take(index, leaves)
        self._roots[(index + 1) * len(leaves)] = root.hex()
        self.hear(body for _, body in kept)
        return kept

    def hear(self, entries: Iterable[bytes]) -> None:
        """Look whether these entries, which come next, tell of it."""
        if self.end:
            found = (_read(entry) for entry in entries if entry.startswith(_BEGIN))
            self._prunings += filter(None, found)

    def findings(self) -> Iterator[Finding]:
        """What is wrong, once every entry was heard."""
        for part in follow(self._prunings, self.end, self._roots.get):
            if isinstance(part, range):
                yield Finding(Fault.DELETED, f"entries {part.start} to {part.stop - 1}")
            else:
                yield from self.kept.judge(part)
        yield from self.kept.strays()


def _read(entry: bytes) -> Pruning | None:
    try:
        return parse_pruning(json.loads(entry).get("detail"))
    except (ValueError, RecursionError):
        return None
