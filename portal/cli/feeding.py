"""Sending the tenants' logs where they are to go: checkpoints, alerts, and the streams of entries.

In threads of the worker beside its rounds, a tenant in one of them at a time: where the
destinations of some answer slowly or not at all, those of the others get theirs all the same.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from uuid import UUID

import structlog

from portal.core.settings import active
from portal.destinations import deliveries, stream
from portal.destinations.queries import is_any_started
from portal.destinations.sending import send
from portal.destinations.taking import NotTaken
from portal.outbox.models import Job
from portal.outbox.service import run_due
from portal.tenancy.asking import tenants_with
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db

ROUND_SECONDS = 1.0
STREAM_SECONDS = 2.0  # of one destination in a visit
HANDLERS = {
    deliveries.CHECKPOINT_KIND: deliveries.deliver,
    deliveries.ALERT_KIND: deliveries.deliver,
}

log = structlog.get_logger()


def feed_all(stop: threading.Event) -> None:
    """Visit every tenant again and again, until told to stop.

    There are as many threads as there are slots to wait for other systems in.
    """
    visits: dict[UUID, Future[None]] = {}
    with ThreadPoolExecutor(max(1, active().threads // 2), "feeding") as pool:
        while not stop.is_set():
            try:
                _begin_visits(pool, visits)
            except Exception as error:  # noqa: BLE001  # logged; the next round tries again
                log.warning("logs not sent", error=type(error).__name__)
            stop.wait(ROUND_SECONDS)
        pool.shutdown(cancel_futures=True)


def _begin_visits(pool: ThreadPoolExecutor, visits: dict[UUID, Future[None]]) -> None:
    """Visit every tenant that sends its log anywhere and that nobody is at."""
    for tenant in tenants_with("logs_sent", list_living_tenants()):
        if tenant.id not in visits or visits[tenant.id].done():
            visits[tenant.id] = pool.submit(copy_context().run, feed, tenant)


def feed(tenant: TenantRecord) -> None:
    """Send what waits of one tenant's log."""
    try:
        with acting_for(tenant):
            if not is_any_started():
                return
        with acting_for(tenant, writes=True):
            run_due(HANDLERS, _job_failed)
            for destination_id in stream.list_behind():
                _send_entries(destination_id)
    except Exception as error:  # noqa: BLE001  # logged; the next visit tries again
        log.warning("log not sent", tenant=tenant.slug, error=type(error).__name__)


def _send_entries(destination_id: UUID) -> None:
    """Batch by batch, until there are no more, one is not taken, or it is time to look whether an
    alert waits.
    """
    ends_at = time.monotonic() + STREAM_SECONDS
    while time.monotonic() < ends_at:
        batch = stream.take_batch(destination_id)
        db.session.commit()
        if batch is None:
            return
        try:
            send(batch.receiver, batch.message)
        except Exception as error:  # noqa: BLE001  # whatever it was, it was not taken
            db.session.rollback()
            why = str(error) if isinstance(error, NotTaken) else type(error).__name__
            log.warning("entries not taken", destination=str(destination_id), error=why)
            stream.put_off(batch, error)
            db.session.commit()
            return
        stream.acknowledge(batch)
        db.session.commit()


def _job_failed(job: Job, error: Exception) -> None:
    log.warning("job failed", job=str(job.id), kind=job.kind, error=type(error).__name__)
    deliveries.note_job_failed(job, error)
