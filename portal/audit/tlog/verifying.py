"""Verifying a log that was exported: offline, against keys and checkpoints that somebody holds."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from portal.audit.tlog.files import CHECKPOINT, KEYS, OLD
from portal.audit.tlog.findings import Fault, Finding
from portal.audit.tlog.growing import Growing
from portal.audit.tlog.notes import Checkpoint, Malformed, Note, VerifierKey, parse_key, parse_note
from portal.audit.tlog.rotations import Rotation, follow, is_signed
from portal.audit.tlog.walking import Walk


@dataclass
class Report:
    """What verifying came to. `keys` are those of the known ones that have signed the newest
    checkpoint. `epochs` tells of breaks that the portal itself recorded, `followed` of keys that
    were not given, by the numbers of the entries that led to them.
    """

    checkpoint: Checkpoint | None = None
    keys: Sequence[VerifierKey] = ()
    compared: int = 0  # checkpoints that the log agrees with
    findings: list[Finding] = field(default_factory=list)
    epochs: list[str] = field(default_factory=list)
    followed: dict[int, VerifierKey] = field(default_factory=dict)
    pruned: int = 0  # of the first entries, of which there are hashes
    kept: int = 0  # and themselves, of so many of them


def verify_folder(
    folder: Path,
    *,
    keys: Sequence[VerifierKey] = (),
    held: Sequence[str] = (),
    on_entries: Callable[[int], object] = int,
) -> Report:
    """Verify an exported log by the keys given, and those that took over from them, else by those
    that came with it.

    `held` are checkpoints that were kept elsewhere, as texts. `on_entries` is told the size first,
    and then how many entries more were read.
    """
    report = Report()
    try:
        newest = parse_note((folder / CHECKPOINT).read_text())
        known = keys or list(map(parse_key, (folder / KEYS).read_text().splitlines()))
        old = [parse_note(path.read_text()) for path in sorted((folder / OLD).rglob("*.note"))]
        kept = [parse_note(text) for text in held]
    except (Malformed, OSError, UnicodeDecodeError) as error:
        report.findings.append(Finding(Fault.UNREADABLE, str(error)))
        return report
    report.checkpoint = newest.checkpoint
    notes = [newest, *old, *kept]
    growing = Growing({note.checkpoint for note in notes})
    walk = Walk(folder, newest.checkpoint, growing)
    on_entries(newest.checkpoint.size)
    walk.run(on_entries)
    _judge_keys(notes, known, walk.rotations, set(growing.agreed), report)
    report.findings += walk.findings()
    report.pruned, report.kept = walk.pruned.end, len(walk.pruned.kept.sound)
    _compare(newest.checkpoint, {note.checkpoint for note in kept}, growing, report)
    return report


def base_of(origin: str) -> str:
    """The origin of a log's first epoch."""
    return "/".join(origin.split("/")[:3])


def _judge_keys(
    notes: Sequence[Note],
    known: Sequence[VerifierKey],
    rotations: Sequence[Rotation],
    agreed: Set[Checkpoint],
    report: Report,
) -> None:
    """Follow the log's keys from those that are known, and judge each checkpoint by them."""
    newest, base = notes[0], base_of(notes[0].checkpoint.origin)
    own = {key.public_key: None for key in known if base_of(key.name) == base}
    of_this_log = [note for note in notes if note.checkpoint in agreed]
    found = follow(rotations, of_this_log, [*own], base.rpartition("/")[2])
    name = newest.checkpoint.origin
    report.keys = [VerifierKey(name, key) for key in found.keys if is_signed(newest, key)]
    for note in notes:
        is_own = base_of(note.checkpoint.origin) == base
        wanted = found.key_at(note.checkpoint.size) if note in of_this_log else None
        if fault := _find_fault(note, found.keys if is_own else [], wanted):
            where = f"the checkpoint of {note.checkpoint.size} entries, {note.checkpoint.origin}"
            report.findings.append(Finding(fault, where))
    for rotation in found.refused:
        where = f"the key of entry {rotation.number}, by the key before it"
        report.findings.append(Finding(Fault.UNVOUCHED, where))
    for rotation in found.rotations:
        if rotation.public_key not in own:
            report.followed[rotation.number] = VerifierKey(name, rotation.public_key)


def _find_fault(note: Note, known: Sequence[bytes], wanted: bytes | None) -> Fault | None:
    """What is wrong with the signatures. `wanted` is the key that must be among them, if one is."""
    signing = [key for key in known if is_signed(note, key)]
    if signing:
        return None if wanted is None or wanted in signing else Fault.RETIRED_KEY
    ids = {VerifierKey(note.checkpoint.origin, key).id for key in known}
    is_known = ids & {key_id for _, key_id, _ in note.signatures}
    return Fault.BAD_SIGNATURE if is_known else Fault.FOREIGN_KEY


def _compare(newest: Checkpoint, held: Set[Checkpoint], growing: Growing, report: Report) -> None:
    """The log has to begin with what every earlier checkpoint was made of."""
    report.compared = len(growing.agreed)
    contradicting = [*growing.broken, *growing.beyond]
    if newest in contradicting:
        return
    for old in contradicting:
        how = "cut" if old.size > newest.size else "rewritten"
        what = f"{how}, after {old.size} entries had been signed as {old.origin}"
        if old in held or old.origin == newest.origin:
            report.findings.append(Finding(Fault.SIGNED_AGAIN, what))
        else:
            report.epochs.append(what)
