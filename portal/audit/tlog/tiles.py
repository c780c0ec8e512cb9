"""The bound tenant's tree in its rows: leaves, and the nodes that sum up what is full."""

from collections.abc import Sequence

from sqlalchemy import func, select

from portal.audit.tlog.models import AuditLeaf, AuditNode
from portal.audit.tlog.trees import HEIGHT, WIDTH, Incomplete, Tree
from portal.tenancy.session import db

NODES_AT_ONCE = 256


def open_tree() -> Tree:
    """The tree as it is kept now. It suffices for any size up to that of the last checkpoint."""
    return Tree(read_tile)


def count_leaves() -> int:
    """How many entries have a number."""
    newest = select(AuditLeaf.number).order_by(AuditLeaf.number.desc()).limit(1)
    number = db.session.scalar(newest)
    return 0 if number is None else number + 1


def read_tile(level: int, index: int) -> Sequence[bytes]:
    """The hashes of a tile, as many as there are. Raises `Incomplete` where one is missing."""
    first = index * WIDTH
    found = AuditLeaf.hash, AuditLeaf.number
    if level:
        found = AuditNode.hash, AuditNode.position
    statement = select(*found).where(found[1] >= first, found[1] < first + WIDTH)
    if level:
        statement = statement.where(AuditNode.level == level)
    rows = db.session.execute(statement.order_by(found[1])).all()
    if [at for _, at in rows] != list(range(first, first + len(rows))):
        raise Incomplete(f"tile {level}/{index} has a gap")
    return [value for value, _ in rows]


def add_nodes(size: int) -> bool:
    """Sum up tiles that are full among the first `size` leaves; whether there may be more of them.

    A tree of that size has all its nodes once this has said no.
    """
    tree, room, level = open_tree(), NODES_AT_ONCE, 0
    while size >= WIDTH:
        size, level = size >> HEIGHT, level + 1
        have = _count_nodes(level)
        for position in range(have, min(size, have + room)):
            value = tree.tile_root(level - 1, position)
            db.session.add(AuditNode(level=level, position=position, hash=value))
            room -= 1
        db.session.flush()  # the next level is made of these
        if room == 0:
            return True
    return False


def _count_nodes(level: int) -> int:
    newest = select(func.max(AuditNode.position)).where(AuditNode.level == level)
    position = db.session.scalar(newest)
    return 0 if position is None else int(position) + 1
