"""Contents are read back; what is damaged, missing or foreign is told once to whom it concerns."""

import os
import threading
from contextlib import suppress
from pathlib import Path
from stat import S_IFSOCK
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.audit.actor import SYSTEM
from portal.cli.verifying import verifying
from portal.documents.integrity import checking, rounds
from portal.documents.integrity.checking import Pace, Stopped
from portal.documents.integrity.findings import DamageFound, tell_of_findings
from portal.storage.chosen import blobs
from tests.cli.operators import Operator
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Installation, Organisation
from tests.serving import serving

AT_ONCE = Pace(100_000)
BODY = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def verify(portal) -> Any:
    """`portal document verify acme`."""
    return lambda: Operator(portal.settings)("document", "verify", "acme")


def uploaded(to: Organisation, name: str = "Report.bin", body: bytes = BODY) -> str:
    return to.visit("member").upload(name, body).json["id"]


def path_of(portal: Installation, document_id: str) -> Path:
    rows = portal.rows("document_version")
    return portal.blob_path(next(row for row in rows if str(row["document_id"]) == document_id))


def flip(path: Path, at: int) -> None:
    sealed = bytearray(path.read_bytes())
    sealed[at] ^= 1
    path.write_bytes(sealed)


def fail_from_here(path: Path) -> None:
    """Have the disk give an error, instead of what is behind the bytes that were read of the file.

    Who reads their own memory gets one, as nothing lies at its beginning.
    """
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        for opened in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):
                if opened.readlink() == path:
                    os.dup2(memory, int(opened.name), inheritable=False)
    finally:
        os.close(memory)


def faults(portal: Installation) -> list[tuple[str, bool]]:
    return [(row["fault"], row["settled_at"] is None) for row in portal.rows("integrity_finding")]


def entries(organisation: Organisation, action: str) -> list[Any]:
    return [entry for entry in organisation.log() if entry["action"] == action]


def test_where_all_is_well_nothing_is_found(portal, acme, verify) -> None:
    uploaded(acme)
    done = verify()
    assert (done.status, faults(portal)) == (0, [])
    assert "acme: 4 contents read, 0 faults" in done.out
    [entry] = entries(acme, "contents.verified")
    assert entry["detail"]["versions"] == 4
    page = acme.visit("officer").get("/health").text
    assert "None</span>" in page
    assert "Nothing is known to be wrong" in page


@pytest.mark.parametrize("at", [0, 40, 100, 500_000, -1, "cut", "longer", "other"])
@on_sqlite
def test_rot_is_found_wherever_it_is(portal, acme, verify, at) -> None:
    path = path_of(portal, uploaded(acme))
    other = path_of(portal, uploaded(acme, "Other.bin"))
    kept = path.read_bytes()
    changed = {"cut": kept[:-1], "longer": kept + b"\0", "other": other.read_bytes()}
    if at in changed:
        path.write_bytes(changed[at])
    else:
        flip(path, at)
    assert verify().status == 1
    assert faults(portal) == [("rot", True)]


@on_sqlite
def test_rot_in_the_empty_chunk_that_ends_a_full_part_is_found(portal, acme, verify) -> None:
    """No range ever reads it."""
    path = path_of(portal, uploaded(acme, body=bytes(9 * 2**20)))
    flip(path, 8_396_872 - 1)
    assert verify().status == 1
    assert faults(portal) == [("rot", True)]


@pytest.mark.parametrize("other", ["a link", "a folder"])
@on_sqlite
def test_what_lies_in_the_place_of_a_content_keeps_no_other_from_being_read(
    portal, acme, verify, other
) -> None:
    first, second = (path_of(portal, uploaded(acme, name)) for name in ("a.bin", "b.bin"))
    kept = first.rename(first.with_suffix(".kept"))
    if other == "a link":
        first.symlink_to(kept)
    else:
        first.mkdir()
    flip(second, -1)
    try:
        assert verify().status == 1
    finally:
        (first.unlink if other == "a link" else first.rmdir)()
    assert faults(portal) == [("rot", True)] * 2
    [entry] = entries(acme, "contents.verified")
    assert entry["detail"]["versions"] == 5
    kept.rename(first)
    assert verify().status == 1
    assert sorted(faults(portal)) == [("rot", False), ("rot", True)]


@on_sqlite
def test_a_bad_sector_keeps_no_other_content_from_being_read(portal, acme) -> None:
    first, second = (path_of(portal, uploaded(acme, n, BODY * 3)) for n in ("a.bin", "b.bin"))
    flip(second, -1)
    with acme.bound(writes=True) as session:
        round_id = rounds.begin()
        session.commit()
        read_all(round_id, session, Pace(100_000, lambda _seconds: fail_from_here(first)))
        ended = rounds.end_round(SYSTEM, round_id)
        assert (ended.versions, ended.found) == (5, 2)
    assert faults(portal) == [("rot", True)] * 2


def refuse_to_open(path: Path) -> Path:
    """Put in its place what can't be opened, and says nothing of it; gives where it is now."""
    kept = path.rename(path.with_suffix(".kept"))
    os.mknod(path, S_IFSOCK | 0o600)
    return kept


