"""Every entry of the bound tenant's log judged once, soon after it came.

By their numbers, so that none is left out: entries are numbered in the order in which they are
committed. What was raised and how far the log was judged are committed together, so that whoever
dies in between has done neither, and nothing is judged twice.
"""

from collections.abc import Sequence

from sqlalchemy import select, update

from portal.audit.tlog.tiles import count_leaves
from portal.auth.alerts.delivering import deliver
from portal.auth.alerts.facts import FindHeld, read_facts
from portal.auth.alerts.judging import Facts, Seen, judge, matches
from portal.auth.alerts.known_rules import all_rules
from portal.auth.alerts.models import Alert, AlertProgress
from portal.auth.alerts.raising import raise_alerts
from portal.auth.alerts.reading import read_before, read_numbered
from portal.auth.alerts.rules import Rule
from portal.core.errors import Conflict
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db
from portal.tenancy.turns import try_turn

BATCH_SIZE = 200


def has_unjudged() -> bool:
    """Whether there is something to do for `judge_next`."""
    first = _find_next()
    return first is None or first < count_leaves()


def judge_next(find_held: FindHeld) -> bool:
    """Judge the next entries, and raise what there is to raise; whether there are more to judge.

    Where nothing was judged yet it begins with what comes from now on. One process is at it.
    """
    if not try_turn("alerts"):
        return False
    first = _find_next()
    if first is None:
        db.session.add(AlertProgress(id=bound_tenant_id(), next_number=count_leaves()))
        return False
    entries, following = read_numbered(first, BATCH_SIZE)
    if entries:
        deliver(_judge(entries, first, find_held))
    if following > first:
        _go_on(first, following)
    return following - first == BATCH_SIZE


def _judge(entries: Sequence[Seen], first: int, find_held: FindHeld) -> list[tuple[Rule, Alert]]:
    rules = [rule for rule in all_rules() if rule.is_on]
    facts = read_facts(rules, entries, find_held)
    raised = []
    for rule in rules:
        hits = list(judge(rule, _read_back(rule, entries, first, facts), entries, facts))
        if hits:
            raised += [(rule, alert) for alert in raise_alerts(rule, hits)]
    return raised


def _read_back(rule: Rule, entries: Sequence[Seen], first: int, facts: Facts) -> Sequence[Seen]:
    """What came before, as far as the rule looks back from those entries that it is about."""
    about = [entry for entry in entries if matches(rule, entry, facts)]
    if not about or not rule.window:
        return []
    since = min(entry.at for entry in about) - rule.window
    people = {entry.actor_id for entry in about if entry.actor_id}
    return read_before(rule, first, since, people)


def _find_next() -> int | None:
    statement = select(AlertProgress.next_number).where(AlertProgress.id == bound_tenant_id())
    return db.session.scalars(statement).one_or_none()


def _go_on(first: int, following: int) -> None:
    """Raises `Conflict` where somebody else has judged the same meanwhile."""
    own = update(AlertProgress).where(
        AlertProgress.id == bound_tenant_id(), AlertProgress.next_number == first
    )
    if not change(own.values(next_number=following)):
        raise Conflict
