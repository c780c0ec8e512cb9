"""Entries come by their numbers in the log: each by the next, none left out, none twice.

On SQLite a transaction that writes is alone, so an entry gets its number with it. On PostgreSQL
that would have all writers of a tenant wait for each other: there entries wait until the sequencer
(`portal worker`) numbers them, which is one at a time for each tenant, by a lock that ends with its
holder. They are found by their waiting and never by their ids, since transactions are committed in
another order than their ids were made in. Grave acts don't wait for
the worker: see `commit`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update

from portal.audit.actions import GRAVE
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.tlog.bodies import ENTRY_COLUMNS, body_of
from portal.audit.tlog.hashes import leaf_hash
from portal.audit.tlog.models import AuditLeaf
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db

BATCH_SIZE = 1000
UNSETTLED = "grave entries to be numbered"


def numbers_at_once() -> bool:
    """Whether entries are numbered by the transaction that writes them."""
    return db.session.get_bind().dialect.name == "sqlite"


def add_leaf(entry: AuditEntry, body: bytes) -> None:
    """Give an entry the next number, in its own transaction, which has the only write lock."""
    db.session.add(AuditLeaf(id=entry.id, number=_next_number(), hash=leaf_hash(body)))


def note_grave(entry: AuditEntry) -> None:
    """Have `commit` number an entry that waits, if it tells of a grave act."""
    if entry.action in GRAVE:
        db.session.info[UNSETTLED] = True


def commit() -> None:
    """Commit, and have grave entries numbered before anybody is told that it is done.

    By this those commit who run a unit of work for somebody who waits for the answer.
    """
    db.session.commit()
    if db.session.info.pop(UNSETTLED, False):
        while number_waiting() == BATCH_SIZE:
            db.session.commit()
        db.session.commit()


def number_waiting(*, is_patient: bool = True) -> int:
    """Number the bound tenant's entries that wait, so many at a time; gives how many it were.

    Who is not patient leaves it to another process that is at it. The lock is held until the
    transaction ends; what is committed by then is seen by the next statement (READ COMMITTED).
    """
    if numbers_at_once() or not _take_turn(is_patient):
        return 0
    entries = db.session.execute(_WAITING).all()
    if entries:
        _number(entries)
    return len(entries)


_WAITING = (
    select(*ENTRY_COLUMNS)
    .join(AuditAside, AuditAside.id == AuditEntry.id)
    .where(AuditAside.is_waiting)
    .order_by(AuditEntry.id)
    .limit(BATCH_SIZE)
)


def _number(entries: Sequence[Any]) -> None:
    first = int(db.session.scalar(select(_next_number())) or 0)
    leaves = [
        {"id": entry.id, "number": number, "hash": leaf_hash(body_of(entry))}
        for number, entry in enumerate(entries, first)
    ]
    db.session.execute(insert(AuditLeaf), leaves)
    ids = [entry.id for entry in entries]
    waits_no_more = update(AuditAside).where(AuditAside.id.in_(ids), AuditAside.is_waiting)
    if change(waits_no_more.values(is_waiting=False)) != len(ids):
        raise RuntimeError("entries were numbered by two at the same time")


def _next_number() -> ColumnElement[int]:
    newest = select(AuditLeaf.number + 1).order_by(AuditLeaf.number.desc()).limit(1)
    return func.coalesce(newest.scalar_subquery(), 0)


def _take_turn(is_patient: bool) -> bool:
    key = func.hashtextextended(f"log:{bound_tenant_id()}", 0)
    if is_patient:
        db.session.execute(select(func.pg_advisory_xact_lock(key)))
        return True
    return bool(db.session.scalar(select(func.pg_try_advisory_xact_lock(key))))
