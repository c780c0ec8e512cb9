"""`portal worker`: does what waits in the outboxes, and sweeps what broke off."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import click
import structlog

from portal.access.ends import sweep_ended
from portal.access.reviews.closing import list_due, settle_due
from portal.audit.actions import Action, Outcome
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.auth import mail, resets
from portal.auth.closing.queries import find_end
from portal.auth.ending_roles import announce_ends
from portal.auth.review_notices import tell_of_reviews
from portal.auth.sweep import sweep_past
from portal.cli.checking_log import check_logs
from portal.cli.context import with_app
from portal.cli.feeding import feed, feed_all
from portal.cli.keeping_log import keep_logs, keep_numbering, keep_signing
from portal.cli.rewrapping import finish_rotation
from portal.cli.threads import beside
from portal.cli.verifying import verifying
from portal.cli.watching_log import watch_all_logs, watch_logs
from portal.core.settings import active
from portal.documents.integrity.findings import tell_of_findings
from portal.documents.links import codes
from portal.documents.links.sweep import sweep_links
from portal.documents.log_retention.carrying_out import is_pruning_due, prune_part
from portal.documents.purging import purge_batch, purge_folders
from portal.documents.quotas import sweep_room
from portal.documents.resumable.ending import sweep_uploads
from portal.documents.retention.erasing import erase_account_of, list_accounts_to_erase
from portal.documents.reviews import list_to_repeat, repeat_review
from portal.documents.sweep import sweep_orphans
from portal.keys.policy import is_rotation_due
from portal.keys.rotation import rotate_key
from portal.outbox.models import Job
from portal.outbox.service import Handler, run_due, sweep_done
from portal.tenancy.asking import tenants_with
from portal.tenancy.binding import TenantRecord, acting_for, bound
from portal.tenancy.models import TenantState
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db

POLL_SECONDS = 2.0
SWEEP_SECONDS = 600.0
JOBS_AT_ONCE = 20  # of one tenant, before the others have their turn
PARTS_AT_ONCE = 32  # of a log that is pruned

Done = TypeVar("Done")

log = structlog.get_logger()


@click.command()
@click.option("--once", is_flag=True, help="Do what is due, sweep, and end.")
@with_app
def worker(once: bool) -> None:
    """Deliver mail, sign the logs, and sweep what has ended.

    Ctrl-C or SIGTERM stops it.
    """
    if not active().smtp_url:
        click.echo("PORTAL_SMTP_URL is not set: mail waits in the outbox", err=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if once:
        _work_once()
        return
    with _beside(stop):
        while not stop.is_set():
            if not go_round(sweeping=False):
                stop.wait(POLL_SECONDS)


def _work_once() -> None:
    go_round(sweeping=True, jobs_at_once=sys.maxsize)
    keep_logs()
    watch_logs()
    for tenant in list_living_tenants():
        feed(tenant)


@contextmanager
def _beside(stop: threading.Event) -> Iterator[None]:
    """What goes on in threads of its own: the log can't wait for mail, nor mail for a sweep."""
    with (
        beside("sweeping", _sweep_all, stop),
        beside("numbering-logs", keep_numbering, stop),
        beside("signing-logs", keep_signing, stop),
        beside("watching-logs", watch_all_logs, stop),
        beside("checking-logs", check_logs, stop),
        beside("feeding-destinations", feed_all, stop),
        verifying(stop),
    ):
        yield


def _sweep_all(stop: threading.Event) -> None:
    while not stop.is_set():
        go_round(sweeping=True)
        stop.wait(SWEEP_SECONDS)


SWEEPS = (
    sweep_uploads,
    sweep_orphans,
    sweep_room,
    sweep_past,
    sweep_done,
    sweep_links,
    announce_ends,
    sweep_ended,
    tell_of_findings,
)


