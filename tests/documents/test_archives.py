"""Folders as ZIP: what is in it, what it is called, and when it breaks off."""

import io
import sys
from collections import Counter
from collections.abc import Callable
from uuid import uuid4
from zipfile import ZIP_STORED, ZipFile

import pytest
from sqlalchemy import delete

from portal.access.models import RoleAssignment
from portal.core.errors import PortalError
from portal.documents import archives
from portal.documents.archives import safe_name, told_apart
from tests.conftest import on_sqlite
from tests.documents.sharers import make_folder
from tests.flows.blobs import opened_blobs
from tests.harness.statements import statements


def address(folder: object) -> str:
    return f"/documents/folders/{folder}/archive"


def test_a_folder_comes_with_all_in_it(acme) -> None:
    member, shared = acme.visit("member"), acme.folders["shared"]
    inner = make_folder(acme, "Verträge", "shared")
    make_folder(acme, "Leer", inner)
    large = bytes(range(256)) * 6000
    member.upload("Übersicht.bin", large, inner)
    member.upload("Empty.txt", b"", inner)
    gone = member.upload("Gone.txt", b"gone", inner).json["id"]
    member.post(f"/documents/{gone}/delete")
    with opened_blobs() as opened:
        answer = acme.visit("guest").get(address(shared))
        assert all(reader.closed for reader in opened)
    assert answer.content_length == len(answer.data)
    packed = ZipFile(io.BytesIO(answer.data))
    assert packed.testzip() is None
    [top] = {name.partition("/")[0] for name in packed.namelist()}
    assert f"{top}/Verträge/Leer/" in packed.namelist()
    assert packed.read(f"{top}/Verträge/Übersicht.bin") == large
    assert packed.read(f"{top}/Verträge/Empty.txt") == b""
    assert {one.compress_type for one in packed.infolist()} == {ZIP_STORED}
    assert not [name for name in packed.namelist() if "Gone" in name]
    told = [entry["action"] for entry in acme.log() if entry["actor_id"] == acme["guest"].id]
    assert told == ["folder.downloaded", *["document.downloaded"] * 3]


def test_each_document_takes_the_same_few_statements(acme) -> None:
    """Those of a download of its own, which each is: who asks, may they still, what is recorded."""
    member, shared = acme.visit("member"), acme.folders["shared"]
    taken = []
    for count in (0, 1, 5):  # documents more than there were
        for number in range(count):
            member.upload(f"{count}-{number}.txt", b"x", shared)
        member.get(address(shared))  # keys are unlocked by now
        with statements() as sent:
            assert member.get(address(shared)).status_code == 200
        taken.append(len(sent))
    begun, first, sixth = taken
    assert sixth - first == 5 * (first - begun) <= 5 * 8


def test_what_one_may_not_read_is_not_packed(acme, globex) -> None:
    guest, member = acme.visit("guest"), acme.visit("member")
    other = member.post("/folders", {"name": "Other"}).location.rpartition("/")[2]
    assert guest.get(address(other)).status_code == 403
    assert member.get(address(uuid4())).status_code == 404
    assert member.get(address(globex.folders["shared"])).status_code == 404


def test_names_of_one_folder_are_told_apart_and_safe_on_any_disk() -> None:
    names = ["Plan.txt", "plan.TXT", "Plan.txt", "con.txt", "a:b?", "end. ", "日本"]
    assert list(told_apart(names)) == [
        *("Plan.txt", "plan (2).TXT", "Plan (3).txt", "_con.txt", "a_b_", "end_", "日本"),
    ]
    assert safe_name("../up") == ".._up"


def test_long_names_are_cut_to_what_a_disk_can_hold(tmp_path) -> None:
    names = ["报" * 150 + ".txt"] * 3 + ["报" * 149 + "告.txt"]
    names += ["e\u0301" * 100, "é" * 200, "a" * 200]
    names += ["a." + "报" * 150, "\u0301" * 200, "x" * 198 + ". 报" * 66]
    told = list(told_apart(names))
    assert told[:4] == [
        "报" * 83 + ".txt",
        *("报" * 79 + f" ({number}).txt" for number in (2, 3, 4)),
    ]
    assert told[4] == "e\u0301" * 85
    assert told[6] == names[6]
    for name in told:
        (tmp_path / name).write_bytes(b"")
    assert len(list(tmp_path.iterdir())) == len(names)


@pytest.mark.parametrize("others", ["alike", "long", "numbered"])
def test_names_are_told_apart_in_time_that_grows_with_their_number(others) -> None:
    def names(count: int) -> list[str]:
        if others == "long":
            return [f"{'报' * 82}{number:04}.txt" for number in range(count)] * 2
        numbered = [f"Plan ({number}).txt" for number in range(2, count)]
        return (numbered if others == "numbered" else []) + ["Plan.txt"] * count

    assert len(set(told_apart(names(1000)))) == len(names(1000))
    assert calls_in(lambda: list(told_apart(names(2000)))) < 3 * calls_in(
        lambda: list(told_apart(names(1000)))
    )


def calls_in(work: Callable[[], object]) -> int:
    """How many functions were called for it."""
    seen: Counter[str] = Counter()
    sys.setprofile(lambda _frame, what, _about: seen.update((what,)))
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen["call"] + seen["c_call"]


@on_sqlite
@pytest.mark.parametrize("what", ["damaged", "gone", "trashed", "no right", "no role"])
def test_it_breaks_off_when_a_document_is_damaged_or_a_right_ends(
    portal, acme, monkeypatch, what
) -> None:
    member, inner = acme.visit("member"), make_folder(acme, "Inner", "shared")
    ids = [member.upload(f"{n}.txt", b"content %d" % n, inner).json["id"] for n in range(3)]
    second = next(r for r in portal.rows("document_version") if str(r["document_id"]) == ids[1])
    path = portal.blob_path(second)
    if what == "damaged":
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    elif what == "gone":
        path.unlink()
    answer = acme.visit("guest").client.get(
        address(inner), base_url=acme.visit("guest").base, buffered=False,
        headers={"Cookie": f"session={acme['guest'].token}"},
    )  # fmt: skip
    got, seen = [], iter(answer.response)
    while b"content 0" not in got:
        got.append(next(seen))
    if what == "trashed":
        member.post(f"/documents/{ids[1]}/delete")
    elif what == "no right":
        assert member.post(f"/folders/{inner}/move", {"folder": ""}).status_code == 302
    elif what == "no role":
        with acme.bound(writes=True) as session:
            session.execute(
                delete(RoleAssignment).where(RoleAssignment.user_id == acme["guest"].id)
            )
    with pytest.raises(PortalError):
        got.extend(seen)
    assert len(b"".join(got)) < answer.content_length
    assert b"content 1" not in got
    told = [entry["action"] for entry in acme.log() if entry["actor_id"] == acme["guest"].id]
    assert told.count("document.downloaded") == 1
    assert ("document.damaged" in told) == (what in ("damaged", "gone"))
    assert ("download.stopped" in told) == (what in ("trashed", "no right", "no role"))


@on_sqlite
def test_too_many_documents_are_refused(acme, monkeypatch) -> None:
    monkeypatch.setattr(archives, "MAX_DOCUMENTS", 1)
    inner = make_folder(acme, "Inner", "shared")
    for n in range(2):
        acme.visit("member").upload(f"{n}.txt", b"x", inner)
    assert acme.visit("member").get(address(inner)).status_code == 409
