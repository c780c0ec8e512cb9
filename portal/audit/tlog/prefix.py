"""The entries before a mark, of which a log has the hashes alone: the log itself has to tell of it.

c2sp.org/tlog-tiles calls the mark the minimum index, and leaves open how others learn of it. Here
the entries tell that come after: whoever takes away more than was pruned, or has the log begin
later by other means, leaves a log that doesn't say so.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

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
            told = (json.loads(entry) for entry in entries if entry.startswith(_BEGIN))
            self._is_told = any(self._is_of(entry["detail"]) for entry in told)

    def findings(self) -> Iterator[Finding]:
        """What is wrong, once every entry was heard that is not before `end`."""
        if self.end and not self._is_told:
            yield Finding(Fault.DELETED, f"entries 0 to {self.end - 1}")

    def _is_of(self, detail: dict[str, Any]) -> bool:
        return bool(detail["end"] == self.end and detail["root"] == self.root.hex())
