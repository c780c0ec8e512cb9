"""Up to where the bound tenant's log was pruned, and pruning it further."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, ProgrammingError

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.service import record
from portal.audit.tlog.models import AuditLeaf, AuditPruning
from portal.audit.tlog.prunings import Pruning, parse_pruning
from portal.audit.tlog.tiles import open_tree
from portal.core.errors import Conflict, NotFound
from portal.core.ids import new_id
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.log_wall import KEPT
from portal.tenancy.session import db

PRUNING = "pruning"  # whose turn keeps the log from being pruned meanwhile
READ_AT_ONCE = 100


class Pruned(NotFound):
    """An entry that is not there any more, and of which the log has the hash alone."""

    status = 410
    message = "This entry was pruned: the organisation does not keep its audit log that long."


class TooYoung(Conflict):
    """The database refuses the mark, by its own clock and the floor that its owner has set."""

    message = (
        "The database keeps these entries still. If PORTAL_LOG_FLOOR_DAYS was lowered, run: "
        "portal db upgrade"
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """The entries before this number were pruned, the last of them at `pruned_at`. The first that
    is left is of `begins_at`.
    """

    number: int
    pruned_at: datetime
    begins_at: datetime


def find_mark() -> Mark | None:
    """Up to where the log was pruned; None where it is whole."""
    last = (
        select(
            AuditPruning.number,
            AuditPruning.pruned_at,
            func.coalesce(AuditEntry.at, AuditPruning.pruned_at),
        )
        .outerjoin(AuditLeaf, AuditLeaf.number == AuditPruning.number)
        .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.id)
        .order_by(AuditPruning.number.desc())
        .limit(1)
    )
    row = db.session.execute(last).one_or_none()
    return None if row is None else Mark(*row)


def first_number() -> int:
    """The number that the log begins with: those before it were pruned."""
    return db.session.scalar(select(func.coalesce(func.max(AuditPruning.number), 0))) or 0


def was_pruned(entry_id: UUID) -> bool:
    """Whether there was an entry of this id, in what was pruned."""
    leaf = db.session.get(AuditLeaf, (bound_tenant_id(), entry_id))
    return leaf is not None and leaf.number < first_number()


def prune_to(actor: Actor, end: int) -> None:
    """Have the database delete the entries before `end`, but for those that are kept for good.

    Raises `TooYoung`.
    """
    first = first_number()
    kept = list_kept(first, end)
    db.session.add(AuditPruning(id=new_id(), number=end))
    try:
        db.session.flush()
    except (IntegrityError, ProgrammingError):  # as SQLite and PostgreSQL have it
        raise TooYoung from None
    going, root = end - first - len(kept), open_tree().root(end).hex()
    pruning = Pruning(first, end, going, root, kept)
    record(actor, Action.LOG_PRUNED, "audit", **asdict(pruning))


def list_kept(first: int, end: int) -> Sequence[int]:
    """The numbers of the entries that stay of those from `first` on that are before `end`."""
    kept = (
        select(AuditLeaf.number)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.id)
        .where(AuditLeaf.number >= first, AuditLeaf.number < end, AuditEntry.action.in_(KEPT))
        .order_by(AuditLeaf.number)
    )
    return db.session.scalars(kept).all()


def list_absent() -> tuple[int, int]:
    """Up to where the log was pruned, and how many entries before that are not there.

    By one statement, so that no pruning comes between.
    """
    mark = select(func.coalesce(func.max(AuditPruning.number), 0)).scalar_subquery()
    absent = (
        select(func.count())
        .select_from(AuditLeaf)
        .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.id)
        .where(AuditLeaf.number < mark, AuditEntry.id.is_(None))
        .scalar_subquery()
    )
    number, count = db.session.execute(select(mark, absent)).one()
    return number, count


def list_prunings() -> Iterator[Pruning]:
    """What the log tells of its pruning, in its order, as far as it is to be understood. The last
    may wait for its number still.
    """
    entries = (
        select(AuditEntry.told)
        .outerjoin(AuditLeaf, AuditLeaf.id == AuditEntry.id)
        .where(AuditEntry.action == Action.LOG_PRUNED)
        .order_by(AuditLeaf.number.nulls_last(), AuditEntry.id)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    for detail in db.session.scalars(entries):
        if found := parse_pruning(detail):
            yield found