def test_what_the_store_refuses_is_passed_over_said_and_not_settled(portal, acme, verify) -> None:
    first, second = (path_of(portal, uploaded(acme, name)) for name in ("a.bin", "b.bin"))
    flip(first, -1)
    flip(second, -1)
    assert verify().status == 1
    flip(second, -1)
    kept = refuse_to_open(first)
    try:
        done = verify()
    finally:
        kept.replace(first)
    assert done.status == 1
    assert "acme: 4 contents read, 0 faults, 1 not to be read" in done.out
    assert sorted(faults(portal)) == [("rot", False), ("rot", True)]
    flip(first, -1)
    assert verify().status == 0
    assert faults(portal) == [("rot", False)] * 2


def test_a_fault_is_told_once_and_settled_when_it_is_mended(portal, acme, verify) -> None:
    document_id = uploaded(acme)
    path = path_of(portal, document_id)
    kept = path.read_bytes()
    path.unlink()
    for _ in range(2):
        assert verify().status == 1
        with acme.bound(writes=True):
            tell_of_findings()
    assert faults(portal) == [("missing", True)]
    [entry] = entries(acme, "document.damaged")
    assert (entry["target"], entry["outcome"]) == (f"document:{document_id}", "failure")
    assert entry["detail"]["fault"] == "missing"
    mails = [mail for mail in acme.mails() if "Damaged" in mail["subject"]]
    assert sorted(mail["to"] for mail in mails) == [acme["auditor"].email, acme["officer"].email]
    assert not any("Report" in str(mail) or document_id in str(mail) for mail in mails)
    page = acme.visit("officer").get("/health").text
    assert "Report.bin" in page
    assert "Missing" in page
    path.write_bytes(kept)
    assert verify().status == 0
    assert faults(portal) == [("missing", False)]
    assert "Settled" in acme.visit("officer").get("/health").text
    path.unlink()
    assert verify().status == 1
    assert faults(portal) == [("missing", True)]
    assert len(entries(acme, "document.damaged")) == 2


@on_sqlite
def test_a_blob_of_no_document_is_found_when_no_sweep_took_it(portal, acme, verify, clock) -> None:
    blob_id = uuid4()
    with acme.bound(), blobs().create(acme.id, blob_id) as writer:
        writer.write(b"put there by somebody")
        writer.commit()
    assert verify().status == 0, "it is young: its row may still come"
    clock.advance(hours=3)
    assert verify().status == 1
    assert faults(portal) == [("foreign", True)]
    [entry] = entries(acme, "document.damaged")
    assert entry["target"] == f"blob:{blob_id}"


@on_sqlite
def test_another_organisations_officers_see_nothing(portal, acme, globex, verify) -> None:
    path_of(portal, uploaded(acme)).unlink()
    verify()
    with globex.bound(writes=True):
        tell_of_findings()
    assert not any("Damaged" in mail["subject"] for mail in globex.mails())
    assert "Report.bin" not in globex.visit("officer").get("/health").text
    assert acme.visit("member").get("/health").status_code == 403


@on_sqlite
def test_a_round_goes_on_where_it_was_and_comes_again_in_time(portal, acme, clock) -> None:
    for number in range(3):
        uploaded(acme, f"{number}.bin")

    def read_some(count: int) -> list[int | None]:
        with acme.bound(writes=True) as session:
            round_id = rounds.take_due(30)
            session.commit()
            if round_id is None:
                return []
            sizes = []
            for _ in range(count):
                sizes.append(rounds.verify_next(SYSTEM, round_id, AT_ONCE))
                session.commit()
            if sizes[-1] is None:
                rounds.end_round(SYSTEM, round_id)
            else:
                rounds.give_back(round_id)
            return sizes

    assert None not in read_some(4)
    clock.advance(seconds=1)
    assert read_some(3)[2] is None, "six in all"
    assert read_some(1) == [], "it is not due again"
    clock.advance(days=30)
    assert len(read_some(7)) == 7


@on_sqlite
def test_a_round_that_somebody_reads_is_left_alone_until_they_must_be_dead(acme, clock) -> None:
    with acme.bound(writes=True):
        begun = rounds.take_due(30)
    with acme.bound(writes=True):
        assert rounds.take_due(30) is None
    clock.advance(days=1, seconds=1)
    with acme.bound(writes=True):
        assert rounds.take_due(30) == begun


def delete_rows(acme: Organisation, document_id: str) -> None:
    """As the worker commits it, before it deletes the content."""
    digits = UUID(document_id).hex if acme.portal.name == "sqlite" else document_id
    for column, table in (("document_id", "document_version"), ("id", "document")):
        acme.portal.execute(f"DELETE FROM {table} WHERE {column} = '{digits}'", acme)


def read_all(round_id: UUID, session: Any, pace: Pace) -> None:
    while rounds.verify_next(SYSTEM, round_id, pace) is not None:
        session.commit()


