"""Verifying a log that was exported: offline, against keys and checkpoints that somebody holds."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from portal.audit.tlog.files import CHECKPOINT, KEYS, OLD
from portal.audit.tlog.findings import Fault, Finding
from portal.audit.tlog.growing import Growing
from portal.audit.tlog.notes import Checkpoint, Malformed, Note, VerifierKey, parse_key, parse_note
from portal.audit.tlog.walking import Walk


@dataclass
class Report:
    """What verifying came to. `epochs` tells of breaks that the portal itself recorded."""

    checkpoint: Checkpoint | None = None
    keys: Sequence[VerifierKey] = ()
    compared: int = 0  # checkpoints that the log agrees with
    findings: list[Finding] = field(default_factory=list)
    epochs: list[str] = field(default_factory=list)
    pruned: int = 0  # of the first entries, of which there are hashes alone


def verify_folder(
    folder: Path,
    *,
    keys: Sequence[VerifierKey] = (),
    held: Sequence[str] = (),
    on_entries: Callable[[int], object] = int,
) -> Report:
    """Verify an exported log by the keys given, else by those that came with it.

    `held` are checkpoints that were kept elsewhere, as texts. `on_entries` is told the size first,
    and then how many entries more were read.
    """
    report = Report()
    try:
        newest = parse_note((folder / CHECKPOINT).read_text())
        report.keys = keys or list(map(parse_key, (folder / KEYS).read_text().splitlines()))
        old = [parse_note(path.read_text()) for path in sorted((folder / OLD).rglob("*.note"))]
        kept = [parse_note(text) for text in held]
    except (Malformed, OSError, UnicodeDecodeError) as error:
        report.findings.append(Finding(Fault.UNREADABLE, str(error)))
        return report
    report.checkpoint = newest.checkpoint
    report.findings += filter(None, (_judge(note, report.keys) for note in (newest, *old, *kept)))
    growing = Growing({note.checkpoint for note in (newest, *old, *kept)})
    walk = Walk(folder, newest.checkpoint, growing)
    on_entries(newest.checkpoint.size)
    walk.run(on_entries)
    report.findings += walk.findings()
    report.pruned = walk.pruned.end
    _compare(newest.checkpoint, {note.checkpoint for note in kept}, growing, report)
    return report


def base_of(origin: str) -> str:
    """The origin of a log's first epoch."""
    return "/".join(origin.split("/")[:3])


def _judge(note: Note, keys: Sequence[VerifierKey]) -> Finding | None:
    """What is wrong with a signature."""
    origin, size = note.checkpoint.origin, note.checkpoint.size
    of_this_log = [key for key in keys if base_of(key.name) == base_of(origin)]
    known = [VerifierKey(origin, key.public_key) for key in of_this_log]
    if any(note.is_signed_by(key) for key in known):
        return None
    is_known = {key.id for key in known} & {key_id for _, key_id, _ in note.signatures}
    fault = Fault.BAD_SIGNATURE if is_known else Fault.FOREIGN_KEY
    return Finding(fault, f"the checkpoint of {size} entries, {origin}")


def _compare(newest: Checkpoint, held: Set[Checkpoint], growing: Growing, report: Report) -> None:
    """The log has to begin with what every earlier checkpoint was made of."""
    report.compared = len(growing.agreed)
    contradicting = [*growing.broken, *growing.beyond]
    if newest in contradicting:
        return
    for old in contradicting:
        how = "cut" if old.size > newest.size else "rewritten"
        told = f"{how}, after {old.size} entries had been signed as {old.origin}"
        if old in held or old.origin == newest.origin:
            report.findings.append(Finding(Fault.SIGNED_AGAIN, told))
        else:
            report.epochs.append(told)
