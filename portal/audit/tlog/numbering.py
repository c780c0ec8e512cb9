"""Entries come by their numbers in the log: each by the next, none left out, none twice.

On SQLite a transaction that writes is alone, so an entry gets its number with it, by a trigger.
On PostgreSQL that would have all writers of a tenant wait for each other: there entries wait until
the sequencer (`portal worker`) numbers them, which is one at a time for each tenant, by a lock that
ends with its holder. They are found by their waiting and never by their ids, since transactions are
committed in another order than their ids were made in. Grave acts don't wait for the worker: see
`commit`.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, insert, select, update

from portal.audit.models import AuditAside, AuditEntry
from portal.audit.tlog.models import AuditLeaf
from portal.tenancy.session import change, db
from portal.tenancy.turns import take_turn, try_turn

BATCH_SIZE = 1000
UNSETTLED = "grave entries to be numbered"


def numbers_at_once() -> bool:
    """Whether the database numbers an entry by itself, when it is written: by a trigger."""
    return db.session.get_bind().dialect.name == "sqlite"


def want_numbers() -> None:
    """Have `commit` see to it that what this unit of work has written is numbered."""
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
    if numbers_at_once() or not db.session.scalars(_WAITING.limit(1)).first():
        return 0
    if not _take_turn(is_patient):
        return 0
    ids = db.session.scalars(_WAITING.limit(BATCH_SIZE)).all()
    if ids:
        _number(ids)
    return len(ids)


_WAITING = select(AuditAside.id).where(AuditAside.is_waiting).order_by(AuditAside.id)


def _number(ids: Sequence[UUID]) -> None:
    """By the hash that came with an entry: whoever altered it since has not altered that."""
    newest = db.session.scalar(select(func.max(AuditLeaf.number)))
    hashes = select(AuditEntry.id, AuditEntry.leaf_hash).where(AuditEntry.id.in_(ids))
    rows = enumerate(
        db.session.execute(hashes.order_by(AuditEntry.id)), 0 if newest is None else newest + 1
    )
    leaves = [{"id": id_, "number": number, "hash": leaf} for number, (id_, leaf) in rows]
    if leaves:
        db.session.execute(insert(AuditLeaf), leaves)
    settled = update(AuditAside).where(AuditAside.id.in_(ids)).values(is_waiting=False)
    change(settled.execution_options(synchronize_session=False))


def _take_turn(is_patient: bool) -> bool:
    if not is_patient:
        return try_turn("log")
    take_turn("log")
    return True
