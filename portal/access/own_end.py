"""Nobody gives anything for longer than they hold it themselves.

Else an end would be none for two people who prolong each other, or for one who gives a second
account what they will have lost.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from portal.access.decision import ORGANISATION, Member, Target
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import Invalid

FOR_GOOD = datetime.max.replace(tzinfo=UTC)


class BeyondOwnEnd(Invalid):
    """An end that is later than that of what the actor holds."""

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"You hold this yourself until {until:%Y-%m-%d %H:%M} UTC, and give it for no longer."
        )


def require_to_hold_until(
    actor: Actor,
    permissions: Collection[Permission],
    expires_at: datetime | None,
    target: Target = ORGANISATION,
) -> None:
    """Raises `BeyondOwnEnd` unless `actor` holds these permissions as long as they would be given.

    None is for good. That they are held at all is the caller's to decide.
    """
    until = held_until(actor, permissions, target)
    if (expires_at or FOR_GOOD) > until:
        raise BeyondOwnEnd(until)


def held_until(
    actor: Actor, permissions: Collection[Permission], target: Target = ORGANISATION
) -> datetime:
    """Until when `actor` holds all of these permissions on `target`, of those that they hold."""
    if not isinstance(actor, Member):
        return FOR_GOOD
    ends: dict[Permission, datetime] = {}
    for grant in actor.grants:
        if grant.folder_id is None or grant.folder_id in target.folders:
            for permission in grant.permissions.intersection(permissions):
                end = grant.expires_at or FOR_GOOD
                ends[permission] = max(end, ends.get(permission, end))
    return min(ends.values(), default=FOR_GOOD)
