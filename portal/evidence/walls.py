"""Recording the daily test of the walls of the bound tenant's database (`tenancy.trying`)."""

from collections.abc import Sequence

from portal.audit.actions import Action, Outcome
from portal.audit.actor import SYSTEM
from portal.audit.queries import list_latest
from portal.audit.service import record
from portal.core import clock
from portal.evidence.checking import EVERY

MOST_NAMED = 20
RESULTS = (Action.WALLS_HELD, Action.WALLS_BROKEN)


def is_trial_due() -> bool:
    """Whether they were last tried a day ago, or never."""
    last = list_latest(RESULTS, 1)
    return not last or last[0].at <= clock.now() - EVERY


def record_trial(faults: Sequence[str]) -> None:
    """Record that everything was refused, or what was not: there is a rule of alerts for that."""
    if not faults:
        record(SYSTEM, Action.WALLS_HELD, "organisation")
        return
    detail = {"found": [*faults[:MOST_NAMED]], "count": len(faults)}
    record(SYSTEM, Action.WALLS_BROKEN, "organisation", Outcome.FAILURE, **detail)
