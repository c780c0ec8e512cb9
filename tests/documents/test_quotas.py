"""How much there is room for: exact, however many upload at once, and given back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest

from portal.documents import quotas
from portal.documents.quotas import sweep_room
from portal.tenancy.session import db
from tests.conftest import on_sqlite
from tests.documents.retention.keeping import end_holds, hold, is_there, later, rule, trash, work
from tests.installation import Organisation

MIB = 2**20
AT_ONCE = 50


def limit(organisation: Organisation, **quota: int) -> None:
    form = {"families": ["text", "other"], "version": "", **quota}
    assert organisation.visit("admin").post("/policy/documents/change", form).status_code == 302


def held(organisation: Organisation) -> dict[str, int]:
    """What the counters say: of the organisation, and of the member."""
    rows = {row["id"]: row["held_bytes"] for row in organisation.portal.rows("storage_use")}
    member = organisation["member"].id
    return {"all": rows.get(organisation.id, 0), "member": rows.get(member, 0)}


def stored(organisation: Organisation) -> int:
    rows = organisation.portal.rows("document_version")
    return sum(row["size_bytes"] for row in rows if row["tenant_id"] == organisation.id)


def holds(organisation: Organisation) -> list[dict]:
    return organisation.portal.rows("storage_hold")


class Slow:
    """A body that waits for all others before it comes."""

    def __init__(self, body: bytes, together: Barrier) -> None:
        self.body, self.together = body, together

    def read(self, size: int = -1) -> bytes:
        if self.body:
            self.together.wait(timeout=60)
        piece, self.body = self.body, b""
        return piece


@pytest.mark.parametrize("whose", ["tenant_quota_mib", "person_quota_mib"])
def test_fifty_at_once_never_pass_the_limit(acme, whose) -> None:
    limit(acme, **{whose: 1})
    size = 100_000
    fit = (MIB - stored(acme)) // size

    def put(number: int) -> int:
        name = f"{number}.bin"
        return acme.visit("member").upload(name, bytes([number]) * size).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(put, range(AT_ONCE)))
    assert set(answers) <= {201, 413}
    # Room of those under way counts as taken, so that some may be refused in vain, never too few.
    assert 1 <= answers.count(201) <= fit
    assert held(acme) == {"all": stored(acme), "member": stored(acme)}
    assert stored(acme) <= MIB
    assert holds(acme) == []
    while acme.visit("member").upload("more.bin", bytes(size)).status_code == 201:
        pass
    assert MIB - size < stored(acme) <= MIB


@on_sqlite
def test_all_that_fit_are_taken_at_once(acme) -> None:
    limit(acme, tenant_quota_mib=1)
    size = (MIB - stored(acme)) // 8
    together = Barrier(8)

    def put(_: int) -> int:
        sent = {"X_File_Name": "a.bin", "Content_Length": str(size)}
        body = Slow(bytes(size), together)
        return acme.visit("member").put("/documents/uploads", body, **sent).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(put, range(8))) == [201] * 8
    assert acme.visit("member").upload("one.bin", bytes(size)).status_code == 413
    assert acme.told()[-1] == ("upload.refused", "refused")


def test_what_breaks_off_gives_its_room_back(acme) -> None:
    before = held(acme)

    class Cut:
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    member, sent = acme.visit("member"), {"X_File_Name": "a.bin", "Content_Length": str(MIB)}
    assert member.put("/documents/uploads", Cut(), **sent).status_code == 400
    assert (held(acme), holds(acme)) == (before, [])


def test_what_died_gives_its_room_back_when_its_hold_lapses(acme, clock) -> None:
    before = held(acme)
    with acme.bound(writes=True):
        quotas.begin_room(acme["member"].id, MIB)
    assert held(acme) == {name: size + MIB for name, size in before.items()}
    for minutes, expected in ((10, MIB), (10, 0)):
        clock.advance(minutes=minutes)
        with acme.bound(writes=True):
            sweep_room()
        assert held(acme) == {name: size + expected for name, size in before.items()}


@pytest.mark.parametrize("is_held", [False, True], ids=["not-held", "held"])
def test_what_a_rule_keeps_takes_room_until_it_lets_go(acme, clock, monkeypatch, is_held) -> None:
    """Else who deletes for good and begins anew stores without end."""
    monkeypatch.setattr(quotas, "JUDGED_AT_ONCE", 1)
    end_holds(acme)
    rule(acme, folder="shared", keep_days=60)
    before, member = held(acme), acme.visit("member")
    kept = [
        UUID(member.upload(f"{n}.bin", bytes(MIB // 2), acme.folders["shared"]).json["id"])
        for n in range(2)
    ]
    if is_held:
        hold(acme, "user", acme["member"].id)
    for document in kept:
        trash(acme, f"documents/{document}")
        assert acme.visit("member").post(f"/documents/{document}/purge").status_code == 302
    later(acme, clock, minutes=1)
    work(acme)
    assert all(is_there(acme, document) for document in kept)
    assert held(acme) == {name: size + MIB for name, size in before.items()}
    later(acme, clock, days=60)
    work(acme)
    work(acme)  # once more, by when room is counted anew
    assert is_there(acme, kept[0]) == is_held
    assert held(acme) == before


@on_sqlite
def test_one_that_goes_on_keeps_its_room(acme, clock) -> None:
    before = held(acme)
    with acme.bound(writes=True):
        room = quotas.begin_room(acme["member"].id, MIB)
        for _ in range(4):
            clock.advance(minutes=10)
            quotas.cover(room, 1000)
        assert sweep_room() == 0
        clock.advance(minutes=20)
        assert sweep_room() == 1  # too slow, and here again
        quotas.cover(room, 2000)
        db.session.commit()
    assert held(acme) == {name: size + MIB for name, size in before.items()}


@on_sqlite
def test_a_content_of_unknown_size_takes_room_as_it_comes(acme) -> None:
    limit(acme, person_quota_mib=6)
    with acme.bound(writes=True):
        room = quotas.begin_room(acme["member"].id, None)
        with pytest.raises(quotas.QuotaExceeded):
            quotas.cover(room, 7 * MIB)
        quotas.give_back(room)
    assert held(acme)["member"] == stored(acme)
    assert holds(acme) == []


def test_the_sweep_counts_anew(acme) -> None:
    acme.portal.execute_everywhere("UPDATE storage_use SET held_bytes = 77")
    with acme.bound(writes=True):
        sweep_room()
    assert held(acme) == {"all": stored(acme), "member": stored(acme)}


@on_sqlite
def test_versions_and_the_trash_count(acme) -> None:
    member, before = acme.visit("member"), held(acme)
    path = f"/documents/{acme.documents['plan']}"
    member.put(f"{path}/versions", bytes(1000))
    member.post(f"{path}/delete")
    assert held(acme) == {name: size + 1000 for name, size in before.items()}


@on_sqlite
def test_the_installation_limits_an_organisation(portal_with) -> None:
    portal = portal_with(max_tenant_gib=1)
    acme = portal.organisations["acme"]
    admin = portal.visit(acme.host, acme["admin"].token)
    form = {"families": ["text"], "tenant_quota_mib": 1025, "version": ""}
    assert admin.post("/policy/documents/change", form).status_code == 400
    assert "1.0 GiB" in admin.get("/policy/documents").text
    member = portal.visit(acme.host, acme["member"].token)
    sent = {"X_File_Name": "large.bin", "Content_Length": str(2**30)}
    assert member.put("/documents/uploads", Slow(b"", Barrier(1)), **sent).status_code == 413


@on_sqlite
def test_person_and_admin_see_what_is_taken(acme) -> None:
    limit(acme, tenant_quota_mib=5, person_quota_mib=2)
    acme.visit("member").upload("a.bin", bytes(900_000))
    assert "879.0 KiB of 2.0 MiB" in acme.visit("member").get("/account").text
    page = acme.visit("admin").get("/policy/documents").text
    assert "879.0 KiB of 5.0 MiB" in page
    assert acme["member"].name in page


@on_sqlite
def test_the_other_organisation_has_its_own(acme, globex) -> None:
    limit(acme, tenant_quota_mib=1)
    assert acme.visit("member").upload("a.bin", bytes(MIB)).status_code == 413
    assert globex.visit("member").upload("a.bin", bytes(MIB)).status_code == 201
