"""The sequencer: numbers the entries of all organisations' logs, and signs the logs.

In two threads of the worker, so that nothing else keeps entries waiting, and signing neither, which
may have to wait for keys and stores. Several workers share the work, and take over from one that
died: each tenant's turn is a lock that ends with its holder.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from portal.alerts.log_notices import tell_of_broken_log
from portal.audit.tlog.numbering import BATCH_SIZE, number_waiting
from portal.audit.tlog.tiles import add_nodes, count_leaves
from portal.audit.tlog.waiting import list_waiting
from portal.destinations.deliveries import offer_checkpoint
from portal.evidence.checkpoints import remember_newest, sign_log
from portal.evidence.holding import hold_newest, look_up_held
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db

ROUND_SECONDS = 0.25
SIGN_SECONDS = 10.0

log = structlog.get_logger()


def keep_numbering(stop: threading.Event) -> None:
    """Number what waits in any log, again and again, until told to stop."""
    while not stop.is_set():
        if not number_logs():
            stop.wait(ROUND_SECONDS)


def keep_signing(stop: threading.Event) -> None:
    """Sign every log, again and again, until told to stop."""
    while not stop.is_set():
        sign_logs()
        stop.wait(SIGN_SECONDS)


def keep_logs() -> None:
    """Number what waits, and sign then."""
    number_logs()
    sign_logs()


def number_logs() -> bool:
    """One visit to every tenant that has entries waiting; whether some log has more than it got."""
    has_more = False
    for tenant in list_waiting(list_living_tenants()):
        with _attempt_for(tenant):
            has_more |= number_waiting(is_patient=False) == BATCH_SIZE
            db.session.commit()
    return has_more


def sign_logs() -> None:
    """One visit to every tenant."""
    for tenant in list_living_tenants():
        with _attempt_for(tenant):
            sign_bound()


@contextmanager
def _attempt_for(tenant: TenantRecord) -> Iterator[None]:
    """Act for a tenant. What fails is logged, and keeps no other log waiting."""
    try:
        with acting_for(tenant, writes=True):
            yield
    except Exception as error:  # noqa: BLE001  # the next round tries again
        log.warning("log not kept", tenant=tenant.slug, error=type(error).__name__)


def sign_bound() -> None:
    """Sign the bound tenant's log as it is now, have it sent where it is to go, and commit."""
    while add_nodes(count_leaves()):
        db.session.commit()
    db.session.commit()
    held = look_up_held()
    signed = sign_log(held.checkpoint)
    if signed and signed.begins_epoch:
        tell_of_broken_log("It is smaller than it was, or another one.")
    db.session.commit()
    remember_newest()
    offer_checkpoint()
    db.session.commit()
    if signed:
        hold_newest(held)
