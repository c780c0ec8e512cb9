"""What of the log is drawn: counts of the entries that fit some filters, over a bounded time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from portal.access.audit_log import Choices, record_reading, with_people
from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.queries import list_group_names
from portal.audit import counting
from portal.audit.actor import Actor
from portal.audit.counting import Unusual
from portal.audit.pruning import Mark, find_mark
from portal.audit.queries import Filters
from portal.core import clock
from portal.core.errors import Invalid
from portal.users.queries import list_names

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WITHOUT_TIME, LONGEST = 7 * DAY, 366 * DAY
STEPS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY)
MOST_BARS = 60
FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # before any log


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of time, and how many entries fall into it."""

    since: datetime
    until: datetime
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts(Choices):
    """All that is drawn. `is_cut`: the time has more entries, of which these are the newest;
    `pruned`: it begins before the log does, which was pruned.
    """

    since: datetime
    until: datetime
    is_cut: bool
    pruned: Mark | None
    bars: Sequence[Bar]
    hours: Sequence[Sequence[int]]  # by weekday, from Monday, and hour
    active: Sequence[tuple[UUID, int]]
    sign_ins: Mapping[datetime, Counter[str]]
    downloads: Sequence[tuple[str, int]]
    unusual: Sequence[Unusual]


def draw_charts(actor: Actor, filters: Filters) -> Charts:
    """Count what fits, in the last seven days where no time is given.

    Raises `Forbidden`, or `Invalid` for a time that is too long. The reading is recorded.
    """
    require(actor, Permission.AUDIT_READ)
    since, until = _time_of(filters)
    record_reading(actor, replace(filters, since=since, until=until), form="charts")
    narrowed = replace(with_people(filters), since=since, until=until)
    begin = counting.find_begin(narrowed, counting.MOST) or since
    return _counted(replace(narrowed, since=begin), begin, until, is_cut=begin > since)


def _time_of(filters: Filters) -> tuple[datetime, datetime]:
    until = min(filters.until or clock.now(), clock.now())
    if until >= FIRST:
        since = filters.since or until - WITHOUT_TIME
        if max(FIRST, until - LONGEST) <= since < until:
            return since, until
    raise Invalid("Charts are of at most 366 days, which begin before they end.")


def _counted(filters: Filters, since: datetime, until: datetime, *, is_cut: bool) -> Charts:
    return Charts(
        people=list_names(),
        groups=list_group_names(),
        since=since,
        until=until,
        is_cut=is_cut,
        pruned=_pruned_since(since),
        bars=_bars(filters, since, until),
        hours=_by_hour(filters),
        active=counting.count_by_person(filters),
        sign_ins=_sign_ins(filters, since, until),
        downloads=counting.count_downloads(filters),
        unusual=counting.list_unusual(filters, since, until),
    )


def _pruned_since(since: datetime) -> Mark | None:
    mark = find_mark()
    return mark if mark and since < mark.begins_at else None


def _bars(filters: Filters, since: datetime, until: datetime) -> Sequence[Bar]:
    step = next(step for step in STEPS if (until - since) / step < MOST_BARS)
    counts = counting.count_by_time(filters, step)
    return [Bar(at, at + step, counts.get(at, 0)) for at in _steps(since, until, step)]


def _sign_ins(
    filters: Filters, since: datetime, until: datetime
) -> Mapping[datetime, Counter[str]]:
    counts = counting.count_sign_ins(filters)
    return {at: counts.get(at, Counter()) for at in _steps(since, until, DAY)} if counts else {}


def _steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    at = counting.begin_of_step(since, step)
    while at < until:
        yield at
        at += step


def _by_hour(filters: Filters) -> Sequence[Sequence[int]]:
    hours = [[0] * 24 for _ in range(7)]
    for begin, count in counting.count_by_time(filters, HOUR).items():
        hours[begin.weekday()][begin.hour] += count
    return hours
