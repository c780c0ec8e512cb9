"""Every entry of the bound tenant's log judged once, soon after it came.

By their numbers, so that none is left out: entries are numbered in the order in which they are
committed. What was raised and how far the log was judged are committed together, so that whoever
dies in between has done neither, and nothing is judged twice.
"""

from collections import deque
from collections.abc import Sequence
from time import monotonic
from uuid import UUID

from sqlalchemy import update

from portal.alerts.delivering import deliver
from portal.alerts.facts import FindHeld, read_facts
from portal.alerts.judging import Facts, judge, matches
from portal.alerts.known_rules import all_rules
from portal.alerts.models import Alert, AlertProgress
from portal.alerts.raising import raise_alerts
from portal.alerts.reading import read_before, read_numbered
from portal.alerts.rules import Rule
from portal.audit.entries import Entry
from portal.audit.tlog.tiles import count_leaves
from portal.core.errors import Conflict
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db
from portal.tenancy.turns import try_turn

BATCH_SIZE = 200
TURN_SECONDS = 0.5  # then the rules that are left wait, and other organisations have their turn


def has_unjudged() -> bool:
    """Whether there is something to do for `judge_next`."""
    at = _find_progress()
    return at is None or at.next_number < count_leaves()


def judge_next(find_held: FindHeld) -> bool:
    """Judge the next entries, and raise what there is to raise; whether there are more to judge.

    Where nothing was judged yet it begins with what comes from now on. One process is at it. Rules
    that look far back take long: of many of them, some judge the same entries in a later turn.
    """
    if not try_turn("alerts"):
        return False
    at = _find_progress()
    if at is None:
        db.session.add(AlertProgress(id=bound_tenant_id(), next_number=count_leaves()))
        return False
    limit = at.until_number - at.next_number if at.until_number else BATCH_SIZE
    entries, following = read_numbered(at.next_number, limit)
    if following == at.next_number:
        return False
    has_more = bool(at.until_number) or following - at.next_number == BATCH_SIZE
    raised, last = _judge(entries, at, find_held) if entries else ([], None)
    deliver(raised)
    _go_on(at, following, last)
    return has_more or last is not None


def _judge(
    entries: Sequence[Entry], at: AlertProgress, find_held: FindHeld
) -> tuple[list[tuple[Rule, Alert]], UUID | None]:
    """What the rules raise whose turn it is, and the last of these, if some are left."""
    rules = sorted((rule for rule in all_rules() if rule.is_on), key=lambda rule: rule.id)
    left = deque(r for r in rules if at.judged_rule_id is None or r.id > at.judged_rule_id)
    facts, ends_at = read_facts(left, entries, find_held), monotonic() + TURN_SECONDS
    raised = []
    while left:
        rule = left.popleft()
        before = _read_back(rule, entries, at.next_number, facts)
        hits = list(judge(rule, before, entries, facts))
        if hits:
            raised += [(rule, alert) for alert in raise_alerts(rule, hits)]
        if left and monotonic() > ends_at:
            return raised, rule.id
    return raised, None


def _read_back(rule: Rule, entries: Sequence[Entry], first: int, facts: Facts) -> Sequence[Entry]:
    """What came before, as far as the rule looks back from those entries that it is about."""
    about = [entry for entry in entries if matches(rule, entry, facts)]
    if not about or not rule.window:
        return []
    since = min(entry.at for entry in about) - rule.window
    return read_before(rule, first, since, about)


def _find_progress() -> AlertProgress | None:
    identity = (bound_tenant_id(), bound_tenant_id())
    return db.session.get(AlertProgress, identity, populate_existing=True)


def _go_on(at: AlertProgress, following: int, last: UUID | None) -> None:
    """Note what is judged: these entries, or those rules about them up to the `last`.

    Raises `Conflict` where somebody else has judged the same meanwhile.
    """
    own = update(AlertProgress).where(
        AlertProgress.id == bound_tenant_id(),
        AlertProgress.next_number == at.next_number,
        AlertProgress.judged_rule_id.is_not_distinct_from(at.judged_rule_id),
    )
    is_done = last is None
    values = {
        "next_number": following if is_done else at.next_number,
        "until_number": None if is_done else following,
    }
    if not change(own.values(**values, judged_rule_id=last)):
        raise Conflict
