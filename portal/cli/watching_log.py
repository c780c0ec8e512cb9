"""Judging all organisations' logs by their alert rules, in a thread of the worker.

Of its own, so that no rule keeps entries waiting for their numbers.
"""

import threading

import structlog

from portal.alerts.watching import has_unjudged, judge_next
from portal.audit.tlog.numbering import commit
from portal.documents.retention.held_people import find_held_people
from portal.tenancy.asking import tenants_with
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import list_living_tenants

ROUND_SECONDS = 0.5

log = structlog.get_logger()


def watch_all_logs(stop: threading.Event) -> None:
    """Visit every tenant again and again, until told to stop."""
    while not stop.is_set():
        if not watch_logs():
            stop.wait(ROUND_SECONDS)


def watch_logs() -> bool:
    """One visit to every tenant that has something to be judged; whether some has more."""
    has_more = False
    for tenant in tenants_with("logs_unjudged", list_living_tenants()):
        try:
            has_more |= _watch(tenant)
        except Exception as error:  # noqa: BLE001  # logged; the next round tries again
            log.warning("log not judged", tenant=tenant.slug, error=type(error).__name__)
    return has_more


def _watch(tenant: TenantRecord) -> bool:
    with acting_for(tenant):
        if not has_unjudged():
            return False
    with acting_for(tenant, writes=True):
        has_more = judge_next(find_held_people)
        commit()
    return has_more
