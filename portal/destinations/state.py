"""Noting how sending to a destination went: by UPDATEs, as an officer may be changing its row."""

from typing import Any
from uuid import UUID

from sqlalchemy import update

from portal.audit.actions import Action, Outcome
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.audit.tlog.notes import Checkpoint
from portal.core import clock
from portal.destinations.models import LogDestination
from portal.destinations.taking import NotTaken
from portal.tenancy.session import change

LONGEST_FAILURE = 300


def target_of(destination_id: UUID) -> str:
    """What the log calls a destination."""
    return f"destination:{destination_id}"


def note_anchored(destination_id: UUID, checkpoint: Checkpoint) -> None:
    """It has this checkpoint."""
    values = {"anchored_origin": checkpoint.origin, "anchored_size": checkpoint.size}
    note(destination_id, anchored_at=clock.now(), **values)


def note_failure(destination_id: UUID, what: str, error: Exception, *, is_news: bool) -> None:
    """It did not take something. Only the first time in a row is recorded: an entry for each try
    would make the log grow by what is to be sent of it.
    """
    why = str(error) if isinstance(error, NotTaken) else type(error).__name__
    note(destination_id, failure=why[:LONGEST_FAILURE], failed_at=clock.now())
    if is_news:
        target = target_of(destination_id)
        record(SYSTEM, Action.DESTINATION_FAILED, target, Outcome.FAILURE, what=what, why=why)


def note(destination_id: UUID, *where: Any, **values: Any) -> bool:
    """Change a destination that is as it is expected to be; whether it was."""
    statement = update(LogDestination).where(LogDestination.id == destination_id, *where)
    return bool(change(statement.values(**values).execution_options(synchronize_session=False)))
