"""Variants side by side: what disturbs one round disturbs all variants in it alike."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Costs = Mapping[str, list[float]]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure: so many rounds, each with this share of the full number of repeats."""

    rounds: int
    share: float

    def times(self, full: int) -> int:
        """How often to repeat what a full run repeats `full` times."""
        return max(1, round(full * self.share))


def side_by_side(variants: Mapping[str, Callable[[], float]], rounds: int) -> Costs:
    """What each variant cost in every round: all take their turn, beginning with another each time.

    A round before the first one, which warms everything up, doesn't count.
    """
    names = list(variants)
    costs: dict[str, list[float]] = {name: [] for name in names}
    for run in variants.values():
        run()
    gc.collect()
    gc.freeze()
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            costs[name].append(variants[name]())
    gc.unfreeze()
    return costs


def ratio(costs: Costs, name: str, yardstick: str) -> float:
    """The median of the rounds' ratios."""
    return median(a / b for a, b in zip(costs[name], costs[yardstick], strict=True))
