"""Counts over a part of the log, for charts: each by one grouped statement, over a bounded part.

A range is narrowed to its newest entries where it holds more than `MOST`, so that no chart takes
longer the more a log has grown.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, extract, func, literal_column, select

from portal.audit.actions import Action
from portal.audit.actor import ActorKind
from portal.audit.models import AuditEntry
from portal.audit.queries import Filters, matching
from portal.tenancy.session import db

Columns = TypeVarTuple("Columns")

MOST = 100_000
TOP = 10  # of a list
EARLIER = 4  # periods as long as the range, with which it is compared
TIMES_MORE, AT_LEAST = 3, 10

READS = (
    Action.DOCUMENT_DOWNLOADED,
    Action.DOCUMENT_PREVIEWED,
    Action.FOLDER_DOWNLOADED,
    Action.SELECTION_DOWNLOADED,
)
SIGN_INS = (Action.SIGNED_IN, Action.SIGN_IN_FAILED, Action.SIGN_IN_LIMITED)


@dataclass(frozen=True, slots=True)
class Unusual:
    """Somebody who read far more than in any of the periods before."""

    user_id: UUID
    reads: int
    most_before: int


def find_begin(filters: Filters, most: int) -> datetime | None:
    """From when on there are no more than so many entries; None where there never are more."""
    newest = matching(select(AuditEntry.at), filters).order_by(AuditEntry.id.desc())
    too_many = db.session.scalars(newest.offset(most).limit(1)).first()
    return too_many and too_many + timedelta.resolution


def count_by_time(filters: Filters, step: timedelta) -> Mapping[datetime, int]:
    """How many entries fall into each step of time that has any, by when it begins in UTC."""
    slot = _slot(step)
    rows = db.session.execute(matching(select(slot, func.count()), filters).group_by(slot))
    return {_time(begin): count for begin, count in rows}


def count_sign_ins(filters: Filters) -> Mapping[datetime, Counter[str]]:
    """How sign-ins went, by day: successes, failures, refusals."""
    slot = _slot(timedelta(days=1))
    statement = select(slot, AuditEntry.outcome, func.count()).group_by(slot, AuditEntry.outcome)
    days: dict[datetime, Counter[str]] = {}
    for begin, outcome, count in db.session.execute(_of(statement, filters, SIGN_INS)):
        days.setdefault(_time(begin), Counter())[outcome] += count
    return days


def count_by_person(filters: Filters) -> Sequence[tuple[UUID, int]]:
    """Who did most."""
    count = func.count()
    statement = (
        matching(select(AuditEntry.actor_id, count), filters)
        .where(AuditEntry.actor_kind == ActorKind.USER, AuditEntry.actor_id.is_not(None))
        .group_by(AuditEntry.actor_id)
        .order_by(count.desc(), AuditEntry.actor_id)
    )
    rows = db.session.execute(statement.limit(TOP))
    return [(user_id, n) for user_id, n in rows if user_id]


def count_downloads(filters: Filters) -> Sequence[tuple[str, int]]:
    """Which documents were downloaded most, by target."""
    count = func.count()
    statement = _of(
        select(AuditEntry.target, count), filters, (Action.DOCUMENT_DOWNLOADED,)
    ).group_by(AuditEntry.target)
    rows = db.session.execute(statement.order_by(count.desc(), AuditEntry.target).limit(TOP))
    return [(target, n) for target, n in rows]


def list_unusual(filters: Filters, since: datetime, until: datetime) -> Sequence[Unusual]:
    """Who read at least `AT_LEAST` things between two times, and more than `TIMES_MORE` times the
    most they read in any of the `EARLIER` periods of that length before; the most first.
    """
    length = until - since
    begins = [since - n * length for n in range(EARLIER + 1)]
    counts = [_within(begin, begin + length) for begin in begins]
    reads = _of(
        select(AuditEntry.actor_id, *counts),
        replace(filters, since=begins[-1], until=until),
        READS,
    )
    people = reads.where(AuditEntry.actor_kind == ActorKind.USER).group_by(AuditEntry.actor_id)
    rows = db.session.execute(people.having(counts[0] >= AT_LEAST))
    found = (Unusual(user_id, now, max(earlier)) for user_id, now, *earlier in rows if user_id)
    unusual = [one for one in found if one.reads > TIMES_MORE * one.most_before]
    return sorted(unusual, key=lambda one: (-one.reads, one.user_id))[:TOP]


def _of(
    statement: Select[*Columns], filters: Filters, actions: Collection[Action]
) -> Select[*Columns]:
    return matching(statement, filters).where(AuditEntry.action.in_([str(a) for a in actions]))


def _within(since: datetime, until: datetime) -> ColumnElement[int]:
    is_within = (AuditEntry.at >= since) & (AuditEntry.at < until)
    return func.sum(case((is_within, 1), else_=0))


def begin_of_step(at: datetime, step: timedelta) -> datetime:
    """When the step begins that a time falls into: as steps that began with 1970 do."""
    second = int(at.timestamp())
    return _time(second - second % int(step.total_seconds()))


def _slot(step: timedelta) -> ColumnElement[int]:
    """The second since 1970 at which the step begins that an entry falls into."""
    second = extract("epoch", AuditEntry.at)
    return second - second % literal_column(str(int(step.total_seconds())))


def _time(second: float) -> datetime:
    return datetime.fromtimestamp(int(second), UTC)
