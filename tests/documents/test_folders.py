"""Folders and documents by the pages: made, renamed, moved, trashed and taken out again."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from portal.access.permissions import Permission
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.places import MAX_DEPTH
from portal.documents.rows import PAGE_SIZE
from tests.browsing import Visitor, forms_of, links_of
from tests.conftest import on_sqlite
from tests.documents import sharers
from tests.installation import Organisation


def make(visitor: Visitor, name: str, parent: object = "") -> str:
    answer = visitor.post("/folders", {"name": name, "parent": str(parent)})
    assert answer.status_code == 302, answer.status_code
    return answer.location.rpartition("/")[2]


def move(visitor: Visitor, folder: object, to: object = "") -> int:
    return visitor.post(f"/folders/{folder}/move", {"folder": str(to)}).status_code


def parent_of(organisation: Organisation, folder: object) -> UUID | None:
    rows = organisation.portal.rows("folder")
    return next(r["parent_id"] for r in rows if str(r["id"]) == str(folder))


# Made


@pytest.mark.parametrize("name", [".", ".."])
def test_a_folder_can_not_be_called_a_dot_or_two_and_is_told_why(acme, name) -> None:
    before = acme.portal.rows("folder")
    answer = acme.visit("member").post("/folders", {"name": name, "parent": ""})
    assert answer.status_code == 400
    assert "one dot or two" in answer.text
    assert acme.portal.rows("folder") == before


def test_a_folder_is_made_where_one_stands(acme) -> None:
    member = acme.visit("member")
    page = member.get("/documents").text
    form = next(f for f in forms_of(page) if f.action == "/folders")
    form.fields["name"] = "  Verträge  "
    answer = member.post("/folders", form.fields)
    inner = make(member, "Inner", answer.location.rpartition("/")[2])
    assert "Verträge" in member.get("/documents").text
    assert "Inner" in member.get(answer.location).text
    crumbs = member.get(f"/documents/folders/{inner}").text
    assert crumbs.index("All documents") < crumbs.index("Verträge")
    assert acme.told() == [("folder.created", "success")] * 2


def test_names_are_sealed_in_the_rows(portal, acme) -> None:
    make(acme.visit("member"), "Kanarienvogel")
    assert "Kanarienvogel" not in repr(portal.dump())


def test_a_folder_is_not_made_in_what_is_not_there(portal, acme, globex) -> None:
    """V1: another tenant's folder as the parent binds nothing."""
    before = portal.dump()
    member = acme.visit("member")
    for parent in (globex.folders["shared"], uuid4(), acme.documents["note"], "x"):
        answer = member.post("/folders", {"name": "New", "parent": str(parent)})
        assert answer.status_code == 404
    assert portal.dump() == before


def test_folders_are_only_so_deep(acme) -> None:
    member, parent = acme.visit("member"), ""
    for n in range(MAX_DEPTH):
        parent = make(member, f"level {n}", parent)
    answer = member.post("/folders", {"name": "deeper", "parent": parent})
    assert answer.status_code == 400
    assert member.get(f"/documents/folders/{parent}").status_code == 200
    assert move(member, acme.folders["shared"], parent) == 400


# Renamed


def test_documents_and_folders_get_other_names(portal, acme) -> None:
    member = acme.visit("member")
    path = f"/documents/{acme.documents['plan']}/rename"
    assert forms_of(member.get(path).text)[-1].fields["name"] == "Plan.txt"
    assert member.submit(path, name="Plan B.txt").status_code == 302
    assert (
        member.submit(f"/folders/{acme.folders['shared']}/rename", name="Gezeigt").status_code
        == 302
    )
    page = member.get(f"/documents/folders/{acme.folders['shared']}").text
    assert "Plan B.txt" in page
    assert "Gezeigt" in page
    assert "Plan.txt" not in page
    assert [(e["action"], e["detail"]) for e in acme.log()] == [
        ("document.renamed", {}),
        ("folder.renamed", {}),
    ]


@pytest.mark.parametrize("name", ["", " ", "..", "a/b", "\u202efdp.exe", "x" * 201])
def test_a_bad_name_is_shown_with_what_is_wrong(portal, acme, name) -> None:
    before, member = portal.dump(), acme.visit("member")
    for path in (
        f"/documents/{acme.documents['note']}/rename",
        f"/folders/{acme.folders['shared']}/rename",
        "/folders",
    ):
        assert member.post(path, {"name": name}).status_code in (400, 422), path
    assert portal.dump() == before


