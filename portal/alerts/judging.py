"""Where a rule is met: a pure function over entries, those before them and a few facts.

However the entries are cut into batches, the same alerts come of them (tested).
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.alerts.hours import Hours
from portal.alerts.networks import Networks
from portal.alerts.rules import OF_PEOPLE, About, Kind, Rule, Who
from portal.audit.actions import SEVERITIES
from portal.audit.actor import ActorKind
from portal.audit.entries import Entry
from portal.audit.severity import Severity

MOST_KEPT = 100  # of an alert's entries
NEW_BROWSER = "is_new_browser"  # what an entry of a sign-in tells

People = Mapping[UUID, datetime]  # and since when


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules have to know that no entry tells."""

    hours: Hours = field(default_factory=Hours)
    networks: Networks | None = None
    held: People = field(default_factory=dict)
    deactivated: People = field(default_factory=dict)
    powerful_roles: frozenset[str] = frozenset()
    powerful_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry by which a rule is met, about whom or what, with those before that belong to it."""

    entry: Entry
    subject: str
    count: int
    entries: Sequence[Entry]


def judge(
    rule: Rule, before: Sequence[Entry], entries: Sequence[Entry], facts: Facts
) -> Iterator[Hit]:
    """Where `entries` meet a rule, in their order, after those `before` them.

    A rule that needs the operator's list meets nothing where there is none.
    """
    if rule.needs_networks and facts.networks is None:
        return
    ledger = _Ledger(rule, facts)
    for entry in before:
        ledger.take(entry)
    for entry in entries:
        hit = ledger.take(entry)
        if hit is not None:
            yield hit


def matches(rule: Rule, entry: Entry, facts: Facts) -> bool:
    """Whether a rule is about an entry at all."""
    if rule.actions and entry.action not in rule.actions:
        return False
    if rule.severity:
        weighs = SEVERITIES.get(entry.action, Severity.INFORMATIONAL)
        if weighs not in Severity(rule.severity).and_above():
            return False
    if rule.outcome and entry.outcome != rule.outcome:
        return False
    if rule.target and not _is_within(entry.target, rule.target):
        return False
    return _is_by(rule.who, entry, facts) and (not rule.gives_power or _gives_power(entry, facts))


def subject_of(rule: Rule, entry: Entry) -> str | None:
    """About whom or what an alert is; None where the entry doesn't say."""
    if rule.kind in OF_PEOPLE or rule.about == About.PERSON:
        is_person = entry.actor_kind == ActorKind.USER and entry.actor_id
        return f"user:{entry.actor_id}" if is_person else None
    if rule.about == About.ADDRESS:
        return entry.address
    return entry.target if rule.about == About.TARGET else ""


class _Ledger:
    """What a rule has seen so far of each subject."""

    def __init__(self, rule: Rule, facts: Facts) -> None:
        self._rule, self._facts = rule, facts
        self._seen: dict[str, list[Entry]] = defaultdict(list)  # by time
        self._newest: dict[tuple[str, str], datetime] = {}  # by subject and what it was

    def take(self, entry: Entry) -> Hit | None:
        """Take in the next entry; the hit, if it is one."""
        if not matches(self._rule, entry, self._facts):
            return None
        subject = subject_of(self._rule, entry)
        return None if subject is None else _JUDGES[self._rule.kind](self, entry, subject)

    def match(self, entry: Entry, subject: str) -> Hit | None:
        return Hit(entry, subject, 1, [entry])

    def off_hours(self, entry: Entry, subject: str) -> Hit | None:
        return None if self._facts.hours.has(entry.at) else Hit(entry, subject, 1, [entry])

    def count(self, entry: Entry, subject: str) -> Hit | None:
        seen = self._seen[subject]
        insort(seen, entry, key=_time_of)
        first = bisect_right(seen, entry.at - self._rule.window, key=_time_of)
        count = len(seen) - first
        if count < self._rule.threshold:
            return None
        return Hit(entry, subject, count, seen[first:][-MOST_KEPT:])

    def new_address(self, entry: Entry, subject: str) -> Hit | None:
        return self._new(entry, subject, entry.address)

    def new_network(self, entry: Entry, subject: str) -> Hit | None:
        return self._new(entry, subject, self._place_of(entry))

    def new_browser(self, entry: Entry, subject: str) -> Hit | None:
        """Whoever records a sign-in knows the person's browsers: entries tell no more of them."""
        is_new = entry.detail.get(NEW_BROWSER) is True
        return Hit(entry, subject, 1, [entry]) if is_new else None

    def new_action(self, entry: Entry, subject: str) -> Hit | None:
        return self._new(entry, subject, entry.action)

    def two_places(self, entry: Entry, subject: str) -> Hit | None:
        place, seen = self._place_of(entry), self._seen[subject]
        if place is None:
            return None
        since = entry.at - self._rule.window
        elsewhere = [e for e in seen if e.at > since and self._place_of(e) != place]
        insort(seen, entry, key=_time_of)
        if not elsewhere:
            return None
        return Hit(entry, subject, 2, [elsewhere[-1], entry])

    def _new(self, entry: Entry, subject: str, what: str | None) -> Hit | None:
        """Of whom nothing was seen for so long, everything is new, and nothing worth an alert."""
        if what is None:
            return None
        is_known, is_old = (self._saw(entry, (subject, name)) for name in ("", what))
        return Hit(entry, subject, 1, [entry]) if is_known and not is_old else None

    def _saw(self, entry: Entry, key: tuple[str, str]) -> bool:
        """Whether it was seen within the window before; by now it is."""
        last = self._newest.get(key)
        self._newest[key] = max(entry.at, last or entry.at)
        return last is not None and last > entry.at - self._rule.window

    def _place_of(self, entry: Entry) -> str | None:
        networks = self._facts.networks
        return networks.label_of(entry.address) if networks and entry.address else None


_JUDGES: Mapping[Kind, Callable[[_Ledger, Entry, str], Hit | None]] = {
    Kind.MATCH: _Ledger.match,
    Kind.COUNT: _Ledger.count,
    Kind.NEW_ADDRESS: _Ledger.new_address,
    Kind.NEW_BROWSER: _Ledger.new_browser,
    Kind.NEW_NETWORK: _Ledger.new_network,
    Kind.NEW_ACTION: _Ledger.new_action,
    Kind.OFF_HOURS: _Ledger.off_hours,
    Kind.TWO_PLACES: _Ledger.two_places,
}


def _time_of(entry: Entry) -> datetime:
    return entry.at


def _is_within(target: str, wanted: str) -> bool:
    return target == wanted or target.startswith(f"{wanted}:")


def _is_by(who: Who, entry: Entry, facts: Facts) -> bool:
    if who == Who.ANYBODY:
        return True
    if who == Who.OPERATOR:
        return entry.actor_kind == ActorKind.OPERATOR
    if entry.actor_kind != ActorKind.USER or entry.actor_id is None:
        return False
    since = (facts.held if who == Who.HELD else facts.deactivated).get(entry.actor_id)
    return since is not None and entry.at > since


def _gives_power(entry: Entry, facts: Facts) -> bool:
    kind, _, name = entry.target.partition(":")
    role = name if kind == "role" else entry.detail.get("role")
    return role in facts.powerful_roles or (kind == "group" and name in facts.powerful_groups)
