"""The working hours of an organisation, in its own time zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKDAYS = frozenset(range(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """On which days, from when until when; until a time that is earlier, through the night."""

    zone: str = "UTC"
    days: frozenset[int] = WORKDAYS
    begin: time = time(7)
    end: time = time(19)

    def has(self, at: datetime) -> bool:
        """Whether a moment is within them. A night belongs to the day on which it begins."""
        local = at.astimezone(_zone(self.zone))
        now, day = local.time(), local.weekday()
        if self.begin <= self.end:
            return day in self.days and self.begin <= now < self.end
        if now >= self.begin:
            return day in self.days
        return now < self.end and (day - 1) % 7 in self.days


@cache
def list_zones() -> Sequence[str]:
    """The names of all time zones that this machine knows."""
    return sorted(available_timezones() | {"UTC"})


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)