def test_what_was_deleted_while_it_was_read_is_no_fault(portal, acme) -> None:
    document_id = uploaded(acme)
    flip(path_of(portal, document_id), 900_000)
    with acme.bound(writes=True) as session:
        round_id = rounds.begin()
        session.commit()
        read_all(round_id, session, Pace(1, lambda _seconds: delete_rows(acme, document_id)))
        rounds.end_round(SYSTEM, round_id)
    assert faults(portal) == []


@on_sqlite
def test_it_reads_no_faster_than_it_is_told(acme) -> None:
    waited: list[float] = []
    pace = Pace(4, waited.append)
    for _ in range(8):
        pace.keep(2**20)
    assert 1.5 < max(waited) <= 2


@on_sqlite
def test_it_stops_in_the_middle_of_a_content(portal, acme) -> None:
    uploaded(acme, body=bytes(9 * 2**20))
    with acme.bound(writes=True) as session:
        round_id = rounds.begin()
        session.commit()
        with pytest.raises(Stopped):
            read_all(round_id, session, Pace(1, lambda seconds: seconds > 0.5))
    assert faults(portal) == []


@on_sqlite
def test_the_worker_goes_round_by_itself(portal, acme, globex) -> None:
    path_of(portal, uploaded(acme)).unlink()
    stop = threading.Event()
    with portal.app.app_context(), verifying(stop):
        for _ in range(200):
            if all(entries(one, "contents.verified") for one in (acme, globex)):
                break
            stop.wait(0.05)
    assert faults(portal) == [("missing", True)]
    [entry] = entries(acme, "document.damaged")
    assert entry["actor_kind"] == "system"


def test_a_command_that_is_interrupted_leaves_its_round_to_the_worker(
    portal, acme, verify, clock, monkeypatch
) -> None:
    """By Ctrl-C, while it reads a content."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checking, "decrypt", interrupt)
        assert verify().status == 1
    [begun] = portal.rows("verification_round")
    clock.advance(seconds=1)
    with acme.bound(writes=True):
        assert rounds.take_due(30) == begun["id"]


@pytest.mark.parametrize("damage", ["at once", "later", "gone", "a link"])
def test_a_damaged_download_breaks_off_is_recorded_and_noted(portal, acme, damage) -> None:
    document_id = uploaded(acme, body=bytes(3 * 2**20))
    path = path_of(portal, document_id)
    if damage == "gone":
        path.unlink()
    elif damage == "a link":
        path.symlink_to(path.rename(path.with_suffix(".kept")))
    else:
        flip(path, 100 if damage == "at once" else 2_000_000)
    with suppress(DamageFound):
        answer = acme.visit("member").get(f"/documents/{document_id}/download")
        assert answer.status_code == 500
        assert damage != "later"
    [entry] = entries(acme, "document.damaged")
    assert (entry["actor_id"], entry["outcome"]) == (acme["member"].id, "failure")
    assert faults(portal) == [("missing" if damage == "gone" else "rot", True)]
    assert len(entries(acme, "document.downloaded")) == (1 if damage == "later" else 0)


def test_a_download_that_meets_a_bad_sector_breaks_off_and_is_recorded(portal, acme) -> None:
    document_id = uploaded(acme, body=BODY * 9)
    member = acme.visit("member")
    answer = member.client.get(f"/documents/{document_id}/download", base_url=member.base)
    blocks = iter(answer.response)
    assert next(blocks)
    fail_from_here(path_of(portal, document_id))
    with pytest.raises(DamageFound):
        list(blocks)
    answer.close()
    [entry] = entries(acme, "document.damaged")
    assert (entry["actor_id"], entry["detail"]["fault"]) == (acme["member"].id, "rot")
    assert faults(portal) == [("rot", True)]


@on_postgresql
def test_what_was_deleted_while_somebody_opened_it_is_nowhere_and_no_fault(portal, acme) -> None:
    document_id = uploaded(acme)
    path = path_of(portal, document_id)

    def delete(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "document_version" in statement and path.exists():
            delete_rows(acme, document_id)
            path.unlink()

    event.listen(Engine, "after_cursor_execute", delete)
    try:
        answer = acme.visit("member").get(f"/documents/{document_id}/download")
    finally:
        event.remove(Engine, "after_cursor_execute", delete)
    assert not path.exists()
    assert (answer.status_code, "There is nothing here." in answer.text) == (404, True)
    assert (faults(portal), entries(acme, "document.damaged")) == ([], [])


@on_sqlite
def test_over_a_socket_a_damaged_download_ends_short_of_what_was_announced(portal, acme) -> None:
    document_id = uploaded(acme, body=bytes(3 * 2**20))
    flip(path_of(portal, document_id), 2_000_000)
    head = (
        f"GET /documents/{document_id}/download HTTP/1.1\nHost: {acme.host}:8000\n"
        f"Cookie: session={acme['member'].token}\nConnection: close"
    )
    with serving(portal.settings) as server:
        headers, _, content = server.ask(head).partition(b"\r\n\r\n")
    assert headers.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 3145728" in headers.lower()
    assert 2**20 <= len(content) < 2 * 10**6
    assert not content.strip(b"\0"), "no wrong byte, and no page behind the bytes"
    assert len(entries(acme, "document.damaged")) == 1
