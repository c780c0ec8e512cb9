"""How much documents may take, of the organisation together and of each person who uploads.

A counter holds what is stored and what is on its way. Room is taken by one conditional UPDATE, so
that any number of uploads at once never pass a limit; it is taken and committed before the content
comes, as a long upload holds no transaction. Whoever uploads gives back what breaks off; what a
process left that died is given back by the sweep, once its hold has lapsed.

Whoever changes several rows takes them in this order: the upload, the document, the hold, the
tenant's counter, the person's. The sweep counts anew while it has the tenant's, so nobody is in
between.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.audit.actions import Action
from portal.audit.service import RecordedRefusal
from portal.core import clock
from portal.core.ids import new_id
from portal.documents.gone import is_gone
from portal.documents.models import (
    Document,
    DocumentVersion,
    StorageHold,
    StorageUse,
    Upload,
)
from portal.documents.policy import MIB, get_rules
from portal.documents.retention.facts import judge, list_rules
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db

LAPSE = timedelta(minutes=15)
RENEWED_EVERY = timedelta(minutes=3)
JUDGED_AT_ONCE = 1000
STEP_BYTES = 4 * 2**20  # at a time, for a content that does not say how large it is
_COLUMNS = (StorageUse.id, StorageUse.held_bytes)


class QuotaExceeded(RecordedRefusal):
    """There is no room left for a content."""

    status = 413
    action = Action.UPLOAD_REFUSED


@dataclass(slots=True)
class Room:
    """What is held for one content while it comes in."""

    owner_id: UUID
    size_bytes: int
    id: UUID = field(default_factory=new_id)
    renewed_at: datetime = field(default_factory=clock.now)


def hold_room(room: Room, until: datetime) -> None:
    """Hold room in the present transaction. Raises `QuotaExceeded`."""
    _take(room.owner_id, room.size_bytes)
    db.session.add(
        StorageHold(id=room.id, owner_id=room.owner_id, size_bytes=room.size_bytes, lapses_at=until)
    )
    db.session.flush()


def keep_room(room: Room, size_bytes: int) -> None:
    """Turn a hold into what is stored: `size_bytes` of it. One that has lapsed is taken anew.

    In the transaction that writes the version's row, before it does. Raises `QuotaExceeded`.
    """
    _take(room.owner_id, size_bytes - _end_hold(room.id))


def drop_room(room_id: UUID, owner_id: UUID) -> None:
    """Give back what was held, in the present transaction."""
    _take(owner_id, -_end_hold(room_id))


def begin_room(owner_id: UUID, announced_bytes: int | None) -> Room:
    """Hold room for a content that comes now, and commit that. Raises `QuotaExceeded`."""
    room = Room(owner_id, STEP_BYTES if announced_bytes is None else announced_bytes)
    hold_room(room, clock.now() + LAPSE)
    db.session.commit()
    return room


def cover(room: Room, taken_bytes: int) -> None:
    """See that the hold is large and young enough, as the content goes on. Commits.

    Raises `QuotaExceeded`.
    """
    more = taken_bytes - room.size_bytes
    if more <= 0 and clock.now() - room.renewed_at < RENEWED_EVERY:
        return
    grown = room.size_bytes + (max(more, STEP_BYTES) if more > 0 else 0)
    held = update(StorageHold).where(StorageHold.id == room.id)
    if change(held.values(size_bytes=grown, lapses_at=clock.now() + LAPSE)):
        _take(room.owner_id, grown - room.size_bytes)
    else:  # it had lapsed
        hold_room(Room(room.owner_id, grown, room.id), clock.now() + LAPSE)
    db.session.commit()
    room.size_bytes, room.renewed_at = grown, clock.now()


def give_back(room: Room) -> None:
    """Give back, and commit, what was held for a content that broke off."""
    db.session.rollback()
    drop_room(room.id, room.owner_id)
    db.session.commit()


@contextmanager
def settling(room: Room) -> Iterator[None]:
    """Give the room back, where what comes to lie in it is refused after all."""
    try:
        yield
        db.session.flush()
    except BaseException:
        give_back(room)
        raise


def sweep_room() -> int:
    """Give back what lapsed holds kept, and count anew what is taken; gives the holds' number.

    An upload that can be resumed keeps its room for as long as it is there itself.
    """
    is_over = StorageHold.lapses_at < clock.now()
    is_left = StorageHold.id.not_in(select(Upload.id))
    lapsed = change(delete(StorageHold).where(is_over, is_left))
    _ensure(bound_tenant_id())
    own = select(StorageUse.id).where(StorageUse.id == bound_tenant_id())
    db.session.execute(own.with_for_update())
    _correct()
    return lapsed


def _take(owner_id: UUID, size_bytes: int) -> None:
    rules = get_rules()
    _add(bound_tenant_id(), size_bytes, rules.tenant_limit_bytes, "the organisation's")
    _add(owner_id, size_bytes, rules.person_limit_bytes, "your own")


def _add(counter: UUID, size_bytes: int, limit_bytes: int | None, whose: str) -> None:
    statement = update(StorageUse).where(StorageUse.id == counter)
    if limit_bytes is not None and size_bytes > 0:
        statement = statement.where(StorageUse.held_bytes + size_bytes <= limit_bytes)
    statement = statement.values(held_bytes=StorageUse.held_bytes + size_bytes)
    if change(statement):
        return
    _ensure(counter)
    if not change(statement):
        raise QuotaExceeded(
            "documents",
            f"There is not enough room for this: {whose} documents may take"
            f" {(limit_bytes or 0) // MIB} MiB.",
            limit_bytes=limit_bytes,
            size_bytes=size_bytes,
        )


def _ensure(counter: UUID) -> None:
    """Make a counter where there is none, with what there is to count."""
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"tenant_id": bound_tenant_id(), "id": counter, "held_bytes": 0}
    insert = dialect.insert(StorageUse).values(row).on_conflict_do_nothing()
    if db.session.scalars(insert.returning(StorageUse.id)).all():
        mine = update(StorageUse).where(StorageUse.id == counter)
        change(mine.values(held_bytes=_count()[counter]))


def _correct() -> None:
    """Write what is counted where a counter says something else."""
    counted = _count()
    present = {row.id: row.held_bytes for row in db.session.execute(select(*_COLUMNS))}
    for counter in sorted(present.keys() | counted.keys()):
        if counter not in present:
            db.session.add(StorageUse(id=counter, held_bytes=counted[counter]))
        elif present[counter] != counted[counter]:
            mine = update(StorageUse).where(StorageUse.id == counter)
            change(mine.values(held_bytes=counted[counter]))


def _count() -> Counter[UUID]:
    """What is stored and held by person, and under the tenant's id by all.

    What is gone for good counts no more, be it destroyed or held: else the room that it takes would
    tell who is held. It does as long as a rule keeps it: else who may store little could store
    without end.
    """
    found: Counter[UUID] = Counter()
    gone = select(Document.id).where(is_gone(clock.now()))
    stored = (
        select(DocumentVersion.created_by, func.sum(DocumentVersion.size_bytes))
        .where(DocumentVersion.gone_at.is_(None))
        .group_by(DocumentVersion.created_by)
    )
    of_document = DocumentVersion.document_id
    parts = [stored.where(of_document.not_in(gone))]
    parts += [stored.where(of_document.in_(ids)) for ids in _kept_by_rules(gone)]
    held = select(StorageHold.owner_id, func.sum(StorageHold.size_bytes))
    for sums in (*parts, held.group_by(StorageHold.owner_id)):
        for owner_id, size_bytes in db.session.execute(sums):
            found[owner_id] += int(size_bytes)
            found[bound_tenant_id()] += int(size_bytes)
    return found


def _kept_by_rules(gone: Select[UUID]) -> Iterator[Sequence[UUID]]:
    """Those of the documents that are gone that some rule keeps, whatever else does."""
    rules = list_rules()
    if all(rule.keep_days is None for rule in rules):
        return
    in_order = gone.order_by(Document.id).limit(JUDGED_AT_ONCE)
    ids = db.session.scalars(in_order).all()
    while ids:
        yield [facts.document_id for facts, fate in judge(ids, rules) if not fate.is_gone]
        ids = db.session.scalars(in_order.where(Document.id > ids[-1])).all()


def _end_hold(room_id: UUID) -> int:
    ended = delete(StorageHold).where(StorageHold.id == room_id).returning(StorageHold.size_bytes)
    return db.session.execute(ended).scalar() or 0
