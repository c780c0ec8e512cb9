"""What a log tells of its own pruning, and whether that leads to where it begins now."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pruning:
    """What an entry tells: of those from `first` on that are before `end` so many went, and the
    root up to there. `kept` are the numbers of the others; the first prunings did not name them.
    """

    first: int
    end: int
    entries: int
    root: str
    kept: Sequence[int] | None = None


def parse_pruning(detail: object) -> Pruning | None:
    """What the details of such an entry say, if they are to be understood."""
    match detail:
        case {
            "first": int(first),
            "end": int(end),
            "entries": int(gone),
            "root": str(root),
            **more,
        }:
            return Pruning(first, end, gone, root, _numbers(more.get("kept")))
    return None


def follow(
    prunings: Iterable[Pruning], mark: int, root_at: Callable[[int], str | None]
) -> Iterator[Pruning | range]:
    """Those, given in the order of the log, by which it came to begin at a mark; and in between the
    entries of which none tells.
    """
    at = 0
    for pruning in prunings:
        is_next = at <= pruning.first < pruning.end <= mark
        if is_next and pruning.root == root_at(pruning.end):
            if at < pruning.first:
                yield range(at, pruning.first)
            yield pruning
            at = pruning.end
    if at < mark:
        yield range(at, mark)


def _numbers(kept: object) -> Sequence[int] | None:
    return sorted(n for n in kept if isinstance(n, int)) if isinstance(kept, list) else None
