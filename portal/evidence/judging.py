"""Whether the bound tenant's log, as it was read back, is what was signed of it and tells of all
that is gone.
"""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import and_, func, select

from portal.audit.models import AuditAside, AuditEntry
from portal.audit.pruning import list_absent, list_prunings
from portal.audit.tlog.findings import Fault, Finding
from portal.audit.tlog.growing import Growing
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.notes import Checkpoint
from portal.audit.tlog.prunings import follow
from portal.audit.tlog.tiles import open_tree, read_tile
from portal.audit.tlog.trees import Incomplete, Tree
from portal.evidence.signed import find_newest_signed, is_genuine
from portal.tenancy.session import db


def compare_nodes(level: int, index: int, hashes: Sequence[bytes]) -> Iterator[Finding]:
    """Nodes are made before the log is signed, so the newest may be missing."""
    try:
        noted = read_tile(level, index)[: len(hashes)]
        is_sound = noted == hashes[: len(noted)]
    except Incomplete:
        is_sound = False
    if not is_sound:
        yield Finding(Fault.BAD_TILE, f"{level}/{index}")


def judge_broken(growing: Growing, newest: Checkpoint | None, sound_size: int) -> Iterator[Finding]:
    for old in growing.broken:
        if newest is None or old.origin == newest.origin:
            sound = [agreed.size for agreed in growing.agreed if agreed.size < old.size]
            first = max(sound, default=sound_size)
            yield Finding(Fault.REWRITTEN, f"or reordered, among entries {first} to {old.size - 1}")
            return


def judge_whole(growing: Growing, newest: Checkpoint | None) -> Iterator[Finding]:
    """What is wrong with a log that was read to its end."""
    yield from _judge_beyond(growing, newest)
    yield from _judge_unnumbered()
    yield from _judge_pruning()


def judge_signature() -> Iterator[Finding]:
    """That the rows fit each other is worth little: who can write some can write all. The newest
    checkpoint covers all of them, and takes a key.
    """
    newest = find_newest_signed()
    if newest and not is_genuine(newest):
        where = f"the checkpoint of {newest.size} entries, {newest.origin}"
        yield Finding(Fault.BAD_SIGNATURE, where)


def _judge_beyond(growing: Growing, newest: Checkpoint | None) -> Iterator[Finding]:
    """Of earlier epochs it was told when they ended; so in `judge_broken`."""
    for old in reversed(growing.beyond):
        if newest is None or old.origin == newest.origin:
            yield Finding(Fault.TRUNCATED, f"to {growing.size} entries, {old.size} were signed")
            return


def _judge_unnumbered() -> Iterator[Finding]:
    """Entries that have no number and wait for none: something put them there. And the other way
    round: what lies beside an entry that is gone, and has no place that would tell of it.
    """
    unnumbered = (
        select(func.count())
        .select_from(AuditEntry)
        .outerjoin(AuditLeaf, AuditLeaf.id == AuditEntry.id)
        .outerjoin(AuditAside, and_(AuditAside.id == AuditEntry.id, AuditAside.is_waiting))
        .where(AuditLeaf.id.is_(None), AuditAside.id.is_(None))
    )
    if count := db.session.scalar(unnumbered):
        yield Finding(Fault.INSERTED, f"{count} entries without a number")
    left_over = (
        select(func.count())
        .select_from(AuditAside)
        .outerjoin(AuditEntry, AuditEntry.id == AuditAside.id)
        .outerjoin(AuditLeaf, AuditLeaf.id == AuditAside.id)
        .where(AuditEntry.id.is_(None), AuditLeaf.id.is_(None))
    )
    if count := db.session.scalar(left_over):
        yield Finding(Fault.DELETED, f"{count} entries before they had a number")


def _judge_pruning() -> Iterator[Finding]:
    """What is gone from the beginning is as much as the log itself tells was pruned, by a mark that
    was never raised without an entry.
    """
    mark, absent = list_absent()
    count, is_told = 0, True
    for part in follow(list_prunings(), mark, _root_in(open_tree())):
        if isinstance(part, range):
            is_told, where = False, f"entries {part.start} to {part.stop - 1}"
            yield Finding(Fault.DELETED, f"{where}, of which no pruning tells")
        else:
            count += part.entries
    if is_told and absent != count:
        where = f"entries before {mark}: {absent} are gone, and {count} were pruned"
        yield Finding(Fault.DELETED, where)


def _root_in(tree: Tree) -> Callable[[int], str | None]:
    def root_at(size: int) -> str | None:
        try:
            return tree.root(size).hex()
        except Incomplete:
            return None

    return root_at
