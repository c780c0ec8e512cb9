"""What was done to a log is found, and called by its name."""

import shutil
from pathlib import Path

import pytest

from portal.audit.tlog.files import bundle, tile_path
from portal.audit.tlog.findings import Fault
from portal.audit.tlog.notes import parse_note
from portal.audit.tlog.verifying import Report, verify_folder
from portal.core.canonical import canonical
from tests.audit.tlog.logs import (
    ENTRIES,
    FOREIGN,
    OLD_SIZES,
    ORIGIN,
    OWN,
    note_of,
    put,
    verifier_key,
    write_entries,
    write_log,
)

HELD = [note_of(ENTRIES[:555])]
FORGED = b"forged"


@pytest.fixture
def log(tmp_path) -> Path:
    return write_log(tmp_path / "log")


def named(folder: Path, held: list[str] = HELD) -> list[str]:
    return [str(found) for found in verify(folder, held).findings]


def verify(folder: Path, held: list[str] = HELD) -> Report:
    return verify_folder(folder, keys=[verifier_key()], held=held)


def entries_but(folder: Path, entries: list[bytes]) -> None:
    shutil.rmtree(folder / "tile/entries")
    write_entries(folder, entries)


def test_a_log_that_is_whole_agrees_with_every_checkpoint(log) -> None:
    report = verify(log)
    assert (report.findings, report.epochs) == ([], [])
    assert report.compared == 1 + len(OLD_SIZES) + len(HELD)
    assert verify_folder(log).findings == []


@pytest.mark.parametrize("number", [0, 255, 256, 599])
def test_an_entry_that_was_edited(log, number) -> None:
    entries_but(log, [*ENTRIES[:number], FORGED, *ENTRIES[number + 1 :]])
    assert named(log)[0] == f"edited: entry {number}"


@pytest.mark.parametrize("number", [0, 300])
def test_an_entry_that_was_deleted(log, number) -> None:
    entries_but(log, ENTRIES[:number] + ENTRIES[number + 1 :])
    assert named(log)[0] == f"deleted: entry {number}"


def test_a_bundle_that_was_deleted(log) -> None:
    (log / tile_path("entries", 0)).unlink()
    assert named(log)[0] == "deleted: entries 0 to 255"


@pytest.mark.parametrize("number", [1, 300])
def test_an_entry_that_was_inserted(log, number) -> None:
    entries_but(log, [*ENTRIES[:number], FORGED, *ENTRIES[number:]][: len(ENTRIES)])
    assert named(log)[0] == f"inserted: entry {number}"


@pytest.mark.parametrize(("one", "other"), [(4, 5), (7, 99), (3, 500)])
def test_entries_that_were_reordered(log, one, other) -> None:
    swapped = [*ENTRIES]
    swapped[one], swapped[other] = swapped[other], swapped[one]
    entries_but(log, swapped)
    assert named(log)[0] == f"reordered: entries {one} to {other}"


@pytest.mark.parametrize("kept", [512, 580])
def test_a_log_that_was_cut(log, kept) -> None:
    entries_but(log, ENTRIES[:kept])
    last = log / tile_path("entries", 2, 600 % 256)
    if kept > 512:  # the name of the file says how much there was
        (log / tile_path("entries", 2, kept % 256)).rename(last)
    assert named(log)[0] == f"truncated: after {kept} entries"


def test_entries_and_hashes_that_were_changed_together(log, tmp_path) -> None:
    other = write_log(tmp_path / "other", [*ENTRIES[:400], FORGED, *ENTRIES[401:]])
    for name in ("checkpoint", "vkey", "old"):
        shutil.rmtree(other / name) if (other / name).is_dir() else (other / name).unlink()
        copy = shutil.copytree if (log / name).is_dir() else shutil.copy
        copy(log / name, other / name)
    assert named(other) == ["rewritten: among entries 300 to 510"]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"])
def test_a_hash_that_was_changed_beside_sound_entries(log, path) -> None:
    content = (log / path).read_bytes()
    (log / path).write_bytes(content[:40][::-1] + content[40:])
    assert [f.fault for f in verify(log).findings] == [Fault.BAD_TILE]


def test_a_log_that_was_cut_and_signed_again_with_the_stolen_key(tmp_path) -> None:
    cut = write_log(tmp_path / "cut", ENTRIES[:400], old_sizes=(1, 256))
    assert verify(cut, held=[]).findings == [], (
        "nobody can tell without a checkpoint from elsewhere"
    )
    assert named(cut) == [f"signed again: cut, after 555 entries had been signed as {ORIGIN}"]


def test_a_log_that_was_rewritten_and_signed_again_with_the_stolen_key(tmp_path) -> None:
    forged = [*ENTRIES[:550], FORGED, *ENTRIES[551:]]
    rewritten = write_log(tmp_path / "rewritten", forged)
    assert verify(rewritten, held=[]).findings == []
    assert named(rewritten) == [
        f"signed again: rewritten, after 555 entries had been signed as {ORIGIN}"
    ]


