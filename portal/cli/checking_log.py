"""Reading all organisations' logs back once a day, in a thread of the worker."""

import threading

import structlog

from portal.access.evidence.checking import check_log, is_check_due, record_verdict
from portal.audit.actor import SYSTEM, Actor
from portal.audit.tlog.findings import Finding
from portal.auth.log_notices import tell_of_broken_log
from portal.cli.context import writing
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import list_living_tenants

LOOK_SECONDS = 60.0

log = structlog.get_logger()


def check_logs(stop: threading.Event) -> None:
    """Look again and again whose log is to be read back, until told to stop."""
    while not stop.is_set():
        for tenant in list_living_tenants():
            if stop.is_set():
                return
            try:
                _check_if_due(tenant)
            except Exception as error:  # noqa: BLE001  # logged; the next look tries again
                log.warning("log not checked", tenant=tenant.slug, error=type(error).__name__)
        stop.wait(LOOK_SECONDS)


def check_now(actor: Actor, tenant: TenantRecord) -> list[Finding]:
    """Read a log back, record what it came to, and tell officers if that is news to them."""
    with acting_for(tenant):
        size, findings = check_log()
    with writing(tenant):
        if record_verdict(actor, size, findings):
            tell_of_broken_log("; ".join(map(str, findings[:5])))
    return findings


def _check_if_due(tenant: TenantRecord) -> None:
    with acting_for(tenant):
        is_due = is_check_due()
    if is_due:
        check_now(SYSTEM, tenant)
