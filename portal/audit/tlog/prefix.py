"""The entries before a mark, of which a log has the hashes alone: the log itself has to tell of it.

c2sp.org/tlog-tiles calls the mark the minimum index, and leaves open how others learn of it. Here
the entries tell that come after: whoever takes away more than was pruned, or has the log begin
later by other means, leaves a log that doesn't say so.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal.audit.tlog.findings import Fault, Finding

_BEGIN = b'{"action":"log.pruned",'  # canonical JSON begins with the action


@dataclass
class Prefix:
    """The entries before `end`, with the root over their hashes once that is known."""

    end: int
    root: bytes = b""
    _is_told: bool = False

    def hear(self, entries: Iterable[bytes]) -> None:
        """Look whether these entries tell of it."""
        if self.end and not self._is_told:
            self._is_told = any(map(self._is_told_by, entries))

    def findings(self) -> Iterator[Finding]:
        """What is wrong, once every entry was heard that is not before `end`."""
        if self.end and not self._is_told:
            yield Finding(Fault.DELETED, f"entries 0 to {self.end - 1}")

    def _is_told_by(self, entry: bytes) -> bool:
        if not entry.startswith(_BEGIN):
            return False
        try:
            match json.loads(entry):
                case {"detail": {"end": end, "root": root}}:
                    return (end, root) == (self.end, self.root.hex())
        except ValueError:
            pass
        return False