def test_a_log_that_goes_on_under_another_name_does_not_get_round_what_is_held(tmp_path) -> None:
    cut = write_log(tmp_path / "cut", ENTRIES[:400], old_sizes=())
    put(cut / "checkpoint", note_of(ENTRIES[:400], origin=f"{ORIGIN}/2").encode())
    put(cut / "old/1/580.note", note_of(ENTRIES[:580]).encode())
    report = verify(cut, held=[])
    assert report.findings == []
    assert report.epochs == [f"cut, after 580 entries had been signed as {ORIGIN}"]
    assert [f.fault for f in verify(cut).findings] == [Fault.SIGNED_AGAIN]


def test_a_log_that_another_key_signed(tmp_path) -> None:
    foreign = write_log(tmp_path / "foreign", secret=FOREIGN, old_sizes=())
    assert named(foreign) == [f"foreign key: the checkpoint of 600 entries, {ORIGIN}"]
    assert verify_folder(foreign).findings == [], "whoever takes the key that came with it"


def test_the_log_of_another_organisation(tmp_path) -> None:
    elsewhere = ORIGIN.replace("0198a", "0198b")
    folder = write_log(tmp_path / "log", old_sizes=())
    put(folder / "checkpoint", note_of(ENTRIES, origin=elsewhere).encode())
    assert [f.fault for f in verify(folder, held=[]).findings] == [Fault.FOREIGN_KEY]


def test_a_signature_that_is_none(log) -> None:
    text = (log / "checkpoint").read_text()
    put(log / "checkpoint", f"{text[:-20]}AAAAAAAA{text[-12:]}".encode())
    assert [f.fault for f in verify(log).findings] == [Fault.BAD_SIGNATURE]


@pytest.mark.parametrize("path", ["checkpoint", "vkey", "tile/entries/001"])
def test_files_that_are_none_are_said_to_be(log, path) -> None:
    put(log / path, b"\xff\xff\xff")
    assert Fault.UNREADABLE in {found.fault for found in verify_folder(log).findings}


def test_a_log_without_an_entry_is_whole(tmp_path) -> None:
    assert verify(write_log(tmp_path / "log", [], old_sizes=()), held=[]).findings == []


def test_old_checkpoints_signed_by_a_key_that_was_rotated_are_good_if_both_are_known(log) -> None:
    put(log / "old/1/100.note", note_of(ENTRIES[:100], FOREIGN).encode())
    both = [verifier_key(), verifier_key(FOREIGN)]
    assert verify_folder(log, keys=both).findings == []
    assert [f.fault for f in verify_folder(log, keys=both[:1]).findings] == [Fault.FOREIGN_KEY]
    assert OWN is not FOREIGN


def pruned_log(folder: Path, told_end: int, absent: int, *, root: str = "") -> Path:
    """A log whose first `absent` bundles are gone, and that tells of pruning up to `told_end`."""
    root = root or parse_note(note_of(ENTRIES[:told_end])).checkpoint.root.hex()
    detail = {"end": told_end, "first": 0, "root": root}
    told = canonical({"action": "log.pruned", "detail": detail})
    write_log(folder, [*ENTRIES, told])
    for index in range(absent):
        (folder / tile_path("entries", index)).unlink()
    return folder


def test_a_log_that_was_pruned_and_says_so(tmp_path) -> None:
    log = pruned_log(tmp_path / "log", 256, 1)
    assert named(log) == []
    assert verify(log).pruned == 256
    assert verify(log).compared == 1 + len(OLD_SIZES) + len(HELD)


@pytest.mark.parametrize(
    ("told_end", "absent", "root"), [(256, 2, ""), (512, 1, ""), (256, 1, "00" * 32)]
)
def test_a_log_that_lost_another_beginning_than_it_tells_of(
    tmp_path, told_end, absent, root
) -> None:
    log = pruned_log(tmp_path / "log", told_end, absent, root=root)
    assert named(log) == [f"deleted: entries 0 to {absent * 256 - 1}"]


def test_a_bundle_that_is_missing_after_the_beginning_of_a_pruned_log(tmp_path) -> None:
    log = pruned_log(tmp_path / "log", 256, 2)
    put(log / tile_path("entries", 0), bundle(ENTRIES[:256]))
    assert named(log) == ["deleted: entries 256 to 511"]


def test_a_hash_of_what_was_pruned_that_was_changed(tmp_path) -> None:
    log = pruned_log(tmp_path / "log", 256, 1)
    path = log / tile_path(0, 0)
    path.write_bytes(path.read_bytes()[::-1])
    assert named(log) == ["rewritten: among entries 0 to 0"]
    path.unlink()
    assert named(log) == ["bad tile: tile/0/000"]
