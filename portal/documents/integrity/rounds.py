"""Going through all contents of an organisation, again and again.

A round remembers where it is, so that it goes on after a restart. The process that reads has a
lease on it: another one leaves it alone, or takes over from one that died. None of these functions
commits: whoever calls does, after each version.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, update

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.ids import new_id
from portal.documents.integrity.checking import Pace, find_fault, require_store
from portal.documents.integrity.findings import has_version, keep_open, note
from portal.documents.integrity.models import Fault, Finding, VerificationRound
from portal.documents.models import DocumentVersion
from portal.documents.sweep import ORPHAN_AGE, list_known
from portal.storage.blobs import StoreUnavailable
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db, release

LEASE = timedelta(days=1)  # longer than any one content takes to read
FOREIGN_AGE = 2 * ORPHAN_AGE  # the sweep has had its chances

log = structlog.get_logger()


def take_due(every_days: int) -> UUID | None:
    """The round of the bound tenant that is to be gone on with, or begun, by this process."""
    now = clock.now()
    open_id = db.session.scalars(
        select(VerificationRound.id)
        .where(VerificationRound.ended_at.is_(None))
        .order_by(VerificationRound.id)
    ).first()
    if open_id is not None:
        return open_id if _lease(open_id, now + LEASE) else None
    last = db.session.scalar(select(func.max(VerificationRound.started_at)))
    if last is not None and now < last + timedelta(days=every_days):
        return None
    return begin()


def begin() -> UUID:
    """Begin a round now."""
    begun = VerificationRound(id=new_id(), leased_until=clock.now() + LEASE)
    db.session.add(begun)
    db.session.flush()
    return begun.id


def give_back(round_id: UUID) -> None:
    """End the lease before its time."""
    is_it = VerificationRound.id == round_id
    db.session.execute(update(VerificationRound).where(is_it).values(leased_until=clock.now()))


def verify_next(actor: Actor, round_id: UUID, pace: Pace) -> int | None:
    """Read the round's next version; gives its sealed size, or None where there is no more.

    One that its store refuses, though it answers, is passed over: it gives 0. Raises what
    `find_fault` raises.
    """
    version = _find_next(_reached(round_id))
    if version is None:
        return None
    try:
        fault = find_fault(version, pace)
    except StoreUnavailable:
        require_store()
        _pass_over(round_id, version.id)
        return 0
    is_fault = fault is not None and has_version(version.id)
    if fault and is_fault and note(version.id, version.document_id, fault):
        _tell(actor, version.id, f"document:{version.document_id}", fault)
    _advance(round_id, version.id, read_bytes=version.sealed_bytes, versions=1, found=int(is_fault))
    return version.sealed_bytes


def end_round(actor: Actor, round_id: UUID) -> VerificationRound:
    """Look for foreign blobs, settle what was found no more, and end."""
    foreign = 0
    for blob_id in _list_foreign():
        foreign += 1
        if note(blob_id, None, Fault.FOREIGN):
            _tell(actor, blob_id, f"blob:{blob_id}", Fault.FOREIGN)
    ended = db.session.get(VerificationRound, (bound_tenant_id(), round_id), populate_existing=True)
    if ended is None:
        raise RuntimeError("a round that was going on is gone")
    settled = _settle(ended.started_at)
    ended.ended_at = clock.now()
    ended.found += foreign
    record(
        actor,
        Action.CONTENTS_VERIFIED,
        "organisation",
        versions=ended.versions,
        bytes=ended.read_bytes,
        found=ended.found,
        settled=settled,
    )
    return ended


def bytes_left(round_id: UUID) -> int:
    """How much a round still has to read."""
    left = select(func.sum(DocumentVersion.sealed_bytes))
    reached_id = _reached(round_id)
    if reached_id is not None:
        left = left.where(DocumentVersion.id > reached_id)
    return int(db.session.scalar(left) or 0)


def _reached(round_id: UUID) -> UUID | None:
    is_it = VerificationRound.id == round_id
    return db.session.scalars(select(VerificationRound.reached_id).where(is_it)).one()


def _find_next(reached_id: UUID | None) -> DocumentVersion | None:
    statement = select(DocumentVersion).order_by(DocumentVersion.id).limit(1)
    if reached_id is not None:
        statement = statement.where(DocumentVersion.id > reached_id)
    version = db.session.scalars(statement).one_or_none()
    if version is not None:
        db.session.expunge(version)  # what is read of it must not begin a transaction
    return version


def _lease(round_id: UUID, until: datetime) -> bool:
    taken = update(VerificationRound).where(
        VerificationRound.id == round_id, VerificationRound.leased_until < clock.now()
    )
    return bool(change(taken.values(leased_until=until)))


def _pass_over(round_id: UUID, version_id: UUID) -> None:
    log.warning("a content can not be verified", version=str(version_id))
    keep_open(version_id)
    _advance(round_id, version_id)


def _advance(round_id: UUID, version_id: UUID, **more: int) -> None:
    """Go behind a version, and count what was done with it."""
    one = VerificationRound
    counted = {name: getattr(one, name) + count for name, count in more.items()}
    moved = update(one).where(one.id == round_id)
    db.session.execute(
        moved.values(reached_id=version_id, leased_until=clock.now() + LEASE, **counted)
    )


def _list_foreign() -> list[UUID]:
    """Committed blobs that no version knows, and that the sweep should have taken long ago."""
    release()
    tenant_id, before = bound_tenant_id(), clock.now() - FOREIGN_AGE
    old = {
        blob.blob_id
        for blob in blobs().list_blobs(tenant_id)
        if blob.is_committed and blob.modified_at < before
    }
    return sorted(old - list_known())


def _settle(since: datetime) -> int:
    gone = update(Finding).where(Finding.settled_at.is_(None), Finding.seen_at < since)
    return change(gone.values(settled_at=clock.now()))


def _tell(actor: Actor, blob_id: UUID, target: str, fault: Fault) -> None:
    record(
        actor, Action.DOCUMENT_DAMAGED, target, Outcome.FAILURE, version=str(blob_id), fault=fault
    )
