"""Checking the bound tenant's log against what was signed of it: all of it, by schedule."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.queries import list_latest
from portal.audit.service import record
from portal.audit.tlog.findings import MOST_NAMED, Fault, Finding
from portal.audit.tlog.growing import Growing
from portal.audit.tlog.known import find_known
from portal.audit.tlog.models import AuditCheckpoint
from portal.audit.tlog.notes import Checkpoint
from portal.audit.tlog.summing import Summing, Sums
from portal.audit.tlog.trees import WIDTH
from portal.core import clock
from portal.evidence.checkpoints import find_newest
from portal.evidence.judging import (
    compare_nodes,
    judge_broken,
    judge_signature,
    judge_whole,
)
from portal.evidence.leaves import judge_rows, read_leaves
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

EVERY = timedelta(days=1)
TILES_AT_ONCE = 64
VERDICTS = (Action.LOG_VERIFIED, Action.LOG_NOT_VERIFIED)


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
    found = [str(finding) for finding in findings]
    is_news = all(last.detail.get("found") != found for last in list_latest(VERDICTS, 1))
    record(actor, Action.LOG_NOT_VERIFIED, "audit", Outcome.FAILURE, entries=size, found=found)
    return is_news


def check_log() -> tuple[int, list[Finding]]:
    """Read all entries back, as many as have a number now; gives how many, and what is wrong.

    It must be the only thing that the unit of work does. Raises `KeyUnavailable` where all else is
    well, and the newest signature can't be looked at.
    """
    progress = BEGINNING
    while not progress.is_done:
        progress = read_on(progress)
    return progress.size, [*progress.findings]


def read_on(progress: Progress, tiles: int = TILES_AT_ONCE) -> Progress:
    """Read so many tiles more, or as many as there are.

    A transaction for each tile, so that nothing waits for it.
    """
    newest, findings = find_newest(), [*progress.findings]
    until = progress.size + tiles * WIDTH
    growing = Growing(_list_checkpoints(newest, progress.size, until), progress.sums)
    summing = Summing(lambda *tile: findings.extend(compare_nodes(*tile)), progress.sums)
    is_done = _read_tiles(tiles, growing, summing, findings)
    if not _tell_of_growth(findings):
        findings += judge_broken(growing, newest, progress.sound_size)
    if is_done:
        summing.finish()
        findings += judge_whole(growing, newest)
        findings += () if findings else judge_signature()
    sound_size = max([progress.sound_size, *(agreed.size for agreed in growing.agreed)])
    return Progress(growing.size, summing.sums, sound_size, _worth_naming(findings), is_done)


def _read_tiles(tiles: int, growing: Growing, summing: Summing, findings: list[Finding]) -> bool:
    """Read so many tiles, adding to `findings`; whether the log ends with the last of them."""
    for _ in range(tiles):
        rows, mark = read_leaves(growing.size)
        findings += judge_rows(rows, growing.size, mark)
        total = growing.add([row.hash for row in rows])
        if total is None:
            return True
        summing.add(total)
    return False


def _worth_naming(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Of a log that did not grow as it was signed, nodes that don't fit it tell nothing more."""
    if _tell_of_growth(findings):
        findings = [finding for finding in findings if finding.fault != Fault.BAD_TILE]
    return findings[:MOST_NAMED]


def _tell_of_growth(findings: Sequence[Finding]) -> bool:
    return any(finding.fault in (Fault.REWRITTEN, Fault.TRUNCATED) for finding in findings)


def _list_checkpoints(newest: Checkpoint | None, first: int, last: int) -> Set[Checkpoint]:
    """Those of some sizes, and the newest that there are."""
    columns = AuditCheckpoint.origin, AuditCheckpoint.size, AuditCheckpoint.root
    of_sizes = select(*columns).where(AuditCheckpoint.size.between(first, last))
    signed = {Checkpoint(*row) for row in db.session.execute(of_sizes)}
    return signed | {known for known in (newest, find_known(bound_tenant_id())) if known}
