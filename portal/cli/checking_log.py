"""Once a day, in a thread of the worker: all organisations' logs read back, their walls tried."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from sqlalchemy import URL

from portal.alerts.log_notices import tell_of_broken_log
from portal.audit.actor import SYSTEM, Actor
from portal.audit.tlog.findings import Finding
from portal.cli.context import writing
from portal.evidence.checking import check_log, is_check_due, read_on, record_verdict
from portal.evidence.rounds import end_check, find_progress, save_progress
from portal.evidence.walls import is_trial_due, record_trial
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.placement import url_for
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db
from portal.tenancy.trying import try_walls

LOOK_SECONDS = 60.0

Tried = dict[URL, Sequence[str]]  # of a round, what was found by each database's address

log = structlog.get_logger()


def check_logs(stop: threading.Event) -> None:
    """Look again and again whose log is to be read back, until told to stop."""
    while not stop.is_set():
        tried: Tried = {}
        for tenant in list_living_tenants():
            if stop.is_set():
                return
            with _left_for_later("log not checked", tenant):
                _check_if_due(tenant, stop)
            with _left_for_later("walls not tried", tenant):
                _try_walls_if_due(tenant, tried)
        stop.wait(LOOK_SECONDS)


def check_now(actor: Actor, tenant: TenantRecord) -> list[Finding]:
    """Read a log back, record what it came to, and tell officers if that is news to them."""
    with acting_for(tenant):
        size, findings = check_log()
    with writing(tenant):
        _tell(actor, size, findings)
    return findings


def check_on(tenant: TenantRecord) -> bool:
    """Read a log back some way on from where it was left; whether there is more of it to be read.

    The place is kept when the step is done: one that is cut off is done again.
    """
    with acting_for(tenant):
        before = find_progress()
        now = read_on(before)
    with writing(tenant):
        if not now.is_done:
            return save_progress(before, now)
        if end_check(before):
            _tell(SYSTEM, now.size, now.findings)
    return False


@contextmanager
def _left_for_later(event: str, tenant: TenantRecord) -> Iterator[None]:
    """What fails in the block is logged, and tried again by the next look."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever it is, others are not kept waiting
        log.warning(event, tenant=tenant.slug, error=type(error).__name__)


def _check_if_due(tenant: TenantRecord, stop: threading.Event) -> None:
    with acting_for(tenant):
        is_due = is_check_due()
    while is_due and not stop.is_set():
        is_due = check_on(tenant)


def _try_walls_if_due(tenant: TenantRecord, tried: Tried) -> None:
    """Once for all who share a database, whose faults are those of each."""
    with acting_for(tenant):
        if not is_trial_due():
            return
    url = url_for(tenant, db.engine.url)
    if url not in tried:
        tried[url] = try_walls(url)
    with writing(tenant):
        record_trial(tried[url])


def _tell(actor: Actor, size: int, findings: Sequence[Finding]) -> None:
    if record_verdict(actor, size, findings):
        tell_of_broken_log("; ".join(map(str, findings[:5])))
