"""The sequencer: numbers the entries of all organisations' logs, and signs the logs.

In a thread of the worker, so that nothing it does keeps entries waiting. Several workers share the
work, and take over from one that died: each tenant's turn is a lock that ends with its holder.
"""

import threading
import time

import structlog

from portal.access.evidence.checkpoints import remember_newest, sign_log
from portal.audit.tlog.numbering import BATCH_SIZE, number_waiting
from portal.audit.tlog.tiles import add_nodes, count_leaves
from portal.auth.destinations.deliveries import offer_checkpoint
from portal.auth.log_notices import tell_of_broken_log
from portal.tenancy.binding import acting_for
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db

ROUND_SECONDS = 0.5
SIGN_SECONDS = 10.0

log = structlog.get_logger()


def keep_all_logs(stop: threading.Event) -> None:
    """Visit every tenant again and again, until told to stop."""
    signed_at = float("-inf")
    while not stop.is_set():
        is_signing = time.monotonic() - signed_at > SIGN_SECONDS
        if is_signing:
            signed_at = time.monotonic()
        if not keep_logs(is_signing=is_signing):
            stop.wait(ROUND_SECONDS)


def keep_logs(*, is_signing: bool) -> bool:
    """One visit to every tenant; whether some log has more to be numbered than it got."""
    has_more = False
    for tenant in list_living_tenants():
        try:
            with acting_for(tenant, writes=True):
                has_more |= number_waiting(is_patient=False) == BATCH_SIZE
                db.session.commit()
                if is_signing:
                    sign_bound()
        except Exception as error:  # noqa: BLE001  # logged; the next round tries again
            log.warning("log not kept", tenant=tenant.slug, error=type(error).__name__)
    return has_more


def sign_bound() -> None:
    """Sign the bound tenant's log as it is now, have it sent where it is to go, and commit."""
    while add_nodes(count_leaves()):
        db.session.commit()
    signed = sign_log()
    if signed and signed.begins_epoch:
        tell_of_broken_log("It is smaller than it was, or another one.")
    db.session.commit()
    remember_newest()
    offer_checkpoint()
    db.session.commit()
