"""Checkpoints and alerts on their way to destinations, by the outbox."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import or_, select

from portal.audit.severity import Severity
from portal.audit.tlog.notes import Checkpoint
from portal.core import clock
from portal.destinations.kinds import INTERVALS, Rhythm
from portal.destinations.messages import Event, Message, of_alert, of_checkpoint
from portal.destinations.models import LogDestination
from portal.destinations.sending import receiver_of, send
from portal.destinations.state import note, note_anchored, note_failure
from portal.evidence.signed import find_newest_signed
from portal.keys.columns import open_sealed, seal
from portal.keys.models import JOB_PAYLOAD
from portal.outbox.models import Job
from portal.outbox.service import MAX_ATTEMPTS, enqueue
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

CHECKPOINT_KIND, ALERT_KIND = "log-checkpoint", "log-alert"


def send_alert(title: str, values: Mapping[str, Any], severity: Severity) -> int:
    """Put an alert into the outbox, in the present transaction, for every destination that takes
    alerts; gives their number.

    `title` is a line for people. `values` are plain JSON, told to people by their names and to
    programs as they are; like an entry they hold no secret and no name of a document.
    """
    wanting = select(LogDestination.id).where(
        LogDestination.is_started, LogDestination.wants_alerts
    )
    ids = db.session.scalars(wanting.order_by(LogDestination.id)).all()
    for id_ in ids:
        _enqueue(ALERT_KIND, id_, title=title, values=dict(values), severity=severity)
    return len(ids)


def offer_checkpoint() -> None:
    """Put the newest checkpoint into the outbox for every destination whose turn it is.

    One is on its way to a destination at a time: what it gets is the newest by then, so a
    destination that was away for long is not sent all that it missed, which the newest covers.
    """
    wanting = (
        select(LogDestination)
        .outerjoin(Job, Job.id == LogDestination.anchor_job_id)
        .where(
            LogDestination.is_started,
            LogDestination.rhythm != Rhythm.NEVER,
            or_(Job.id.is_(None), Job.done_at.is_not(None), Job.attempts >= MAX_ATTEMPTS),
        )
    )
    found = db.session.scalars(wanting).all()
    newest = find_newest_signed() if found else None
    for destination in found:
        last = destination.anchored_origin, destination.anchored_size
        if newest and last != (newest.origin, newest.size) and _is_turn_of(destination):
            destination.anchor_job_id = _enqueue(CHECKPOINT_KIND, destination.id).id


def deliver(job: Job) -> None:
    """Send what a job is about. Raises as `sending.send`."""
    payload = _payload(job)
    key = bound_tenant_id(), UUID(payload["destination"])
    destination = db.session.get(LogDestination, key, populate_existing=True)
    if destination is None or not destination.is_started:
        return
    if job.kind == ALERT_KIND:
        alert = of_alert(job.id, payload["title"], payload["values"], Severity(payload["severity"]))
        send(receiver_of(destination), alert)
        note(destination.id, alerted_at=clock.now())
        return
    message = _newest_checkpoint(destination.id)
    if message and message.checkpoint:
        send(receiver_of(destination), message)
        note_anchored(destination.id, message.checkpoint)


def note_job_failed(job: Job, error: Exception) -> None:
    """Note on the destination that it did not take what a job is about."""
    what = Event.ALERT if job.kind == ALERT_KIND else Event.CHECKPOINT
    destination_id = UUID(_payload(job)["destination"])
    note_failure(destination_id, what, error, is_news=job.attempts == 1)


def _newest_checkpoint(destination_id: UUID) -> Message | None:
    newest = find_newest_signed()
    if newest is None:
        return None
    checkpoint = Checkpoint(newest.origin, newest.size, newest.root)
    id_ = uuid5(destination_id, f"{newest.origin} {newest.size}")
    return of_checkpoint(id_, checkpoint, newest.note)


def _is_turn_of(destination: LogDestination) -> bool:
    last = destination.anchored_at
    return last is None or last + INTERVALS[destination.rhythm] <= clock.now()


def _payload(job: Job) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(open_sealed(*JOB_PAYLOAD, job.id, job.payload))
    return payload


def _enqueue(kind: str, destination_id: UUID, **more: Any) -> Job:
    content = json.dumps({"destination": str(destination_id), **more})
    return enqueue(kind, lambda job: seal(*JOB_PAYLOAD, job.id, content))
