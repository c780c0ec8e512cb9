"""What a rule would have found lately, without it: nothing is raised, and nobody is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.alerts.facts import FindHeld, find_networks, read_facts
from portal.alerts.folding import Folded, fold
from portal.alerts.judging import judge
from portal.alerts.reading import MOST_READ, read_since
from portal.alerts.rules import About, Rule
from portal.alerts.sentences import say
from portal.alerts.service import checked
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.users.queries import list_names

TRIED_ON = timedelta(days=30)
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Trial:
    """The alerts that there would have been, the latest first; of many, some.

    `is_cut`: there was more than is read, so that the older part of the time is left out.
    """

    says: str
    count: int
    alerts: Sequence[Folded]
    is_of_address: bool
    people: Mapping[UUID, str]
    is_cut: bool
    why_not: str


def try_rule(actor: Actor, wanted: Rule, find_held: FindHeld) -> Trial:
    """Judge the last 30 days by a rule. Raises `Forbidden` or `Invalid`.

    Recorded as a reading of the log. Who is deactivated, under a hold or powerful is taken as it
    is now.
    """
    require(actor, Permission.AUDIT_EXPORT)
    require(actor, Permission.AUDIT_READ)  # it tells of what is in the log
    rule = checked(wanted)
    since = clock.now() - TRIED_ON
    read = read_since(rule, since - rule.window)
    before = [entry for entry in read if entry.at < since]
    entries = [entry for entry in read if entry.at >= since]
    facts = read_facts([rule], entries, find_held)
    alerts = fold(judge(rule, before, entries, facts), [], rule.quiet)
    record(actor, Action.AUDIT_READ, "alerts", tried=say(rule))
    _, missing = find_networks()
    return Trial(
        say(rule),
        len(alerts),
        alerts[::-1][:MOST_SHOWN],
        rule.about == About.ADDRESS,
        list_names(),
        len(read) == MOST_READ,
        missing if rule.needs_networks else "",
    )
