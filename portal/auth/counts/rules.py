"""How long somebody has to wait after so many tries: pure, whatever keeps the counts.

Whoever has used up their tries waits, then waits twice as long, up to a limit; what was counted
fades with time. A try that comes too early is refused and counts for nothing, so nobody makes
somebody else's wait longer by hammering.

Strangers who try one account from many places are counted together as well, as a crowd. A crowd
that has failed too often is not shut out, or the account's owner would be with it: each place has
to wait its turn before it may try once, and again after that. So an attack gets slow, and the owner
gets in from anywhere within one wait; from a browser that is known, at once (`web.devices`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

FIRST_WAIT = timedelta(minutes=1)
DOUBLES_WITH = 10  # the wait doubles with each further tenth of a limit
HALF_LIFE_IN_WAITS = 4
KEPT_FOR_HALF_LIVES = 24  # by then a thousand tries have faded to nothing
NO_WAIT = timedelta()
CLOCKS_DIFFER_BY = timedelta(seconds=1)  # of the machines that workers run on


@dataclass(frozen=True, slots=True)
class Count:
    """How many tries were counted, as of the moment when the next is free; they fade from then."""

    tries: float
    free_at: datetime


UNTRIED = Count(0, datetime.fromtimestamp(0, UTC))

Key = bytes  # a subject's hash
Limit = tuple[int, Key]  # how many tries at once, and what they are counted for
Counts = Mapping[Key, Count]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules, where nobody waits longer than `longest_wait`, as of `now`."""

    longest_wait: timedelta
    now: datetime

    def count_try(
        self, counts: Counts, limits: Sequence[Limit], crowds: Sequence[Limit]
    ) -> tuple[Counts, timedelta]:
        """What the counts are after a try, and how long it has to wait, if it is not free yet.

        In a crowd that failed too often the first of the limits has to wait its turn.
        """
        _, own = limits[0]
        waits = (self._wait(self._left(counts[key]), limit) for limit, key in crowds)
        crowd_wait = max(waits, default=NO_WAIT)
        after = dict(counts)
        if crowd_wait and self.now >= after[own].free_at + self.longest_wait:
            # It has had no turn yet, or has let it pass.
            after[own] = Count(self._left(after[own]), self.now + crowd_wait)
        wait = max(after[key].free_at for _, key in limits) - self.now
        if wait >= CLOCKS_DIFFER_BY:
            return after, wait
        after |= {key: self._counted(after[key], limit) for limit, key in (*limits, *crowds)}
        after[own] = replace(after[own], free_at=max(after[own].free_at, self.now + crowd_wait))
        return after, NO_WAIT

    def take_turn(self, count: Count, pause: timedelta) -> tuple[Count, bool]:
        """Whether something may be done that is to be done once in a `pause`."""
        is_free = self.now >= count.free_at
        return (Count(1, self.now + pause) if is_free else count), is_free

    @property
    def forgotten_before(self) -> datetime:
        """Of a count whose next try was free by then nothing is left."""
        return self.now - self._half_life * KEPT_FOR_HALF_LIVES

    @property
    def _half_life(self) -> timedelta:
        return self.longest_wait * HALF_LIFE_IN_WAITS

    def _counted(self, count: Count, limit: int) -> Count:
        tries = min(self._left(count) + 1, limit * 2)
        return Count(tries, self.now + self._wait(tries, limit))

    def _left(self, count: Count) -> float:
        """What has not faded yet. It begins to fade once the next try is free."""
        half_lives = max(self.now - count.free_at, NO_WAIT) / self._half_life
        return float(count.tries * 0.5**half_lives)

    def _wait(self, tries: float, limit: int) -> timedelta:
        """How long the next try has to wait after so many."""
        excess = round(tries) - limit
        if excess < 0:
            return NO_WAIT
        return min(FIRST_WAIT * 2 ** (excess * DOUBLES_WITH / limit), self.longest_wait)


def one_less(count: Count) -> Count:
    """A try that was right was no guess."""
    return replace(count, tries=count.tries - 1) if count.tries >= 1 else count
