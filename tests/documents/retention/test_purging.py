"""What the worker destroys, and what it leaves; and that the log can be held against it."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import select, update

from portal.access.locking import lock_access
from portal.access.permissions import Permission
from portal.audit.actor import OPERATOR
from portal.auth.closing.service import ask_as_operator
from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.documents import purging
from portal.documents.closing import agree_with_operator
from portal.documents.folders import restore_folder
from portal.documents.models import Document, DocumentVersion
from portal.documents.retention.erasing import erase_account_of
from portal.documents.retention.locking import lock_retention
from portal.documents.retention.models import ErasureRequest, ErasureState
from portal.documents.service import restore_document
from portal.documents.trash import purge_document_now, purge_folder_now
from portal.tenancy.session import db
from tests.access.waiting import locks_waited_for, wait_until
from tests.conftest import on_postgresql, on_sqlite
from tests.documents.retention.keeping import (
    acting,
    end_holds,
    has_content,
    hold,
    is_there,
    later,
    rule,
    told,
    trash,
    versions_of,
    work,
)
from tests.documents.samples import picture_of
from tests.documents.sharers import give, make_folder, make_role
from tests.outbox.test_lapses import work_at_once


def test_what_is_in_the_trash_is_destroyed_when_its_time_is_over(acme, globex, clock) -> None:
    note, plan = acme.documents["note"], acme.documents["plan"]
    [version] = versions_of(acme, note)
    before = set(globex.portal.rows("document_version") and globex.documents.values())
    trash(acme, f"documents/{note}")
    later(acme, clock, days=29, hours=23)
    work(acme)
    assert is_there(acme, note)
    later(acme, clock, hours=2)
    work(acme)
    assert not is_there(acme, note)
    assert not has_content(acme, version["id"])
    assert versions_of(acme, note) == []
    assert is_there(acme, plan)
    assert all(is_there(globex, document) for document in before)


def test_the_log_tells_of_each_document_and_of_each_run(acme, clock) -> None:
    gone = [acme.documents["note"], acme.documents["plan"]]
    versions = [version for document in gone for version in versions_of(acme, document)]
    for document in gone:
        trash(acme, f"documents/{document}")
    later(acme, clock, days=31)
    work(acme)
    work(acme)
    entries = told(acme, "document.purged")
    assert {entry["target"] for entry in entries} == {f"document:{document}" for document in gone}
    assert {entry["actor_kind"] for entry in entries} == {"system"}
    assert entries[0]["detail"]["wish"] == "trash"
    [run] = told(acme, "retention.run")
    proof = hashlib.sha256()
    for version in sorted(versions, key=lambda version: version["id"]):
        proof.update(version["document_id"].bytes + version["id"].bytes)
        proof.update(bytes(version["sealed_sha256"]))
    assert run["detail"] == {
        "documents": 2,
        "versions": 2,
        "sealed_bytes": sum(version["sealed_bytes"] for version in versions),
        "sha256": proof.hexdigest(),
    }
    hashes = {name: sha for entry in entries for name, sha in entry["detail"]["versions"].items()}
    assert hashes == {str(v["id"]): bytes(v["sealed_sha256"]).hex() for v in versions}


ENDING = {"document": purge_document_now, "folder": purge_folder_now}
RESTORING = {"document": restore_document, "folder": restore_folder}


@pytest.mark.parametrize("kind", ENDING)
@pytest.mark.parametrize(
    ("first", "then", "status", "is_kept"),
    [(ENDING, "restore", 404, False), (RESTORING, "purge", 409, True)],
    ids=["ended", "restored"],
)
def test_of_who_ends_its_time_and_who_restores_a_thing_the_first_has_it(
    acme, kind, first, then, status, is_kept
) -> None:
    plan, visitor = acme.documents["plan"], acme.visit("member")
    thing_id = plan if kind == "document" else acme.folders["shared"]
    trash(acme, f"{kind}s/{thing_id}")
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True):
            first[kind](acting(acme, "member"), thing_id)
            db.session.flush()
            answer = pool.submit(visitor.post, f"/{kind}s/{thing_id}/{then}", {})
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.3)
        assert answer.result(timeout=10).status_code == status
    work(acme)
    assert is_there(acme, plan) == is_kept
    assert visitor.get(f"/documents/{plan}").status_code == (200 if is_kept else 404)


def test_a_folder_goes_with_all_that_is_in_it(acme, clock) -> None:
    folder = acme.folders["shared"]
    trash(acme, f"folders/{folder}")
    later(acme, clock, days=31)
    work(acme)
    assert not is_there(acme, acme.documents["plan"])
    assert folder not in {row["id"] for row in acme.portal.rows("folder")}
    [entry] = told(acme, "folder.purged")
    assert entry["target"] == f"folder:{folder}"
    removed = {e["detail"]["folder"] for e in told(acme, "role.removed")}
    assert removed == {str(folder)}, "the roles given on it"


@pytest.mark.parametrize("kind", ["user", "folder", "document"])
def test_a_hold_keeps_it_and_nobody_can_tell(acme, clock, kind) -> None:
    plan, folder = acme.documents["plan"], acme.folders["shared"]
    held = {"user": acme["member"].id, "folder": folder, "document": plan}[kind]
    [version] = versions_of(acme, plan)
    hold(acme, kind, held)
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=31)
    member = acme.visit("member")
    work(acme)
    assert is_there(acme, plan)
    assert has_content(acme, version["id"])
    assert "Plan.txt" not in member.get("/documents/trash").text
    assert member.post(f"/documents/{plan}/restore").status_code == 404
    assert told(acme, "document.purged") == told(acme, "retention.run") == []


def test_a_rule_that_keeps_beats_the_trash(acme, clock) -> None:
    note = acme.documents["note"]
    rule(acme, keep_days=90)
    trash(acme, f"documents/{note}")
    later(acme, clock, days=80)
    work(acme)
    assert is_there(acme, note)
    later(acme, clock, days=11)
    work(acme)
    assert not is_there(acme, note)


def test_a_rule_deletes_what_grows_old(acme, clock) -> None:
    rule_id = rule(acme, folder="shared", delete_days=10)
    later(acme, clock, days=11)
    work(acme)
    assert not is_there(acme, acme.documents["plan"])
    assert is_there(acme, acme.documents["note"])
    [entry] = told(acme, "document.purged")
    assert (entry["detail"]["wish"], entry["detail"]["rule"]) == ("rule", str(rule_id))


def test_a_new_version_brings_nothing_under_a_rule_about_its_type(acme, clock) -> None:
    """Else who may not delete a document could have it deleted."""
    editor = make_role(acme, "editor", Permission.DOCUMENT_READ, Permission.DOCUMENT_EDIT)
    give(acme, "guest", editor, "shared")
    rule(acme, "Pictures", media_type="image/png", delete_days=1)
    rule(acme, "All pictures", folder="shared", media_type="image/", prune_days=1)
    plan, picture = acme.documents["plan"], picture_of("PNG")
    guest, member = acme.visit("guest"), acme.visit("member")
    drawn = UUID(member.upload("a.png", picture, acme.folders["shared"]).json["id"])
    assert guest.post(f"/documents/{plan}/delete", {}).status_code == 403
    assert guest.post(f"/documents/{plan}/rename", {"name": "Plan.png"}).status_code == 302
    assert guest.put(f"/documents/{plan}/versions", picture).status_code == 201
    later(acme, clock, days=2)
    assert "Plan.png" not in acme.visit("officer").get("/retention/next-run").text
    work(acme)
    assert is_there(acme, plan)
    assert len(versions_of(acme, plan)) == 2
    assert not is_there(acme, drawn)


def test_what_is_held_disappears_when_a_rule_deletes_it(acme, clock) -> None:
    plan = acme.documents["plan"]
    rule(acme, folder="shared", delete_days=10)
    hold(acme, "document", plan)
    later(acme, clock, days=11)
    work(acme)
    assert is_there(acme, plan)
    member = acme.visit("member")
    assert member.get(f"/documents/{plan}").status_code == 404
    assert "Plan.txt" not in member.get("/documents/trash").text


@pytest.mark.parametrize("thing", ["documents/{plan}", "folders/{inner}"])
def test_what_is_moved_out_from_under_a_hold_stays_held(acme, clock, thing) -> None:
    member, folder = acme.visit("member"), acme.folders["shared"]
    made = member.post("/folders", {"name": "Inner", "parent": str(folder)})
    inner = UUID(made.location.rpartition("/")[2])
    answer = member.upload("Deep.txt", b"deep\n", inner)
    documents = {"documents": acme.documents["plan"], "folders": UUID(answer.json["id"])}
    hold(acme, "folder", folder)
    moved = thing.format(plan=acme.documents["plan"], inner=inner)
    kept = documents[moved.partition("/")[0]]
    assert member.post(f"/{moved}/move", {"folder": ""}).status_code == 302
    trash(acme, moved)
    later(acme, clock, days=31)
    work(acme)
    assert is_there(acme, kept)
    assert told(acme, "folder.purged") == []


def test_what_is_moved_out_from_under_a_rule_is_kept_as_long(acme, clock) -> None:
    plan = acme.documents["plan"]
    rule(acme, folder="shared", keep_days=60, delete_days=60)
    acme.visit("member").post(f"/documents/{plan}/move", {"folder": ""})
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=50)
    work(acme)
    assert is_there(acme, plan)
    later(acme, clock, days=11)
    work(acme)
    assert not is_there(acme, plan)


def add_versions(acme, document_id: UUID, number: int) -> None:
    """So many more, without contents."""
    same = {"document_id", "format", "mode", "size_bytes", "sealed_bytes", "sealed_sha256"}
    same |= {"media_type", "wrapped_key", "key_version", "created_by", "created_at"}
    with acme.bound(writes=True) as session:
        of_it = select(DocumentVersion).where(DocumentVersion.document_id == document_id)
        first = {name: getattr(session.scalars(of_it).one(), name) for name in same}
        for n in range(number):
            session.add(DocumentVersion(id=new_id(), number=n + 2, **first))
        session.get(Document, (acme.id, document_id)).version_number = number + 1


def test_a_document_of_very_many_versions_goes_as_well(acme, clock) -> None:
    """Its versions are more than one entry of the log can tell of."""
    plan, note = acme.documents["plan"], acme.documents["note"]
    add_versions(acme, plan, 2 * purging.TOLD_AT_ONCE)
    expected = {str(v["id"]): bytes(v["sealed_sha256"]).hex() for v in versions_of(acme, plan)}
    for document in (plan, note):
        trash(acme, f"documents/{document}")
    later(acme, clock, days=31)
    work(acme)
    assert not is_there(acme, plan)
    assert not is_there(acme, note)
    of_it = [e for e in acme.log() if e["target"] == f"document:{plan}" and "purged" in e["action"]]
    assert [e["action"] for e in of_it] == [*["version.purged"] * 2, "document.purged"]
    assert {k: v for e in of_it for k, v in e["detail"]["versions"].items()} == expected
    [run] = told(acme, "retention.run")
    assert (run["detail"]["documents"], run["detail"]["versions"]) == (2, len(expected) + 1)


@on_sqlite
def test_one_that_can_not_go_keeps_no_other_from_going(acme, clock) -> None:
    stuck, *others = sorted(acme.documents[name] for name in ("note", "plan", "canary"))
    for document in (stuck, *others):
        trash(acme, f"documents/{document}")
    later(acme, clock, days=31)
    when = f"BEFORE DELETE ON document WHEN OLD.id = '{stuck.hex}'"
    acme.portal.execute(f"CREATE TRIGGER stuck {when} BEGIN SELECT RAISE(ABORT, 'no'); END", acme)
    try:
        work(acme)
    finally:
        acme.portal.execute("DROP TRIGGER stuck", acme)
    assert [is_there(acme, document) for document in (stuck, *others)] == [True, False, False]
    work(acme)
    assert not is_there(acme, stuck)


def test_nothing_goes_once_the_organisation_closes_not_even_in_a_run_that_goes_on(
    acme, clock
) -> None:
    end_holds(acme)
    note, folder = acme.documents["note"], make_folder(acme, "Empty", "shared")
    trash(acme, f"documents/{note}")
    trash(acme, f"folders/{folder}")
    later(acme, clock, days=31)
    with acme.bound():
        assert note in purging.list_to_purge()
    with acme.bound(writes=True):
        ask_as_operator(OPERATOR, "not paid")
    with acme.bound(writes=True):
        agree_with_operator(acting(acme, "admin"))
    with acme.bound(writes=True):
        assert not purging.purge_documents([note]).blob_ids
        assert purging.purge_folders() == 0
    assert is_there(acme, note)


def test_a_run_that_dies_after_its_rows_leaves_contents_to_the_broom(acme, clock) -> None:
    note = acme.documents["note"]
    [version] = versions_of(acme, note)
    trash(acme, f"documents/{note}")
    later(acme, clock, days=31)
    with acme.bound(writes=True):
        assert purging.purge_documents([note]).blob_ids
    assert not is_there(acme, note)
    assert has_content(acme, version["id"])
    work(acme)
    assert not has_content(acme, version["id"])


def test_two_workers_at_once_destroy_each_thing_once(acme, clock) -> None:
    gone = [acme.documents["note"], acme.documents["canary"]]
    for document in gone:
        trash(acme, f"documents/{document}")
    later(acme, clock, days=31)
    work_at_once(acme)
    assert not any(is_there(acme, document) for document in gone)
    targets = [entry["target"] for entry in told(acme, "document.purged")]
    assert sorted(targets) == sorted(f"document:{document}" for document in gone)


@on_postgresql
@pytest.mark.parametrize("what", ["a folder", "an account"])
def test_a_run_and_who_agrees_to_something_do_not_wait_for_each_other(
    portal, acme, clock, what
) -> None:
    """Agreeing takes the lock of access first: closing and pruning then want that of retention."""
    trash(acme, f"folders/{acme.folders['shared']}")
    later(acme, clock, days=31)
    with acme.bound(writes=True) as session:
        granted = {"state": ErasureState.GRANTED, "decided_at": portal_clock.now()}
        session.execute(update(ErasureRequest).values(**granted))

    def run() -> object:
        with acme.bound(writes=True):
            if what == "a folder":
                return purging.purge_folders()
            return erase_account_of(acme.kept["erasure"])

    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True):
            lock_access()
            running = pool.submit(run)
            wait_until(lambda: locks_waited_for(portal) == 1)
            lock_retention()
        assert running.result(timeout=10) is not None


def test_the_folder_of_a_rule_stays_as_long_as_the_rule(acme, clock) -> None:
    """Else what was moved away from it would be kept no longer."""
    folder, plan = acme.folders["shared"], acme.documents["plan"]
    rule(acme, folder="shared", keep_days=60)
    acme.visit("member").post(f"/documents/{plan}/move", {"folder": ""})
    trash(acme, f"folders/{folder}")
    trash(acme, f"documents/{plan}")
    later(acme, clock, days=31)
    work(acme)
    assert folder in {row["id"] for row in acme.portal.rows("folder")}
    assert is_there(acme, plan)


def test_what_waits_in_large_numbers_goes_in_batches(acme, clock, monkeypatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 1)
    hold(acme, "document", acme.documents["note"])
    for name in ("note", "plan", "canary"):
        trash(acme, f"documents/{acme.documents[name]}")
    later(acme, clock, days=31)
    work(acme)
    left = [name for name, document in acme.documents.items() if is_there(acme, document)]
    assert left == ["note"]
    assert len(told(acme, "retention.run")) == 2