def test_two_of_the_same_name_may_lie_together(acme) -> None:
    member = acme.visit("member")
    assert make(member, "Twin") != make(member, "Twin")


# Moved


def test_a_document_is_moved_and_lies_nowhere_else(acme) -> None:
    member, note = acme.visit("member"), acme.documents["note"]
    answer = member.submit(f"/documents/{note}/move", folder=str(acme.folders["closed"]))
    assert answer.location == f"/documents/folders/{acme.folders['closed']}"
    assert "Note.txt" in member.get(answer.location).text
    assert "Note.txt" not in member.get("/documents").text
    assert acme.log()[-1]["detail"] == {"came_from": None, "folder": str(acme.folders["closed"])}
    assert member.submit(f"/documents/{note}/move", folder="").location == "/documents"


def test_a_folder_is_moved_with_all_that_is_in_it(acme) -> None:
    sharers.give(acme, "member", "folder-owner", "closed")
    member = acme.visit("member")
    assert move(member, acme.folders["closed"], acme.folders["shared"]) == 302
    assert acme.visit("guest").get(f"/documents/{acme.documents['canary']}").status_code == 200
    assert move(member, acme.folders["closed"]) == 302
    assert acme.visit("guest").get(f"/documents/{acme.documents['canary']}").status_code == 403


def test_no_folder_is_moved_into_itself(acme) -> None:
    member = acme.visit("member")
    inner = make(member, "inner", acme.folders["shared"])
    innermost = make(member, "innermost", inner)
    for to in (acme.folders["shared"], inner, innermost):
        assert move(member, acme.folders["shared"], to) == 400
        page = f"/folders/{acme.folders['shared']}/move"
        assert member.get(page, query_string={"at": str(to)}).status_code == 404
    assert parent_of(acme, acme.folders["shared"]) is None


def test_nothing_is_moved_to_what_is_not_there(portal, acme, globex) -> None:
    before, member = portal.dump(), acme.visit("member")
    for to in (globex.folders["shared"], uuid4(), acme.documents["note"], "x"):
        assert move(member, acme.folders["shared"], to) == 404
        answer = member.post(f"/documents/{acme.documents['note']}/move", {"folder": str(to)})
        assert answer.status_code == 404
    assert portal.dump() == before


def test_nothing_is_moved_into_the_trash(acme) -> None:
    member = acme.visit("member")
    inner = make(member, "inner", acme.folders["closed"])
    member.post(f"/folders/{acme.folders['closed']}/delete")
    for to in (acme.folders["closed"], inner):
        assert move(member, acme.folders["shared"], to) == 404
        note = f"/documents/{acme.documents['note']}/move"
        assert member.post(note, {"folder": str(to)}).status_code == 404


@pytest.mark.parametrize("attempt", range(4))
def test_two_folders_moved_into_each_other_at_once_are_not_both_lost(acme, attempt) -> None:
    visitors = [acme.visit("member"), acme.visit("member")]
    one, other = make(visitors[0], "One"), make(visitors[0], "Other")
    start = Barrier(2)

    def enter(visitor: Visitor, folder: str, to: str) -> int:
        start.wait()
        return move(visitor, folder, to)

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(enter, visitors, [one, other], [other, one]))
    assert statuses[0] == 302
    assert statuses[1] == 400
    assert {parent_of(acme, one), parent_of(acme, other)} & {None}
    for folder in (one, other):
        assert visitors[0].get(f"/documents/folders/{folder}").status_code == 200


def test_three_folders_moved_in_a_circle_at_once_are_not_lost(acme) -> None:
    member = acme.visit("member")
    folders = [make(member, name) for name in "ABC"]
    visitors = [acme.visit("member") for _ in folders]
    start = Barrier(3)

    def enter(visitor: Visitor, n: int) -> int:
        start.wait()
        return move(visitor, folders[n], folders[(n + 1) % 3])

    with ThreadPoolExecutor(3) as pool:
        statuses = list(pool.map(enter, visitors, range(3)))
    assert set(statuses) <= {302, 400, 422}, statuses
    assert any(parent_of(acme, folder) is None for folder in folders)
    for folder in folders:
        assert member.get(f"/documents/folders/{folder}").status_code == 200


