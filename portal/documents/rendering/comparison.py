"""The job of comparing two texts, given one after the other with a NUL between them.

It writes the lines as JSON: a list of `[what, number in the old, number in the new, text]`.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from difflib import SequenceMatcher
from itertools import islice

from portal.documents.rendering.confinement import End, Unconfined, limit, lock

MEMORY_BYTES = 768 * 1024 * 1024
CPU_SECONDS = 8  # for texts made so that they can't be compared in time
AROUND = 3  # lines without a change, before and after one
MOST_LINES = 5000
MOST_LENGTH = 2000  # characters of a line

Line = tuple[str, int | None, int | None, str]


def main() -> End:
    """Confine the process as far as the kernel can: what runs here is Python's own code."""
    with suppress(Unconfined):
        lock()
    limit(memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    old, new = (text.splitlines() for text in sys.stdin.buffer.read().decode().split("\0"))
    found = [(*line[:3], line[3][:MOST_LENGTH]) for line in islice(_lines(old, new), MOST_LINES)]
    sys.stdout.buffer.write(json.dumps(found).encode())
    sys.stdout.buffer.flush()
    return End.DONE


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    for group in SequenceMatcher(None, old, new).get_grouped_opcodes(AROUND):
        yield "gap", group[0][1] + 1, group[0][3] + 1, ""
        for what, old_from, old_to, new_from, new_to in group:
            if what == "equal":
                for i in range(old_to - old_from):
                    yield "same", old_from + i + 1, new_from + i + 1, old[old_from + i]
                continue
            for i in range(old_from, old_to):
                yield "removed", i + 1, None, old[i]
            for i in range(new_from, new_to):
                yield "added", None, i + 1, new[i]


if __name__ == "__main__":
    os._exit(main())
