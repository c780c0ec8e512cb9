"""The entries of the log, one batch after the other, to each destination that gets them.

At least once, in the order of their numbers: the cursor moves when a destination has taken a batch,
and not before, so what breaks off in between is sent again. A batch is taken by moving the time
when the destination is due into the future, so that of two workers one sends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, select

from portal.audit.export import MEDIA_TYPES, Form
from portal.audit.numbered import Numbered, read_numbered
from portal.audit.tlog.models import AuditLeaf
from portal.core import clock
from portal.destinations.messages import Event, Message, Record
from portal.destinations.models import LogDestination
from portal.destinations.sending import Receiver, receiver_of
from portal.destinations.state import note, note_failure
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

BATCH_ENTRIES, BATCH_BYTES = 200, 1024 * 1024
LEASE = timedelta(minutes=1)  # longer than any one try
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries on their way, from the number `first` up to the one before `end`."""

    destination_id: UUID
    first: int
    end: int
    receiver: Receiver
    message: Message


def list_behind() -> Sequence[UUID]:
    """The destinations that are to get entries now."""
    newest = select(func.max(AuditLeaf.number)).scalar_subquery()
    behind = select(LogDestination.id).where(
        LogDestination.is_started,
        LogDestination.entry_form.is_not(None),
        LogDestination.due_at <= clock.now(),
        LogDestination.next_number <= newest,
    )
    return db.session.scalars(behind.order_by(LogDestination.due_at)).all()


def take_batch(destination_id: UUID) -> Batch | None:
    """The next entries for a destination, unless somebody else is at it, or there are none.

    Once this is committed nobody else sends them for a while.
    """
    now = clock.now()
    is_ours = note(
        destination_id,
        LogDestination.is_started,
        LogDestination.due_at <= now,
        due_at=now + LEASE,
    )
    key = bound_tenant_id(), destination_id
    found = db.session.get(LogDestination, key, populate_existing=True) if is_ours else None
    if found is None or found.entry_form is None:
        return None
    form = Form(found.entry_form)
    entries = _fitting(read_numbered(found.next_number, BATCH_ENTRIES, form))
    if not entries:
        return None
    end = entries[-1].number + 1
    note(destination_id, sent_number=max(found.sent_number, end))
    message = _message(destination_id, entries, form)
    return Batch(destination_id, found.next_number, end, receiver_of(found), message)


def acknowledge(batch: Batch) -> bool:
    """The destination has taken it: whether the next can go on from there, and nobody has set the
    stream to begin elsewhere meanwhile.
    """
    now = clock.now()
    has_moved = note(
        batch.destination_id,
        LogDestination.next_number == batch.first,
        next_number=batch.end,
        streamed_at=now,
    )
    return note(batch.destination_id, due_at=now, failures=0) and has_moved


def put_off(batch: Batch, error: Exception) -> None:
    """The destination did not take it: try again later, and later each time."""
    key = bound_tenant_id(), batch.destination_id
    found = db.session.get(LogDestination, key, populate_existing=True)
    if found is None:
        return
    wait = min(FIRST_WAIT * 2 ** min(found.failures, 10), LONGEST_WAIT)
    note_failure(found.id, Event.ENTRIES, error, is_news=found.failures == 0)
    note(found.id, failures=found.failures + 1, due_at=clock.now() + wait)


def _fitting(entries: Sequence[Numbered]) -> Sequence[Numbered]:
    """As many as go in one batch; one in any case."""
    size = 0
    for count, entry in enumerate(entries):
        size += len(entry.line.encode())
        if size > BATCH_BYTES:
            return entries[: max(1, count)]
    return entries


def _message(destination_id: UUID, entries: Sequence[Numbered], form: Form) -> Message:
    return Message(
        event=Event.ENTRIES,
        id=uuid5(destination_id, f"{entries[0].number}-{entries[-1].number}"),
        records=[Record(entry.line, entry.at, entry.severity) for entry in entries],
        media_type=MEDIA_TYPES[form],
    )
