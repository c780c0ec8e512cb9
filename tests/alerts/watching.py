"""What the worker does about alerts, and what comes of it."""

from typing import Any

from portal.alerts.built_in import BUILT_IN
from portal.alerts.rules import Rule
from portal.cli.keeping_log import number_logs
from portal.cli.watching_log import watch_logs
from tests.installation import Installation, Organisation


def watch(portal: Installation) -> None:
    """Have all that is in the logs numbered and judged."""
    with portal.app.app_context():
        while number_logs():
            pass
        while watch_logs():
            pass


def alerts_of(organisation: Organisation) -> list[dict[str, Any]]:
    """The alerts since the test began, oldest first."""
    rows = [row for row in organisation.portal.rows("alert") if row["rule_name"] != "Moves"]
    return sorted(
        (row for row in rows if row["tenant_id"] == organisation.id), key=lambda row: row["id"]
    )


def raised(organisation: Organisation) -> list[tuple[str, int]]:
    """Of those, the rules, and how many entries each is of."""
    return [(row["rule_name"], row["entry_count"]) for row in alerts_of(organisation)]


def built_in(name: str) -> Rule:
    return next(rule for rule in BUILT_IN.values() if rule.name == name)
