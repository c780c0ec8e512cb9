"""The bound tenant's log as the files that anybody can verify, one after the other."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.audit.pruning import PRUNING, first_number
from portal.audit.tlog.bodies import ENTRY_COLUMNS, body_of
from portal.audit.tlog.files import (
    CHECKPOINT,
    ENTRIES,
    KEYS,
    OLD,
    bundle,
    kept_lines,
    kept_path,
    tile_path,
)
from portal.audit.tlog.models import AuditCheckpoint, AuditLeaf
from portal.audit.tlog.notes import Checkpoint
from portal.audit.tlog.tiles import read_tile
from portal.audit.tlog.trees import HEIGHT, WIDTH
from portal.evidence.checkpoints import epoch_of
from portal.evidence.signed import list_verifier_keys
from portal.tenancy.session import db
from portal.tenancy.turns import share_turn


class File(NamedTuple):
    """One file, by its path in the folder, and how many entries are in it."""

    path: str
    content: bytes
    entries: int = 0


def list_files(newest: AuditCheckpoint) -> Iterator[File]:
    """All files of the log as it was when `newest` was signed. A tile at a time is in memory."""
    yield File(CHECKPOINT, newest.note.encode())
    yield File(KEYS, "".join(f"{key}\n" for key in list_verifier_keys()).encode())
    share_turn(PRUNING)  # nothing is pruned meanwhile
    first = first_number()
    yield from _list_bundles(first, newest.size)
    yield from _list_kept(first)
    yield from _list_tiles(newest.size)
    yield from _list_old(newest)


def _list_bundles(first: int, size: int) -> Iterator[File]:
    """But for those that were pruned, of which the hash tiles tell."""
    for index, width in _widths(size, first):
        rows = _read_entries(index * WIDTH, width)
        path = tile_path(ENTRIES, index, None if width == WIDTH else width)
        yield File(path, bundle(map(body_of, rows)), width)


def _list_kept(end: int) -> Iterator[File]:
    """The entries that are there of those that were pruned."""
    statement = (
        select(AuditLeaf.number, *ENTRY_COLUMNS)
        .join(AuditEntry, AuditEntry.id == AuditLeaf.id)
        .where(AuditLeaf.number < end)
        .order_by(AuditLeaf.number)
    )
    rows = db.session.execute(statement.execution_options(yield_per=WIDTH))
    for index, kept in groupby(rows, lambda row: row.number // WIDTH):
        yield File(kept_path(index), kept_lines((row.number, body_of(row)) for row in kept))


def _list_tiles(size: int) -> Iterator[File]:
    level = 0
    while size:
        for index, width in _widths(size):
            path = tile_path(level, index, None if width == WIDTH else width)
            yield File(path, b"".join(read_tile(level, index)[:width]))
        size, level = size >> HEIGHT, level + 1


def _list_old(newest: AuditCheckpoint) -> Iterator[File]:
    """Also those that are larger than the newest: then an epoch began in between."""
    earlier = select(AuditCheckpoint).where(AuditCheckpoint.id < newest.id)
    statement = earlier.order_by(AuditCheckpoint.id).execution_options(yield_per=WIDTH)
    for old in db.session.scalars(statement):
        epoch = epoch_of(Checkpoint(old.origin, old.size, old.root))
        yield File(f"{OLD}/{epoch}/{old.size}.note", old.note.encode())


def _widths(size: int, first: int = 0) -> Iterator[tuple[int, int]]:
    """The tiles that hold so many hashes, from one on, each with how many are in it."""
    for index in range(first // WIDTH, -(-size // WIDTH)):
        yield index, min(WIDTH, size - index * WIDTH)


def _read_entries(first: int, count: int) -> Sequence[Any]:
    statement = select(*ENTRY_COLUMNS).join(AuditLeaf, AuditLeaf.id == AuditEntry.id)
    within = AuditLeaf.number >= first, AuditLeaf.number < first + count
    return db.session.execute(statement.where(*within).order_by(AuditLeaf.number)).all()
