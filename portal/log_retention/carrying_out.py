"""Pruning a tenant's log of what its policy lets go, a part at a time.

Each part is one transaction, in which the database deletes, the mark moves and the entry is added
that tells of it: whoever dies in between has done nothing, and the next run goes on from there.
"""

from datetime import timedelta

from sqlalchemy import func, select

from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.pruning import PRUNING, find_mark, prune_to
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.trees import WIDTH
from portal.core import clock
from portal.core.errors import Conflict
from portal.documents.retention.locking import lock_retention
from portal.evidence.leaves import is_sound
from portal.log_retention.plan import oldest_kept, plan_pruning
from portal.log_retention.policy import keep_days
from portal.tenancy.session import db
from portal.tenancy.turns import try_turn

PART = 4 * WIDTH  # entries: on SQLite whoever writes waits for it
EVERY = timedelta(days=1)


class NotSound(Conflict):
    """What would go is not what was signed, and so is evidence."""

    message = "The oldest entries are not what was signed, so nothing is pruned: check the log."


def is_pruning_due() -> bool:
    """Whether to prune by schedule: once a day, or when a whole part may go. More often would fill
    the log with entries about it.
    """
    days, mark = keep_days(), find_mark()
    if days is None:
        return False
    is_long_ago = mark is None or mark.pruned_at <= clock.now() - EVERY
    return is_long_ago or plan_pruning(days).going >= PART


def prune_part(actor: Actor) -> int | None:
    """Prune the next entries that may go, as many as one transaction should; gives up to where the
    log is pruned then, or None where there was nothing to prune, or somebody else is at it.

    Raises `NotSound` or `TooYoung`.
    """
    if not try_turn(PRUNING):
        return None
    lock_retention()  # who places a hold or has the log kept longer meanwhile waits, or was seen
    days = keep_days()
    if days is None:
        return None
    plan = plan_pruning(days)
    end = _old_enough(plan.first, min(plan.limit, plan.first + PART), days)
    if end <= plan.first:
        return None
    if not is_sound(plan.first, end):
        raise NotSound
    prune_to(actor, end)
    return end


def _old_enough(first: int, end: int, days: int) -> int:
    """The plan goes by ids to be quick; this goes by the entries' own times."""
    young = (
        select(func.min(AuditLeaf.number))
        .join(AuditEntry, AuditEntry.id == AuditLeaf.id)
        .where(AuditLeaf.number >= first, AuditLeaf.number < end, AuditEntry.at > oldest_kept(days))
    )
    found = db.session.scalar(young)
    return end if found is None else found // WIDTH * WIDTH
