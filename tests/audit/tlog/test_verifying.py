"""What was done to a log is found, and called by its name."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from portal.audit.tlog.files import bundle, kept_lines, kept_path, tile_path
from portal.audit.tlog.findings import Fault
from portal.audit.tlog.notes import parse_note
from portal.audit.tlog.verifying import Report, verify_folder
from portal.cli import portal
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
KEPT_NUMBERS = (3, 4, 300)  # of a log that was pruned


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


def test_of_the_keys_that_come_with_a_log_the_one_that_signed_it_is_shown(tmp_path) -> None:
    """Whoever compares it with the one that they know would else believe a forged log."""
    log = write_log(tmp_path / "forged", secret=FOREIGN)
    keys = [verifier_key(OWN), verifier_key(FOREIGN)]
    put(log / "vkey", "".join(f"{key}\n" for key in keys).encode())
    said = CliRunner().invoke(portal, ["audit", "verify", str(log)]).output
    assert "compare it with the one that you know" in said
    assert f"  {keys[1]}\n" in said
    assert str(keys[0]) not in said


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


def write_pruned(folder: Path, ends: Sequence[int], absent: int, **told: object) -> Path:
    """A log without its first `absent` bundles, which tells of pruning up to each of `ends`."""
    told_of, first = [], 0
    for end in ends:
        kept = [number for number in KEPT_NUMBERS if first <= number < end]
        root = parse_note(note_of(ENTRIES[:end])).checkpoint.root.hex()
        detail = {"first": first, "end": end, "entries": end - first - len(kept), "kept": kept}
        told_of.append(
            canonical({"action": "log.pruned", "detail": detail | {"root": root} | told})
        )
        first = end
    write_log(folder, [*ENTRIES, *told_of])
    for index in range(absent):
        (folder / tile_path("entries", index)).unlink()
        within = [n for n in KEPT_NUMBERS if index == n // 256]
        put(folder / kept_path(index), kept_lines((n, ENTRIES[n]) for n in within))
    return folder


@pytest.mark.parametrize("ends", [(256,), (512,), (256, 512)])
def test_a_log_that_was_pruned_and_says_so(tmp_path, ends) -> None:
    log = write_pruned(tmp_path / "log", ends, ends[-1] // 256)
    report = verify(log)
    assert named(log) == []
    assert (report.pruned, report.kept) == (ends[-1], 1 + ends[-1] // 256)
    assert report.compared == 1 + len(OLD_SIZES) + len(HELD)


@pytest.mark.parametrize(
    ("ends", "absent", "told", "missing"),
    [
        ((256,), 2, {}, "256 to 511"),
        ((512,), 1, {}, "0 to 255"),
        ((256,), 1, {"root": "00" * 32}, "0 to 255"),
        ((256, 512), 2, {"first": 256}, "0 to 255"),
    ],
)
def test_a_log_that_lost_another_beginning_than_it_tells_of(
    tmp_path, ends, absent, told, missing
) -> None:
    log = write_pruned(tmp_path / "log", ends, absent, **told)
    assert named(log) == [f"deleted: entries {missing}"]


def rewrite_kept(log: Path, index: int, *entries: tuple[int, bytes]) -> list[str]:
    put(log / kept_path(index), kept_lines(entries))
    return named(log)


def test_what_was_done_to_the_entries_that_are_kept_of_a_pruned_log_is_named(tmp_path) -> None:
    log = write_pruned(tmp_path / "log", (512,), 2)
    third, fourth = (3, ENTRIES[3]), (4, ENTRIES[4])
    assert rewrite_kept(log, 0, (3, FORGED), fourth) == ["edited: entry 3"]
    assert rewrite_kept(log, 0, third) == ["deleted: entry 4"]
    assert rewrite_kept(log, 0, third, fourth, (5, FORGED)) == ["inserted: entry 5"]
    assert rewrite_kept(log, 0, third, fourth, (5, ENTRIES[5])) == [], "it proves itself"
    for wrong in ([fourth, third], [third, third, fourth], [third, fourth, (300, FORGED)]):
        assert rewrite_kept(log, 0, *wrong)[-1].startswith("unreadable: kept/000: entry ")
    put(log / kept_path(0), b"3 entry 3\n4")
    assert named(log)[-1] == "unreadable: kept/000: it ends in the midst of an entry"
    put(log / kept_path(2), kept_lines([(520, FORGED)]))
    assert rewrite_kept(log, 0, third, fourth) == ["inserted: 'kept/002'"]


def test_entries_that_are_kept_are_counted_where_the_pruning_did_not_name_them(tmp_path) -> None:
    log = write_pruned(tmp_path / "log", (512,), 2, kept=None)
    assert named(log) == []
    some = "deleted: some of the entries 0 to 511: 3 were kept"
    assert rewrite_kept(log, 1) == [some]
    assert rewrite_kept(log, 1, (300, FORGED)) == ["edited: entry 300"]


def test_a_bundle_that_is_missing_after_the_beginning_of_a_pruned_log(tmp_path) -> None:
    log = write_pruned(tmp_path / "log", (256,), 2)
    put(log / tile_path("entries", 0), bundle(ENTRIES[:256]))
    assert named(log) == ["deleted: entries 256 to 511"]


def test_a_hash_of_what_was_pruned_that_was_changed(tmp_path) -> None:
    log = write_pruned(tmp_path / "log", (256,), 1)
    path = log / tile_path(0, 0)
    path.write_bytes(path.read_bytes()[::-1])
    assert named(log) == ["rewritten: among entries 0 to 0"]
    path.unlink()
    assert named(log) == ["bad tile: tile/0/000"]
