"""`portal worker`: does what waits in the outboxes, and sweeps what broke off."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click
import structlog

from portal.audit.actions import Action, Outcome
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.auth import mail, resets
from portal.cli.checking_log import check_logs
from portal.cli.context import with_app
from portal.cli.feeding import feed, feed_all
from portal.cli.keeping_log import keep_logs, keep_numbering, keep_signing
from portal.cli.sweeping import do_chore, sweep
from portal.cli.threads import beside
from portal.cli.verifying import verifying
from portal.cli.watching_log import watch_all_logs, watch_logs
from portal.core.settings import active
from portal.documents.links import codes
from portal.outbox.models import Job
from portal.outbox.service import Handler, run_due
from portal.tenancy.asking import tenants_with
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import list_living_tenants

POLL_SECONDS = 2.0
SWEEP_SECONDS = 600.0
JOBS_AT_ONCE = 20  # of one tenant, before the others have their turn

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
        do_chore(mail.drop_stale_notices)  # before any is sent
        done = run_due(_handlers(), _job_failed, jobs_at_once)
        if done:
            log.info("jobs done", tenant=tenant.slug, count=done)
        if sweeping:
            sweep(tenant)
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
