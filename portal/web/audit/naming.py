"""What pages of the log call the things in it, and the values that were changed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import g

from portal.access.roles import list_roles
from portal.alerts.queries import names_of_alerts
from portal.documents.naming import names_of_targets

THINGS = {"folder": "folder", "came_from": "folder", "rule": "alert-rule"}


def names_in_log(
    targets: Sequence[str], people: Mapping[UUID, str], groups: Mapping[UUID, str]
) -> Mapping[str, str]:
    """What to call people, groups, roles, documents, folders, alerts and their rules, by target."""
    named = {f"user:{i}": name for i, name in people.items()}
    named |= {f"group:{i}": name for i, name in groups.items()}
    for key, role in list_roles().items():
        named[f"role:{key}"] = f"{role.name} (retired)" if role.is_retired else role.name
    return named | names_of_targets(g.actor, targets) | names_of_alerts(g.actor, targets)


def things_in(detail: Mapping[str, Any]) -> Sequence[str]:
    """What details of an entry name by its id alone, as targets."""
    return [f"{kind}:{detail[key]}" for key, kind in THINGS.items() if detail.get(key)]


def changes_in(detail: Mapping[str, Any]) -> Mapping[str, tuple[Any, Any]]:
    """What a change made of what, by name; nothing where an entry tells of none.

    What came after stands beside `before`, under `after` or under the same names.
    """
    if "before" not in detail:
        return {}
    before, after = detail["before"], detail.get("after")
    if not isinstance(before, Mapping):
        return {"value": (before, after if "after" in detail else detail.get("expires_at"))}
    now = after if isinstance(after, Mapping) else detail
    return {name: (value, now.get(name)) for name, value in before.items()}
