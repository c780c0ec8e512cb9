"""The log as it grows: begun once, which is recorded, then looked at again for a while."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from portal.access.audit_log import Choices, names_around, record_reading, with_people
from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import Filters, get_entry, read_filters
from portal.audit.searching import list_newest
from portal.core import clock
from portal.core.errors import NotFound, PortalError
from portal.core.ids import made_at

FORM = "live"
LASTS = timedelta(minutes=30)
SHOWN_BEFORE = timedelta(hours=1)
# Entries become visible when their transaction ends, not in the order of their ids: who looks again
# is told once more of what is as young as this, and knows by the ids what is new.
UNSETTLED = timedelta(seconds=10)


class Ended(PortalError):
    """It has gone on for long enough to be begun, and recorded, anew."""

    status = 410
    message = "This live view has ended. Begin another one."


@dataclass(frozen=True, slots=True)
class Look(Choices):
    """What there is to see now, newest first, until when there will be more, and of what."""

    entries: Sequence[AuditEntry]
    ends_at: datetime
    filters: Filters


def begin(actor: Actor, filters: Filters) -> UUID:
    """Record that the log is going to be read as it grows; gives the id of that entry, under which
    it may be looked at. A live view has a time of its own. Raises `Forbidden`.
    """
    require(actor, Permission.AUDIT_READ)
    return record_reading(actor, replace(filters, since=None, until=None), form=FORM)


def look(actor: Actor, reading_id: UUID, *, after: UUID | None = None) -> Look:
    """What has come after an entry, or since an hour before it was begun.

    Raises `Forbidden`, `Ended`, or `NotFound` for what was not begun by the actor.
    """
    require(actor, Permission.AUDIT_READ)
    reading = _get_reading(actor, reading_id)
    if reading.at + LASTS <= clock.now():
        raise Ended
    since = made_at(after) - UNSETTLED if after else reading.at - SHOWN_BEFORE
    filters = read_filters(reading.detail["filters"])
    recent = replace(filters, since=max(since, reading.at - SHOWN_BEFORE))
    entries = list_newest(with_people(recent))
    chosen = f"user:{filters.actor_id}", f"group:{filters.group_id}"
    people, groups = names_around(entries, *chosen)
    return Look(people, groups, entries, reading.at + LASTS, filters)


def _get_reading(actor: Actor, reading_id: UUID) -> AuditEntry:
    reading = get_entry(reading_id)
    is_own = actor.user_id is not None and reading.actor_id == actor.user_id
    is_live = reading.action == Action.AUDIT_READ and reading.detail.get("form") == FORM
    if not (is_own and is_live and "filters" in reading.detail):  # which can be erased
        raise NotFound
    return reading
