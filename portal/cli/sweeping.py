"""What is done every few minutes for each tenant: what is over goes, what is due happens."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

import structlog

from portal.access.ends import sweep_ended
from portal.access.reviews.closing import list_due, settle_due
from portal.audit.actor import SYSTEM
from portal.auth.closing.queries import find_end
from portal.auth.ending_roles import announce_ends
from portal.auth.review_notices import tell_of_reviews
from portal.auth.sweep import sweep_past
from portal.cli.rewrapping import finish_rotation
from portal.documents.integrity.findings import tell_of_findings
from portal.documents.links.sweep import sweep_links
from portal.documents.purging import list_to_purge, purge_documents, purge_folders
from portal.documents.quotas import sweep_room
from portal.documents.resumable.ending import sweep_uploads
from portal.documents.retention.erasing import erase_account_of, list_accounts_to_erase
from portal.documents.reviews import list_to_repeat, repeat_review
from portal.documents.sweep import sweep_orphans
from portal.keys.policy import is_rotation_due
from portal.keys.rotation import rotate_key
from portal.log_retention.carrying_out import is_pruning_due, prune_part
from portal.outbox.service import sweep_done
from portal.tenancy.binding import TenantRecord, bound
from portal.tenancy.models import TenantState
from portal.tenancy.session import db

PARTS_AT_ONCE = 32  # of a log that is pruned

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

Done = TypeVar("Done")

log = structlog.get_logger()


def sweep(tenant: TenantRecord) -> None:
    """All of it for the bound tenant. While an organisation closes, nothing of it is destroyed."""
    for chore in SWEEPS:
        do_chore(chore)
    if tenant.state == TenantState.ACTIVE and find_end() is None:
        _see_to_reviews()
        _purge()
        _prune()
    do_chore(_rotate_if_due)
    do_chore(finish_rotation)


def do_chore(chore: Callable[[], Done]) -> Done | None:
    """Do one piece of work by itself: what fails is logged, and keeps nothing else waiting."""
    try:
        done = chore()
        db.session.commit()
    except Exception as error:  # noqa: BLE001  # the next round tries again
        db.session.rollback()
        log.warning("chore failed", tenant=bound().tenant.slug, error=type(error).__name__)
        return None
    return done


def _see_to_reviews() -> None:
    """Close those that are due, begin those that recur, tell whom they concern."""
    for review_id in list_due():
        do_chore(partial(settle_due, review_id))
    for review_id in list_to_repeat():
        do_chore(partial(repeat_review, review_id))
    do_chore(tell_of_reviews)


def _rotate_if_due() -> None:
    if is_rotation_due():
        rotate_key(SYSTEM)


def _purge() -> None:
    """Destroy what is due: the rows of a batch first, then its contents; then empty folders, and
    accounts that are to be erased.

    Where a batch fails each of its documents is tried by itself, so that one that can't go keeps no
    other from going.
    """
    after = None
    while ids := do_chore(partial(list_to_purge, after)):
        if not _destroy(ids):
            for document_id in ids:
                _destroy([document_id])
        after = ids[-1]
    while do_chore(purge_folders):
        pass
    for request_id in list_accounts_to_erase():
        do_chore(partial(erase_account_of, request_id))


def _destroy(document_ids: Sequence[UUID]) -> bool:
    batch = do_chore(partial(purge_documents, document_ids))
    if batch is None:
        return False
    do_chore(batch.destroy_contents)
    return True


def _prune() -> None:
    """Have the log's oldest entries go that its policy lets go, a part in each transaction, and no
    more at once than others can wait for.
    """
    if do_chore(is_pruning_due):
        for _ in range(PARTS_AT_ONCE):
            if do_chore(partial(prune_part, SYSTEM)) is None:
                return
