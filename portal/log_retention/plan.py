"""What the next run prunes, and what it waits for.

It takes the oldest entries, tile by tile, once all of a tile are old enough. While somebody still
needs them they stay: a legal hold, a destination that has not got them, the alerts, and what signs
the log. A hold keeps the whole log, since nobody can tell what of it will matter in that matter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from portal.access.decision import decide, require
from portal.access.permissions import Permission
from portal.alerts.models import AlertProgress
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.pruning import Mark, find_mark, first_number
from portal.audit.queries import CLOCKS_APART
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.tiles import count_leaves
from portal.audit.tlog.trees import WIDTH
from portal.core import clock
from portal.core.ids import first_id_at
from portal.core.settings import active
from portal.destinations.models import LogDestination
from portal.documents.retention.models import LegalHold
from portal.evidence.checkpoints import find_newest
from portal.log_retention.policy import check_days, keep_days
from portal.tenancy.session import db

LOOKED_AT = 1000  # entries, whose ids and numbers may be in another order

HELD = "A legal hold keeps the whole log. Nothing is pruned until every hold is released."
KEPT_WHOLE = "The log is kept whole for the time being."


@dataclass(frozen=True, slots=True)
class Plan:
    """The entries from `first` on that are before `end` are old enough. Those before `limit` are
    needed by nobody any more; `waits` says by whom the others are.
    """

    first: int
    end: int
    limit: int
    since: datetime | None
    until: datetime | None
    is_held: bool
    waits: Sequence[str]

    @property
    def old(self) -> int:
        """How many entries are old enough."""
        return self.end - self.first

    @property
    def going(self) -> int:
        """How many the next run looks at."""
        return max(0, self.limit - self.first)


@dataclass(frozen=True, slots=True)
class Shown:
    """How long the log is kept, up to where it was pruned, and what is next."""

    keep_days: int | None
    floor_days: int
    mark: Mark | None
    plan: Plan | None


def show_retention(actor: Actor, days: int | None = None) -> Shown:
    """How long the log is kept, and what the next run prunes; or would, if it were kept for so many
    days. Whoever may not know of holds is not told of any. Raises `Forbidden` or `Invalid`.
    """
    require(actor, Permission.RETENTION_EDIT)
    check_days(days)
    kept = keep_days()
    wanted = days or kept
    plan = plan_pruning(wanted, knows_holds=decide(actor, Permission.HOLD_EDIT)) if wanted else None
    return Shown(kept, active().log_floor_days, find_mark(), plan)


def plan_pruning(days: int, *, knows_holds: bool = False) -> Plan:
    """What a log that is kept for so many days has to be pruned of now."""
    first, before = first_number(), oldest_kept(days)
    end = _tiles(_find_younger(before), first)
    is_held, needed = _is_held(), list(_needed(end))
    limit = first if is_held else _tiles(min([end, *(number for number, _ in needed)]), first)
    waits = [HELD if knows_holds else KEPT_WHOLE] if is_held else []
    waits += [why for _, why in needed]
    since, until = (_time_of(first), _time_of(end - 1)) if end > first else (None, None)
    return Plan(first, end, limit, since, until, is_held, waits)


def oldest_kept(days: int) -> datetime:
    """What came before this may go."""
    return clock.now() - timedelta(days=days)


def _find_younger(before: datetime) -> int:
    """The number of the first entry that is too young, or of the next there will be."""
    young = (
        select(AuditEntry.id)
        .where(AuditEntry.id >= first_id_at(before, slack=-CLOCKS_APART), AuditEntry.at > before)
        .order_by(AuditEntry.id)
        .limit(LOOKED_AT)
        .subquery()
    )
    numbers = select(func.min(AuditLeaf.number)).join(young, young.c.id == AuditLeaf.id)
    found = db.session.scalar(numbers)
    return count_leaves() if found is None else found


def _needed(end: int) -> Iterator[tuple[int, str]]:
    """From which entry on somebody needs them, as far as that is before `end`; and who."""
    newest = find_newest()
    signed = newest.size if newest else 0
    if signed < end:
        yield signed, "Some entries have not been signed yet. The worker does that."
    judged = db.session.scalar(select(AlertProgress.next_number))
    if judged is not None and judged < end:
        yield (
            judged,
            "The alerts have not judged some entries yet. The worker does that.",
        )
    behind = select(LogDestination.next_number, LogDestination.name).where(
        LogDestination.is_started,
        LogDestination.entry_form.is_not(None),
        LogDestination.next_number < end,
    )
    for number, name in db.session.execute(behind.order_by(LogDestination.name)):
        yield number, f"“{name}” has not been sent the entries from number {number} on."


def _is_held() -> bool:
    live = select(LegalHold.id).where(LegalHold.released_at.is_(None)).limit(1)
    return db.session.scalar(live) is not None


def _tiles(number: int, first: int) -> int:
    """The end of the last full tile up to an entry."""
    return max(first, number // WIDTH * WIDTH)


def _time_of(number: int) -> datetime | None:
    at = select(AuditEntry.at).join(AuditLeaf, AuditLeaf.id == AuditEntry.id)
    return db.session.scalar(at.where(AuditLeaf.number == number))
