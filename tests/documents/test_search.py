"""Searching by name: what is found, in what order, and never what one may not see."""

import re

from sqlalchemy import select

from portal.core.ids import new_id
from portal.core.texts import folded
from portal.documents import search
from portal.documents.models import Document, DocumentVersion
from portal.documents.search import rank
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.documents.sharers import make_folder
from tests.harness.statements import statements
from tests.installation import Organisation


def found(visitor: Visitor, text: str = "", **more: object) -> list[str]:
    """The names on the page, in order."""
    answer = visitor.post("/documents/search", {"text": text, **more})
    assert answer.status_code == 200, answer.status_code
    return re.findall(r'class="name.*?<a [^>]*>([^<]*)</a>', answer.text, re.DOTALL)


def put(organisation: Organisation, names: list[str], folder: object = None) -> None:
    """Many documents, with the content of one that is there."""
    with organisation.bound(writes=True) as session:
        version = session.scalars(select(DocumentVersion)).first()
        same = {
            column.name: getattr(version, column.name)
            for column in DocumentVersion.__table__.columns
            if column.name not in ("tenant_id", "id", "document_id")
        }
        for name in names:
            one = Document(
                id=new_id(), folder_id=folder, name=name, created_by=organisation["member"].id
            )
            session.add(one)
            session.flush()
            session.add(DocumentVersion(document_id=one.id, **same))


def test_folders_and_documents_are_found_wherever_they_lie(acme, globex) -> None:
    member = acme.visit("member")
    inner = make_folder(acme, "Verträge", "shared")
    member.upload("Überblick Verträge.txt", b"x", inner)
    globex.visit("member").upload("Verträge.txt", b"x")
    assert found(member, "VERTRAGE") == ["Verträge", "Überblick Verträge.txt"]
    assert found(member, "vertr über") == ["Überblick Verträge.txt"]
    assert found(member, "vertr", kind="folders") == ["Verträge"]
    assert found(member, "vertr", kind="text") == ["Überblick Verträge.txt"]
    assert found(member, "vertr", kind="pdf") == []
    assert found(member, "vertr", folder=str(inner)) == ["Überblick Verträge.txt"]
    owner = next(
        row["name"] for row in acme.portal.rows("user_account") if row["id"] == acme["member"].id
    )
    assert "Überblick Verträge.txt" in found(member, owner=owner[:4].upper())
    assert found(member, "vertr", owner="%") == []
    page = member.post("/documents/search", {"text": "überblick"}).text
    assert f'href="/documents/folders/{inner}"' in page


def test_what_one_may_not_see_is_not_found(acme) -> None:
    member, guest = acme.visit("member"), acme.visit("guest")
    hidden = make_folder(acme, "Zebra hidden", "shared")
    top = member.post("/folders", {"name": "Zebra top"}).location.rpartition("/")[2]
    member.upload("zebra one.txt", b"x", top)
    member.upload("zebra two.txt", b"x", hidden)
    assert found(guest, "zebra") == ["Zebra hidden", "zebra two.txt"]
    assert guest.post("/documents/search", {"text": "z", "folder": top}).status_code == 403
    assert member.post(f"/folders/{hidden}/delete").status_code == 302
    assert found(guest, "zebra") == []
    assert found(member, "zebra") == ["zebra one.txt", "Zebra top"]
    shared = acme.folders["shared"]
    assert member.post(f"/folders/{shared}/delete").status_code == 302
    assert found(guest, "plan") == []


def test_a_search_leaves_nothing_behind(portal, acme) -> None:
    before = portal.dump()
    acme.visit("member").post("/documents/search", {"text": "Kanarienvogel"})
    assert portal.dump() == before
    assert acme.visit("member").post("/documents/search", {"folder": "x"}).status_code == 404


@on_sqlite
def test_what_is_found_comes_in_pages_with_as_many_statements(acme, monkeypatch) -> None:
    member = acme.visit("member")
    put(acme, ["page 0.txt"], acme.folders["shared"])
    found(member, "page")
    with statements() as few:
        found(member, "page")
    put(acme, [f"page {n}.txt" for n in range(1, 120)], acme.folders["shared"])
    with statements() as many:
        assert len(found(member, "page")) == 50
    assert len(many) == len(few)
    assert len(found(member, "page", page="3")) == len(found(member, "page", page="99")) == 20
    monkeypatch.setattr(search, "MAX_NAMES", 60)
    page = member.post("/documents/search", {"text": "page"}).text
    assert "more names here than one search looks through" in page


def test_the_best_comes_first() -> None:
    names = ["Budget.xlsx", "Budget of the year", "The budgets", "Forebudget", "Other"]
    assert [rank(folded(name), ["budget"]) for name in names] == [0, 1, 2, 3, None]
    assert folded("İzmir ÀÉ Straße") == "izmir ae strasse"
