"""What a rule is: which entries it is about, and what about them is worth an alert."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from portal.audit.severity import Severity

DAY_MINUTES = 24 * 60
QUIET = timedelta(hours=1)


class Kind(StrEnum):
    """What about an entry is worth an alert."""

    MATCH = "match"  # that there is one
    COUNT = "count"  # that there are so many
    NEW_ADDRESS = "new-address"  # that the person never came from there before
    NEW_NETWORK = "new-network"  # or not from that network or country
    NEW_BROWSER = "new-browser"  # or not from such a browser, where one is known
    NEW_ACTION = "new-action"  # that the person never did that before
    OFF_HOURS = "off-hours"  # that it was outside the working hours
    TWO_PLACES = "two-places"  # that the person was in another network or country just before


class About(StrEnum):
    """Whom or what an alert is about: whose entries are counted, and come into one, together."""

    PERSON = "person"
    ADDRESS = "address"
    TARGET = "target"
    ALL = "all"


class Who(StrEnum):
    """Whose acts a rule is about."""

    ANYBODY = "anybody"
    OPERATOR = "operator"
    HELD = "held"  # somebody whose documents a legal hold keeps
    DEACTIVATED = "deactivated"  # since before the entry


# In minutes, what `window_minutes` can be: how far back a rule of the kind looks.
WINDOWS: Mapping[Kind, tuple[int, int]] = MappingProxyType(
    {
        Kind.COUNT: (1, DAY_MINUTES),
        Kind.TWO_PLACES: (1, DAY_MINUTES),
        Kind.NEW_ADDRESS: (DAY_MINUTES, 365 * DAY_MINUTES),
        Kind.NEW_NETWORK: (DAY_MINUTES, 365 * DAY_MINUTES),
        Kind.NEW_ACTION: (DAY_MINUTES, 365 * DAY_MINUTES),
    }
)
OF_PEOPLE = frozenset(
    {
        Kind.NEW_ACTION,
        Kind.NEW_ADDRESS,
        Kind.NEW_BROWSER,
        Kind.NEW_NETWORK,
        Kind.TWO_PLACES,
    }
)
OF_NETWORKS = frozenset({Kind.NEW_NETWORK, Kind.TWO_PLACES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. No `actions`, and "" elsewhere, mean any; an action weighs `severity` at least.

    `gives_power`: only what gives a role with power over others, or with the sight of the log.
    """

    id: UUID
    name: str
    kind: Kind = Kind.MATCH
    actions: frozenset[str] = frozenset()
    severity: str = ""
    outcome: str = ""
    target: str = ""
    who: Who = Who.ANYBODY
    gives_power: bool = False
    threshold: int = 1
    window_minutes: int = 0
    about: About = About.ALL
    weight: Severity = Severity.WARNING
    is_mailed: bool = True
    is_on: bool = True

    @property
    def window(self) -> timedelta:
        """How far back it looks."""
        return timedelta(minutes=self.window_minutes)

    @property
    def quiet(self) -> timedelta:
        """For so long after its last entry an open alert takes in the next."""
        return max(self.window, QUIET) if self.kind in (Kind.COUNT, Kind.TWO_PLACES) else QUIET

    @property
    def needs_networks(self) -> bool:
        """Whether it can't run without the operator's list of networks."""
        return self.kind in OF_NETWORKS