def go_round(sweeping: bool, jobs_at_once: int = JOBS_AT_ONCE) -> bool:
    """One visit to every tenant that has jobs, or to every one if it is for sweeping; whether some
    have more. What fails for one must not keep the others waiting, nor what one has a lot of.
    """
    tenants, has_more = list_living_tenants(), False
    for tenant in tenants if sweeping else tenants_with("jobs_undone", tenants):
        try:
            has_more |= visit(tenant, sweeping, jobs_at_once) == jobs_at_once
        except Exception as error:  # noqa: BLE001  # logged; the next round tries again
            log.warning("worker failed", tenant=tenant.slug, error=type(error).__name__)
    return has_more


def visit(tenant: TenantRecord, sweeping: bool, jobs_at_once: int = JOBS_AT_ONCE) -> int:
    """Do some of a tenant's jobs, and sweep; how many jobs were done."""
    with acting_for(tenant, writes=True):
        _chore(mail.drop_stale_notices)  # before any is sent
        done = run_due(_handlers(), _job_failed, jobs_at_once)
        if done:
            log.info("jobs done", tenant=tenant.slug, count=done)
        if sweeping:
            _sweep(tenant)
    return done


def _sweep(tenant: TenantRecord) -> None:
    """What is done every few minutes. While an organisation closes, nothing of it is destroyed."""
    for chore in SWEEPS:
        _chore(chore)
    if tenant.state == TenantState.ACTIVE and find_end() is None:
        _see_to_reviews()
        _purge()
        _prune()
    _chore(_rotate_if_due)
    _chore(finish_rotation)


def _see_to_reviews() -> None:
    """Close those that are due, begin those that recur, tell whom they concern."""
    for review_id in list_due():
        _chore(partial(settle_due, review_id))
    for review_id in list_to_repeat():
        _chore(partial(repeat_review, review_id))
    _chore(tell_of_reviews)


def _rotate_if_due() -> None:
    if is_rotation_due():
        rotate_key(SYSTEM)


def _purge() -> None:
    """Destroy what is due: the rows of a batch first, then its contents; then empty folders, and
    accounts that are to be erased.

    What fails ends the run, and the next one begins anew.
    """
    after = None
    while (batch := _chore(partial(purge_batch, after))) is not None:
        _chore(batch.destroy_contents)
        after = batch.last
    _chore(purge_folders)
    for request_id in list_accounts_to_erase():
        _chore(partial(erase_account_of, request_id))


def _prune() -> None:
    """Have the log's oldest entries go that its policy lets go, a part in each transaction, and no
    more at once than others can wait for.
    """
    if _chore(is_pruning_due):
        for _ in range(PARTS_AT_ONCE):
            if _chore(partial(prune_part, SYSTEM)) is None:
                return


def _chore(chore: Callable[[], Done]) -> Done | None:
    """Do one piece of work by itself: what fails is logged, and keeps nothing else waiting."""
    try:
        done = chore()
        db.session.commit()
    except Exception as error:  # noqa: BLE001  # the next round tries again
        db.session.rollback()
        log.warning("chore failed", tenant=bound().tenant.slug, error=type(error).__name__)
        return None
    return done


def _handlers() -> dict[str, Handler]:
    """Where no mail goes out it waits, and what was asked for by mail is let go."""
    if not active().smtp_url:
        return {resets.KIND: lambda _: None, codes.KIND: lambda _: None}
    return {
        mail.KIND: _deliver,
        mail.NOTICE_KIND: _deliver,
        resets.KIND: resets.answer,
        codes.KIND: codes.answer,
    }


def _deliver(job: Job) -> None:
    mail.deliver(job)
    record(SYSTEM, Action.MAIL_SENT, f"job:{job.id}")


def _job_failed(job: Job, error: Exception) -> None:
    log.warning("job failed", job=str(job.id), kind=job.kind, error=type(error).__name__)
    record(SYSTEM, Action.MAIL_FAILED, f"job:{job.id}", Outcome.FAILURE, error=type(error).__name__)
