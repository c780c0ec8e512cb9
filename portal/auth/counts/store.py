"""What a store of counts must do. It sees hashes of subjects, and nobody's name."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Protocol, TypeVar

from portal.auth.counts.rules import Counts, Key, Rules
from portal.core import clock
from portal.core.settings import active

TIMEOUT_SECONDS = 0.5  # of a server that counts: it answers in a millisecond, or it is away

Said = TypeVar("Said")


class AttemptStore(Protocol):
    """Counts that all workers share, and that a restart of the portal keeps."""

    def update(
        self, keys: Collection[Key], rule: Callable[[Counts], tuple[Counts, Said]], /
    ) -> Said:
        """Put what `rule` makes of the bound tenant's counts in their place; gives what it says.

        Nobody else reads or writes these counts in between, so `rule` reads the clock: whoever was
        let in first has counted first. It may be asked more than once.
        """

    def sweep(self) -> None:
        """Delete the bound tenant's counts of which nothing is left."""


def present_rules() -> Rules:
    """The rules as of now."""
    return Rules(timedelta(minutes=active().attempts_window_minutes), clock.now())