# The trash


def test_a_document_goes_to_the_trash_and_comes_back(acme) -> None:
    member, path = acme.visit("member"), f"/documents/{acme.documents['plan']}"
    assert "Plan.txt" in member.get(f"{path}/delete").text
    answer = member.submit(f"{path}/delete")
    assert answer.location == f"/documents/folders/{acme.folders['shared']}"
    assert "in the trash" in member.get(answer.location).text
    for gone in ("/access", "/download", "/rename", "/move", "/delete"):
        assert member.get(path + gone).status_code == 404, gone
    page = member.get("/documents/trash").text
    assert "Plan.txt" in page
    assert "Member Acme" in page
    assert "Was in Shared<" in page
    assert f"{path}/restore" in links_of(page)
    assert member.post(f"{path}/restore").location == "/documents/trash"
    assert member.post(f"{path}/restore").status_code == 409
    assert member.get(path).status_code == 200
    assert [action for action, _ in acme.told()] == ["document.deleted", "document.restored"]


def test_a_folder_with_documents_is_deleted_by_who_may_delete_those(acme) -> None:
    tidier = sharers.make_role(
        acme,
        "tidier",
        Permission.DOCUMENT_READ,
        Permission.FOLDER_CREATE,
        Permission.FOLDER_DELETE,
    )
    sharers.give(acme, "guest", tidier, "shared")
    guest, shared = acme.visit("guest"), acme.folders["shared"]
    inner = make(guest, "Inner", str(shared))
    answer = guest.submit(f"/folders/{shared}/delete")
    assert answer.status_code == 403
    assert acme.visit("member").get(f"/documents/folders/{shared}").status_code == 200
    assert guest.submit(f"/folders/{inner}/delete").status_code == 302


def test_the_trash_tells_where_a_thing_was_as_far_as_its_reader_knows(acme) -> None:
    member = acme.visit("member")
    inner = make(member, "Inner", acme.folders["shared"])
    deep = make(member, "Deep", inner)
    sharers.give(acme, "admin", "member", UUID(inner))
    for folder in (deep, inner, make(member, "Lone")):
        assert member.submit(f"/folders/{folder}/delete").status_code == 302
    place = re.compile(">Was in (.*?)<")
    assert place.findall(member.get("/documents/trash").text) == [
        "All documents",
        "Shared",
        "Shared / Inner",
    ]
    assert place.findall(acme.visit("admin").get("/documents/trash").text) == [
        "a folder that you can’t see",
        "Inner",
    ]


def test_a_folder_takes_along_what_is_in_it(acme) -> None:
    member, shared = acme.visit("member"), acme.folders["shared"]
    inner = make(member, "Inner", shared)
    assert member.submit(f"/folders/{shared}/delete").location == "/documents"
    for path in (f"/documents/folders/{shared}", f"/documents/folders/{inner}",
                 f"/documents/{acme.documents['plan']}", f"/folders/{inner}/rename",
                 f"/documents/{acme.documents['plan']}/download"):  # fmt: skip
        assert member.get(path).status_code == 404, path
    page = member.get("/documents/trash").text
    assert "Shared" in page
    assert "Plan.txt" not in page
    assert acme.visit("guest").get("/documents").status_code == 200
    assert "Shared" not in acme.visit("guest").get("/documents").text
    assert member.post(f"/folders/{shared}/restore").status_code == 302
    assert member.get(f"/documents/folders/{inner}").status_code == 200
    assert acme.visit("guest").get(f"/documents/{acme.documents['plan']}").status_code == 200


def test_what_lies_in_a_trashed_folder_waits_for_the_folder(acme) -> None:
    member, shared = acme.visit("member"), acme.folders["shared"]
    inner = make(member, "Inner", shared)
    for path in (f"/documents/{acme.documents['plan']}", f"/folders/{inner}", f"/folders/{shared}"):
        assert member.post(f"{path}/delete").status_code == 302
    for path in (f"/documents/{acme.documents['plan']}", f"/folders/{inner}"):
        assert member.post(f"{path}/restore").status_code == 409, path
    for path in (f"/folders/{shared}", f"/folders/{inner}", f"/documents/{acme.documents['plan']}"):
        assert member.post(f"{path}/restore").status_code == 302, path
    assert member.get(f"/documents/{acme.documents['plan']}").status_code == 200


