"""Whether somebody who is sent the entries of a log has all of them, by their numbers.

What is read are lines as they are sent, or as a collector of syslog has written them down, with
something before. Entries are sent at least once, so one that is there twice is no fault; two
different ones of the same number are.
"""

import json
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

MOST_NAMED = 100
CHUNK = 4096
LARGEST = 2**63
_CEF = "CEF:0|"
_CEF_KEYS = re.compile(r" (cn1|externalId|cs2)=(\S+)")  # in a value, "=" has a backslash before it


class Received(NamedTuple):
    """What a line tells of its entry; `tenant_id` is "" where its form does not tell it."""

    number: int
    entry_id: str
    tenant_id: str


@dataclass(slots=True)
class Gaps:
    """What came of comparing. Of each kind of fault so many are named, and all are counted."""

    first: int | None = None
    last: int | None = None
    count: int = 0  # different numbers
    repeated: int = 0
    missing: int = 0
    missing_ranges: list[tuple[int, int]] = field(default_factory=list)
    conflicting: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)  # the numbers of lines in the file, from 1

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, and nothing there that does not belong to it."""
        return not (self.missing or self.conflicting or self.foreign)


class _Seen:
    """Which numbers there were, with eight bytes to tell their entries apart; 0 is none."""

    def __init__(self) -> None:
        self._chunks: dict[int, array[int]] = {}

    def add(self, number: int, mark: int) -> int:
        """Note a number; gives what was noted of it before."""
        index, at = divmod(number, CHUNK)
        chunk = self._chunks.setdefault(index, array("Q", bytes(8 * CHUNK)))
        before = chunk[at]
        if not before:
            chunk[at] = mark
        return before

    def list_missing(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The ranges, both ends included, of which there was none. Skips empty chunks whole."""
        begin = first
        for index in sorted(self._chunks):
            for at, mark in enumerate(self._chunks[index], index * CHUNK):
                if mark and first <= at <= last:
                    if at > begin:
                        yield begin, at - 1
                    begin = at + 1
        if begin <= last:
            yield begin, last


def find_gaps(lines: Iterable[str], *, first: int | None = None, last: int | None = None) -> Gaps:
    """Compare what there is with every number from `first` to `last`; those that are left out are
    the smallest and the largest that there are.
    """
    found, seen, tenant_id = Gaps(), _Seen(), ""
    for place, line in enumerate(lines, 1):
        received = read_line(line)
        if received is None or (tenant_id and received.tenant_id not in ("", tenant_id)):
            _name(found.foreign, place, is_line=bool(line.strip()))
            continue
        tenant_id = tenant_id or received.tenant_id
        _take_in(found, seen, received)
    if found.count:
        found.first = first if first is not None else found.first
        found.last = last if last is not None else found.last
    _find_missing(found, seen)
    return found


def read_line(line: str) -> Received | None:
    """What a line tells; None where it is no entry with a number."""
    at, brace = line.find(_CEF), line.find("{")
    try:
        found = _read_cef(line) if at >= 0 and (brace < 0 or at < brace) else _read_json(line)
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return found if 0 <= found.number < LARGEST else None


def _read_cef(line: str) -> Received:
    values = dict(_CEF_KEYS.findall(line))
    return Received(int(values["cn1"]), values["externalId"], values.get("cs2", ""))


def _read_json(line: str) -> Received:
    event: dict[str, Any] = json.loads(line[line.index("{") :])
    if "metadata" in event:
        about = event["metadata"]
        return Received(int(about["sequence"]), str(about["uid"]), str(about["tenant_uid"]))
    return Received(int(event["number"]), str(event["id"]), "")


def _take_in(found: Gaps, seen: _Seen, received: Received) -> None:
    mark = int.from_bytes(sha256(received.entry_id.encode()).digest()[:8], "big") or 1
    before = seen.add(received.number, mark)
    if not before:
        found.count += 1
        found.first = min(received.number, found.first if found.first is not None else LARGEST)
        found.last = max(received.number, found.last or 0)
    elif before == mark:
        found.repeated += 1
    else:
        _name(found.conflicting, received.number)


def _find_missing(found: Gaps, seen: _Seen) -> None:
    if found.first is None or found.last is None:
        return
    for begin, end in seen.list_missing(found.first, found.last):
        found.missing += end - begin + 1
        if len(found.missing_ranges) < MOST_NAMED:
            found.missing_ranges.append((begin, end))


def _name(named: list[int], number: int, *, is_line: bool = True) -> None:
    if is_line and len(named) < MOST_NAMED:
        named.append(number)
