"""What can be wrong with a log, in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_NAMED = 100


class Fault(StrEnum):
    """What somebody, or a disk, has done to a log."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"  # entries and their hashes together, or more than can be named
    SIGNED_AGAIN = "signed again"  # by the log's own key, against what that key signed before
    FOREIGN_KEY = "foreign key"
    BAD_SIGNATURE = "bad signature"
    BAD_TILE = "bad tile"  # the entries are what was signed, hashes beside them are not
    RETIRED_KEY = "retired key"  # it signed on when the log had told of the one after it
    UNVOUCHED = "not vouched for"  # a key that the one before it did not sign for
    UNREADABLE = "unreadable"
    UNCOVERED = "uncovered"  # personal values are not those that the entry commits to


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    fault: Fault
    where: str

    def __str__(self) -> str:
        return f"{self.fault}: {self.where}"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An entry whose hash is another one than was noted for its place."""

    number: int
    found: bytes
    noted: bytes


def name_mismatches(mismatches: Sequence[Mismatch]) -> list[Finding]:
    """The same hashes at other places were moved; anything else was edited."""
    numbers = [mismatch.number for mismatch in mismatches]
    found = Counter(mismatch.found for mismatch in mismatches)
    if len(numbers) > 1 and found == Counter(mismatch.noted for mismatch in mismatches):
        return [Finding(Fault.REORDERED, f"entries {numbers[0]} to {numbers[-1]}")]
    return [Finding(Fault.EDITED, f"entry {number}") for number in numbers]


def find_shift(found: Sequence[bytes], noted: Sequence[bytes], first: int) -> Finding | None:
    """Whether what follows the first difference is the same again, a few places on.

    `first` is the number of the first entry that is compared.
    """
    at = next(
        (n for n, pair in enumerate(zip(found, noted, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(noted)),
    )
    rest, wanted = found[at:], noted[at:]
    for by in range(1, max(len(rest), len(wanted)) + 1):
        where = f"{by} before or at entry {first + at}" if by > 1 else f"entry {first + at}"
        if _begin_alike(rest, wanted[by:]) or (not rest and len(wanted) == by):
            return Finding(Fault.DELETED, where)
        if _begin_alike(rest[by:], wanted) or (not wanted and len(rest) == by):
            return Finding(Fault.INSERTED, where)
    return None


def _begin_alike(some: Sequence[bytes], others: Sequence[bytes]) -> bool:
    length = min(len(some), len(others))
    return length > 0 and some[:length] == others[:length]
