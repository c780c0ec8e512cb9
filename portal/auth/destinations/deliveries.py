"""Checkpoints and alerts on their way to destinations, by the outbox."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from portal.access.evidence.signed import find_newest_signed
from portal.audit.severity import Severity
from portal.auth.destinations.kinds import INTERVALS, Rhythm
from portal.auth.destinations.models import LogDestination
from portal.core import clock
from portal.keys.cells import sealed_cell
from portal.keys.columns import seal
from portal.outbox.models import Job
from portal.outbox.service import MAX_ATTEMPTS, enqueue
from portal.tenancy.session import db

CHECKPOINT_KIND, ALERT_KIND = "log-checkpoint", "log-alert"
PAYLOAD = sealed_cell("job", "payload")


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


def _is_turn_of(destination: LogDestination) -> bool:
    last = destination.anchored_at
    return last is None or last + INTERVALS[destination.rhythm] <= clock.now()


def _enqueue(kind: str, destination_id: UUID, **told: Any) -> Job:
    content = json.dumps({"destination": str(destination_id), **told})
    return enqueue(kind, lambda job: seal(*PAYLOAD, job.id, content))
