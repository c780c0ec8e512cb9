"""Handing work in, and doing it: at least once, each piece claimed before it is tried."""

import sys
from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import delete, select, update

from portal.core import clock
from portal.core.ids import new_id
from portal.outbox.models import Job
from portal.tenancy.session import change, db

MAX_ATTEMPTS = 8
STALE = "Stale"  # what is noted of a job that nobody wants done so late
DONE_KEPT_FOR = timedelta(days=7)
FIRST_WAIT = timedelta(minutes=3)  # longer than any one try, so that two workers never meet

Handler = Callable[[Job], None]


def enqueue(kind: str, seal: Callable[[Job], bytes]) -> Job:
    """Add a job in the transaction of the change that wants it.

    `seal` makes the payload of the job, whose id is known by then.
    """
    job = Job(id=new_id(), kind=kind)
    job.payload = seal(job)
    db.session.add(job)
    return job


def run_due(
    handlers: Mapping[str, Handler],
    on_failure: Callable[[Job, Exception], None],
    at_most: int = sys.maxsize,
) -> int:
    """Do the bound tenant's due jobs of the kinds in `handlers`; gives how many were done.

    A job is claimed by moving it into the future and committing, so a worker that dies in the
    middle leaves it to be tried again, and two workers don't take the same one. Handlers must
    bear being called twice for one job.
    """
    done = 0
    for _ in range(at_most):
        job = _claim(handlers)
        if job is None:
            break
        # A handler that ends its transaction before it waits for others must not begin a new one
        # by looking at the job.
        db.session.expunge(job)
        try:
            handlers[job.kind](job)
        except Exception as error:  # noqa: BLE001  # whatever a handler raises, the job failed
            db.session.rollback()
            job.failure = type(error).__name__
            on_failure(job, error)
        else:
            job.done_at = clock.now()
            job.payload = b""  # what is delivered need not be kept
            job.failure = None
            done += 1
        db.session.add(job)
        db.session.commit()
    return done


def drop_stale(kind: str, kept_for: timedelta) -> int:
    """Give up the bound tenant's jobs of a kind that have waited too long; gives their number.

    They stay as done, marked as stale, until they are swept. One that is being tried is let be.
    """
    now = clock.now()
    return change(
        update(Job)
        .where(
            Job.kind == kind,
            Job.done_at.is_(None),
            Job.due_at <= now,
            Job.created_at < now - kept_for,
        )
        .values(done_at=now, payload=b"", failure=STALE)
    )


def sweep_done() -> None:
    """Delete the bound tenant's jobs that were done or given up some while ago."""
    db.session.execute(delete(Job).where(Job.done_at < clock.now() - DONE_KEPT_FOR))


def _claim(handlers: Mapping[str, Handler]) -> Job | None:
    now = clock.now()
    job = db.session.scalars(
        select(Job)
        .where(
            Job.done_at.is_(None),
            Job.due_at <= now,
            Job.attempts < MAX_ATTEMPTS,
            Job.kind.in_(list(handlers)),
        )
        .order_by(Job.due_at, Job.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if job is not None:
        job.attempts += 1
        job.due_at = now + FIRST_WAIT * 2 ** (job.attempts - 1)
    db.session.commit()
    return job
