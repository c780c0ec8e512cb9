"""Who knows the first key of a log goes on to the newest, and no further than keys have signed."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.audit.tlog.files import kept_lines, kept_path, tile_path
from portal.audit.tlog.notes import countersign, parse_note
from portal.audit.tlog.rotations import encoded, endorsement_of
from portal.audit.tlog.verifying import Report, verify_folder
from portal.core.canonical import canonical
from tests.audit.tlog.logs import ENTRIES, ORIGIN, note_of, put, verifier_key, write_log

TENANT = ORIGIN.rpartition("/")[2]
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 5)]
FIRST, SECOND, THIRD, FOREIGN = KEYS


def raw(secret: Ed25519PrivateKey) -> bytes:
    return secret.public_key().public_bytes_raw()


def made(
    key: Ed25519PrivateKey, follows: Ed25519PrivateKey, signed_by: Ed25519PrivateKey | None = None
) -> bytes:
    """The entry of a new key."""
    endorsement = (signed_by or follows).sign(endorsement_of(TENANT, raw(key), raw(follows)))
    values = {"public_key": raw(key), "follows": raw(follows), "endorsement": endorsement}
    detail = {name: encoded(value) for name, value in values.items()}
    return canonical({"action": "signing-key.made", "detail": detail})


# Two rotations: what is signed at 300 and at 500 is the first that has them.
LOG = [*ENTRIES[:290], made(SECOND, FIRST), *ENTRIES[:150], made(THIRD, SECOND), *ENTRIES[:158]]


def write(
    folder: Path,
    entries: Sequence[bytes],
    signed: dict[int, Sequence[object]],
    second_epoch: int = 1000,
) -> Path:
    """A log with a checkpoint at each size, by its keys."""
    write_log(folder, entries, old_sizes=())
    newest = max(signed)
    for size, (first, *more) in signed.items():
        note = note_of(entries[:size], first, ORIGIN if size < second_epoch else f"{ORIGIN}/2")
        for key in more:
            note = countersign(note, raw(key), key.sign)
        put(folder / ("checkpoint" if size == newest else f"old/1/{size}.note"), note.encode())
    return folder


SIGNED = {200: [FIRST], 300: [FIRST, SECOND], 400: [SECOND], 500: [SECOND, THIRD], 600: [THIRD]}


def verify(folder: Path, pinned: Ed25519PrivateKey = FIRST) -> Report:
    return verify_folder(folder, keys=[verifier_key(pinned)])


def named(report: Report) -> list[str]:
    return [str(finding).replace(f", {ORIGIN}", "") for finding in report.findings]


def test_two_rotations_are_followed_from_the_first_key(tmp_path) -> None:
    report = verify(write(tmp_path, LOG, SIGNED))
    assert named(report) == []
    assert report.followed == {290: verifier_key(SECOND), 441: verifier_key(THIRD)}


def test_two_rotations_between_two_checkpoints_are_followed(tmp_path) -> None:
    report = verify(write(tmp_path, LOG, {200: [FIRST], 500: [FIRST, THIRD], 600: [THIRD]}))
    assert named(report) == []
    assert [*report.followed] == [290, 441]


def test_rotations_are_followed_over_what_was_pruned(tmp_path) -> None:
    """By their entries, which are kept: with nothing but the export, and by no other entry."""
    root = parse_note(note_of(LOG[:512])).checkpoint.root.hex()
    told = {"first": 0, "end": 512, "entries": 510, "kept": [290, 441], "root": root}
    log = [*LOG[:590], canonical({"action": "log.pruned", "detail": told}), *LOG[591:]]
    write(tmp_path, log, SIGNED)
    for index in range(2):
        (tmp_path / tile_path("entries", index)).unlink()
    put(tmp_path / kept_path(1), kept_lines([(290, LOG[290]), (441, LOG[441])]))
    report = verify(tmp_path)
    assert named(report) == []
    assert report.followed == {290: verifier_key(SECOND), 441: verifier_key(THIRD)}
    forged = made(FOREIGN, FIRST)
    put(tmp_path / kept_path(1), kept_lines([(290, forged), (441, LOG[441])]))
    report = verify(tmp_path)
    assert report.followed == {}
    assert "edited: entry 290" in named(report)


def test_rotations_are_followed_into_another_epoch(tmp_path) -> None:
    """What was signed of the log before it was restored is told of, and changes nothing."""
    folder = write(tmp_path, LOG, SIGNED, second_epoch=500)
    put(folder / "old/1/590.note", note_of([*LOG[:400], *ENTRIES[:190]], SECOND).encode())
    report = verify(folder)
    assert named(report) == []
    assert report.epochs == [f"rewritten, after 590 entries had been signed as {ORIGIN}"]
    assert [str(key) for key in report.followed.values()] == [
        str(verifier_key(key, f"{ORIGIN}/2")) for key in (SECOND, THIRD)
    ]


def test_a_key_that_the_one_before_did_not_sign_for_is_named(tmp_path) -> None:
    """Whoever writes entries gets a log that the old key signed, and can sign beside it."""
    forged = [*ENTRIES[:290], made(FOREIGN, FIRST, signed_by=FOREIGN), *ENTRIES[:309]]
    signed = {300: [FIRST, FOREIGN], 600: [FOREIGN]}
    report = verify(write(tmp_path, forged, signed))
    assert report.followed == {}
    assert named(report) == [
        "foreign key: the checkpoint of 600 entries",
        "not vouched for: the key of entry 290, by the key before it",
    ]


def test_the_new_key_alone_vouches_for_no_other_past(tmp_path) -> None:
    """The entry is genuine, and what came before it is not what the first key has signed."""
    rewritten = [b"forged", *LOG[1:400]]
    report = verify(write(tmp_path, rewritten, {300: [SECOND], 400: [SECOND]}))
    assert report.followed == {}
    assert named(report) == [
        "foreign key: the checkpoint of 400 entries",
        "foreign key: the checkpoint of 300 entries",
        "not vouched for: the key of entry 290, by the key before it",
    ]


def test_the_old_key_signs_nothing_any_more_once_the_log_has_told_of_another(tmp_path) -> None:
    report = verify(write(tmp_path, LOG, SIGNED | {600: [FIRST]}))
    assert named(report) == ["retired key: the checkpoint of 600 entries"]


def test_the_endorsement_of_another_organisation_is_none(tmp_path) -> None:
    foreign = made(SECOND, FIRST).replace(
        encoded(FIRST.sign(endorsement_of(TENANT, raw(SECOND), raw(FIRST)))).encode(),
        encoded(FIRST.sign(endorsement_of("another", raw(SECOND), raw(FIRST)))).encode(),
    )
    log = [*ENTRIES[:290], foreign, *ENTRIES[:309]]
    report = verify(write(tmp_path, log, {300: [FIRST, SECOND], 600: [SECOND]}))
    assert "not vouched for: the key of entry 290, by the key before it" in named(report)


@pytest.mark.parametrize("pinned", [SECOND, THIRD])
def test_who_knows_a_later_key_is_told_of_no_earlier_one(tmp_path, pinned) -> None:
    later = {size: keys for size, keys in SIGNED.items() if pinned in keys or size == 600}
    assert named(verify(write(tmp_path, LOG, later), pinned)) == []


@pytest.mark.parametrize("detail", [b'"x"', b"[]", b'{"public_key":7}', b'{"follows":"=="}'])
def test_an_entry_of_a_key_that_is_none_is_named_and_stops_nothing(tmp_path, detail) -> None:
    strange = b'{"action":"signing-key.made","detail":' + detail + b"}"
    log = [made(SECOND, FIRST), strange, *ENTRIES[:598]]
    report = verify(write(tmp_path, log, {600: [FIRST, SECOND]}))
    expected = ["not vouched for: the key of entry 1, by the key before it"]
    assert named(report) == (expected if detail.startswith(b"{") else [])
