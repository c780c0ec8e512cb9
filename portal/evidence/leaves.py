"""The leaves of the bound tenant's log with their entries, a tile at a time, and whether they are
what was signed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import select

from portal.audit.models import AuditAside, AuditEntry
from portal.audit.pruning import first_number
from portal.audit.tlog.bodies import ENTRY_COLUMNS, body_of, commitment_to, opened
from portal.audit.tlog.findings import Fault, Finding
from portal.audit.tlog.hashes import fold, leaf_hash
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.tiles import open_tree, read_tile
from portal.audit.tlog.trees import WIDTH, Incomplete
from portal.evidence.checkpoints import find_newest
from portal.tenancy.session import db, release

_ROWS = (
    select(
        AuditLeaf.number,
        AuditLeaf.hash,
        *ENTRY_COLUMNS,
        AuditAside.salt,
        AuditAside.address,
        AuditAside.personal,
    )
    .select_from(AuditLeaf)
    .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.id)
    .outerjoin(AuditAside, AuditAside.id == AuditLeaf.id)
    .order_by(AuditLeaf.number)
)


def read_leaves(first: int) -> tuple[Sequence[Any], int]:
    """The leaves of a tile with their entries, as many as there are; and up to where the log was
    pruned, which is looked up after them: it tells of all that is gone.
    """
    rows = _read_rows(first)
    mark = first_number()
    release()
    return rows, mark


def judge_rows(rows: Sequence[Any], first: int, mark: int = 0) -> Iterator[Finding]:
    """What is wrong with the entries of a tile, whose first number is `first`. Those before `mark`
    may be gone; how many of them are, `judging.judge_whole` compares.
    """
    for number, row in enumerate(rows, first):
        if row.number != number:
            yield Finding(Fault.DELETED, f"the place of entry {number}")
            return
        if row.id is None:
            if number >= mark:
                yield Finding(Fault.DELETED, f"entry {row.number}")
        elif leaf_hash(body_of(row)) != row.hash:
            yield Finding(Fault.EDITED, f"entry {row.number}")
        elif not _is_covered(row):
            yield Finding(Fault.UNCOVERED, f"entry {row.number}")


def _is_covered(row: Any) -> bool:
    """Whether what lies beside an entry, if anything does, is what the entry commits to."""
    values = opened(row.address, row.personal)
    return not values or (bool(row.salt) and commitment_to(row.salt, values) == row.commitment)


def is_sound(first: int, end: int) -> bool:
    """Whether full tiles of entries are what was signed: the entries by their hashes, these by the
    nodes that sum them up, and the nodes by the newest checkpoint, which has to cover them.
    """
    newest, tree = find_newest(), open_tree()
    if newest is None or newest.size < end:
        return False
    try:
        is_signed = tree.root(newest.size) == newest.root
        return is_signed and all(_is_tile_sound(at) for at in range(first, end, WIDTH))
    except Incomplete:
        return False


def _is_tile_sound(first: int) -> bool:
    rows = _read_rows(first)
    if len(rows) < WIDTH or any(judge_rows(rows, first)):
        return False
    index = first // WIDTH
    noted = read_tile(1, index // WIDTH)[index % WIDTH]
    return fold([row.hash for row in rows]) == noted


def _read_rows(first: int) -> Sequence[Any]:
    within = AuditLeaf.number >= first, AuditLeaf.number < first + WIDTH
    return db.session.execute(_ROWS.where(*within)).all()