def test_what_is_deleted_stays_on_the_disk(portal, acme) -> None:
    [row] = [
        r for r in portal.rows("document_version") if r["document_id"] == acme.documents["note"]
    ]
    acme.visit("member").post(f"/documents/{acme.documents['note']}/delete")
    assert portal.blob_path(row).exists()


def test_each_verb_asks_for_its_own_right(acme) -> None:
    """V18: who may read moves, renames, deletes and restores nothing, be it in a shared folder."""
    for who in ("guest", "auditor"):
        visitor = acme.visit(who)
        for path in (f"/documents/{acme.documents['plan']}", f"/folders/{acme.folders['shared']}"):
            for verb in ("rename", "move", "delete", "restore"):
                assert visitor.post(f"{path}/{verb}", {"name": "x"}).status_code == 403, verb
        assert visitor.get("/documents/trash").status_code == 403


# Pages of long lists


def many(organisation: Organisation, count: int, *, trashed: bool = False) -> None:
    """Documents with times that collide in groups of three."""
    with organisation.bound(writes=True) as session:
        [note] = session.scalars(
            select(Document).where(Document.id == organisation.documents["note"])
        )
        version = next(
            row for row in organisation.portal.rows("document_version")
            if row["document_id"] == note.id
        )  # fmt: skip
        for n in range(count):
            at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=n // 3)
            document = Document(
                name=f"number {n:03}", created_by=note.created_by, created_at=at, updated_at=at
            )
            if trashed:
                document.trashed_at, document.trashed_by = at, note.created_by
                document.purge_at = datetime(2100, 1, 1, tzinfo=UTC)
            session.add(document)
            session.flush()
            kept = {
                name: version[name]
                for name in ("format", "mode", "size_bytes", "sealed_bytes", "sealed_sha256",
                             "media_type", "wrapped_key", "key_version", "created_by")
            }  # fmt: skip
            session.add(DocumentVersion(document_id=document.id, number=1, **kept))


def names_on(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r">\s*(number \d{3})\s*</", page)))


@pytest.mark.parametrize("count", [PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE * 2 + 7])
def test_a_long_list_comes_in_pages_that_miss_and_repeat_nothing(acme, count) -> None:
    many(acme, count)
    member, path, seen, pages = acme.visit("member"), "/documents", [], 0
    while path:
        page = member.get(path).text
        names = names_on(page)
        assert len(names) <= PAGE_SIZE
        seen, pages = seen + names, pages + 1
        older = [a for a in links_of(page) if a.startswith("/documents?at=")]
        path = older[0].replace("&amp;", "&") if older else ""
    assert sorted(seen) == [f"number {n:03}" for n in range(count)]
    assert seen == sorted(seen, reverse=True)
    assert pages == -(-(count + 1) // PAGE_SIZE)


def test_a_long_trash_comes_in_pages_that_miss_nothing(acme) -> None:
    many(acme, PAGE_SIZE * 2 + 7, trashed=True)
    member, path, seen = acme.visit("member"), "/documents/trash", []
    while path:
        page = member.get(path).text
        seen += names_on(page)
        older = [a for a in links_of(page) if a.startswith("/documents/trash?at=")]
        path = older[0].replace("&amp;", "&") if older else ""
    assert sorted(seen) == [f"number {n:03}" for n in range(PAGE_SIZE * 2 + 7)]


def test_ids_are_never_reused(portal, acme) -> None:
    """V19."""
    member = acme.visit("member")
    first = make(member, "One")
    member.post(f"/folders/{first}/delete")
    assert make(member, "One") != first
    with acme.bound() as session:
        assert len(session.scalars(select(Folder)).all()) == 4


@on_sqlite
def test_the_page_of_what_is_in_the_trash_leads_there_who_can_restore_it(acme, clock) -> None:
    plan, member, guest = acme.documents["plan"], acme.visit("member"), acme.visit("guest")
    assert guest.get(f"/documents/{plan}").status_code == 200
    assert member.post(f"/documents/{plan}/delete").status_code == 302
    assert member.get(f"/documents/{plan}").location == "/documents/trash"
    assert "This document is in the trash." in member.get("/documents/trash").text
    assert guest.get(f"/documents/{plan}").status_code == 404
    clock.advance(days=31)
    acme.portal.renew_sessions()
    assert acme.visit("member").get(f"/documents/{plan}").status_code == 404
