"""Checking the bound tenant's log against what was signed of it: all of it, by schedule."""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, select

from portal.access.evidence.checkpoints import find_newest
from portal.access.evidence.signed import find_newest_signed, is_genuine
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.pruning import first_number, list_absent, list_prunings
from portal.audit.queries import list_latest
from portal.audit.service import record
from portal.audit.tlog.bodies import ENTRY_COLUMNS, body_of, commitment_to
from portal.audit.tlog.findings import MOST_NAMED, Fault, Finding
from portal.audit.tlog.growing import Growing
from portal.audit.tlog.hashes import fold, leaf_hash
from portal.audit.tlog.known import find_known
from portal.audit.tlog.models import AuditCheckpoint, AuditLeaf
from portal.audit.tlog.notes import Checkpoint
from portal.audit.tlog.prunings import follow
from portal.audit.tlog.summing import Summing, Sums
from portal.audit.tlog.tiles import open_tree, read_tile
from portal.audit.tlog.trees import WIDTH, Incomplete, Tree
from portal.core import clock
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

EVERY = timedelta(days=1)
TILES_AT_ONCE = 64
VERDICTS = (Action.LOG_VERIFIED, Action.LOG_NOT_VERIFIED)

_ROWS = (
    select(
        AuditLeaf.number,
        AuditLeaf.hash,
        *ENTRY_COLUMNS,
        AuditAside.salt,
        AuditAside.personal,
    )
    .select_from(AuditLeaf)
    .outerjoin(AuditEntry, AuditEntry.id == AuditLeaf.id)
    .outerjoin(AuditAside, AuditAside.id == AuditLeaf.id)
    .order_by(AuditLeaf.number)
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a log was read back, what its full tiles sum up to, and what was found.

    Up to `sound_size` it is known to be what was signed.
    """

    size: int = 0
    sums: Sums = ()
    sound_size: int = 0
    findings: Sequence[Finding] = ()
    is_done: bool = False


BEGINNING = Progress()


def is_check_due() -> bool:
    """Whether the log was last read back a day ago, or never."""
    last = list_latest(VERDICTS, 1)
    return not last or last[0].at <= clock.now() - EVERY


def record_verdict(actor: Actor, size: int, findings: Sequence[Finding]) -> bool:
    """Record what reading back came to; whether something is wrong that was not the last time."""
    if not findings:
        record(actor, Action.LOG_VERIFIED, "audit", entries=size)
        return False
    told = [str(finding) for finding in findings]
    is_news = all(last.detail.get("found") != told for last in list_latest(VERDICTS, 1))
    record(actor, Action.LOG_NOT_VERIFIED, "audit", Outcome.FAILURE, entries=size, found=told)
    return is_news


def check_log() -> tuple[int, list[Finding]]:
    """Read all entries back, as many as have a number now; gives how many, and what is wrong.

    It must be the only thing that the unit of work does. Raises `KeyUnavailable` where all else is
    well, and the newest signature can't be looked at.
    """
    progress = BEGINNING
    while not progress.is_done:
        progress = go_on(progress)
    return progress.size, [*progress.findings]


def go_on(progress: Progress, tiles: int = TILES_AT_ONCE) -> Progress:
    """Read so many tiles more, or as many as there are.

    A transaction for each tile, so that nothing waits for it.
    """
    newest, until = find_newest(), progress.size + tiles * WIDTH
    growing = Growing(_list_checkpoints(newest, progress.size, until), progress.sums)
    findings, is_done = [*progress.findings], False
    summing = Summing(lambda *tile: findings.extend(_compare_nodes(*tile)), progress.sums)
    for _ in range(tiles):
        rows, mark = _read_tile(growing.size)
        findings += judge_rows(rows, growing.size, mark)
        total = growing.add([row.hash for row in rows])
        if total is None:
            is_done = True
            break
        summing.add(total)
    if not any(map(_is_of_growth, findings)):
        findings += _judge_broken(growing, newest, progress.sound_size)
    if is_done:
        summing.finish()
        findings += [*_judge_beyond(growing, newest), *_judge_unnumbered()]
        findings += _judge_pruning()
    if is_done and not findings:
        findings += _judge_signature()
    if any(map(_is_of_growth, findings)):  # nodes that don't fit it tell nothing more
        findings = [finding for finding in findings if finding.fault != Fault.BAD_TILE]
    sound_size = max([progress.sound_size, *(agreed.size for agreed in growing.agreed)])
    return Progress(growing.size, summing.sums, sound_size, findings[:MOST_NAMED], is_done)


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


def _read_tile(first: int) -> tuple[Sequence[Any], int]:
    """The leaves of a tile with their entries, as many as there are; and up to where the log was
    pruned, which is looked up after them: it tells of all that is gone.
    """
    rows = _read_rows(first)
    mark = first_number()
    release()
    return rows, mark


def _read_rows(first: int) -> Sequence[Any]:
    within = AuditLeaf.number >= first, AuditLeaf.number < first + WIDTH
    return db.session.execute(_ROWS.where(*within)).all()


def judge_rows(rows: Sequence[Any], first: int, mark: int = 0) -> Iterator[Finding]:
    """What is wrong with the entries of a tile, whose first number is `first`. Those before `mark`
    may be gone; how many of them are, `_judge_pruning` compares.
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
        elif row.personal and (
            not row.salt or commitment_to(row.salt, row.personal) != row.commitment
        ):
            yield Finding(Fault.UNCOVERED, f"entry {row.number}")


def _judge_beyond(growing: Growing, newest: Checkpoint | None) -> Iterator[Finding]:
    """Of earlier epochs it was told when they ended; so below."""
    for old in reversed(growing.beyond):
        if newest is None or old.origin == newest.origin:
            yield Finding(Fault.TRUNCATED, f"to {growing.size} entries, {old.size} were signed")
            return


def _judge_broken(
    growing: Growing, newest: Checkpoint | None, sound_size: int
) -> Iterator[Finding]:
    for old in growing.broken:
        if newest is None or old.origin == newest.origin:
            sound = [agreed.size for agreed in growing.agreed if agreed.size < old.size]
            first = max(sound, default=sound_size)
            yield Finding(Fault.REWRITTEN, f"or reordered, among entries {first} to {old.size - 1}")
            return


def _is_of_growth(finding: Finding) -> bool:
    return finding.fault in (Fault.REWRITTEN, Fault.TRUNCATED)


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


def _judge_signature() -> Iterator[Finding]:
    """That the rows fit each other is worth little: who can write some can write all. The newest
    checkpoint covers all of them, and takes a key.
    """
    newest = find_newest_signed()
    if newest and not is_genuine(newest):
        where = f"the checkpoint of {newest.size} entries, {newest.origin}"
        yield Finding(Fault.BAD_SIGNATURE, where)


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


def _compare_nodes(level: int, index: int, hashes: Sequence[bytes]) -> Iterator[Finding]:
    """Nodes are made before the log is signed, so the newest may be missing."""
    try:
        noted = read_tile(level, index)[: len(hashes)]
        is_sound = noted == hashes[: len(noted)]
    except Incomplete:
        is_sound = False
    if not is_sound:
        yield Finding(Fault.BAD_TILE, f"{level}/{index}")


def _list_checkpoints(newest: Checkpoint | None, first: int, last: int) -> Set[Checkpoint]:
    """Those of some sizes, and the newest that there are."""
    columns = AuditCheckpoint.origin, AuditCheckpoint.size, AuditCheckpoint.root
    of_sizes = select(*columns).where(AuditCheckpoint.size.between(first, last))
    signed = {Checkpoint(*row) for row in db.session.execute(of_sizes)}
    return signed | {known for known in (newest, find_known(bound_tenant_id())) if known}
