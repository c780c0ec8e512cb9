"""What people starred, and what they opened lately: their own, and only what they may read."""

import html
import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.documents import stars
from portal.documents.models import Document, DocumentStar, Folder
from portal.documents.purging import purge_documents
from portal.documents.rows import PAGE_SIZE
from tests.browsing import Visitor, links_of
from tests.conftest import on_sqlite
from tests.documents.sharers import make_folder
from tests.flows.growing import documents

STARRED, RECENT = "/documents/starred", "/documents/recent"


def listed(visitor: Visitor, path: str) -> list[str]:
    """The names on a page, in their order."""
    page = visitor.get(path)
    assert page.status_code == 200
    rows = re.findall(r'<tr id="document-.*?</tr>', page.text, re.DOTALL)
    return [re.search(r'aria-label="Choose (.*?)"', row)[1] for row in rows]


def both(visitor: Visitor) -> tuple[list[str], list[str]]:
    return listed(visitor, STARRED), listed(visitor, RECENT)


def use(visitor: Visitor, document: object) -> None:
    """Star a document and download it."""
    assert visitor.post(f"/documents/{document}/star").status_code == 302
    assert visitor.get(f"/documents/{document}/download").status_code == 200


def test_each_person_finds_what_they_starred_and_opened(acme) -> None:
    member, guest, plan = acme.visit("member"), acme.visit("guest"), acme.documents["plan"]
    inner = make_folder(acme, "Inner", "shared")
    deep = guest_reads = member.upload("Deep.txt", b"x", inner).json["id"]
    for one in (plan, guest_reads):
        use(guest, one)
    assert both(guest) == (["Deep.txt", "Plan.txt"], ["Deep.txt", "Plan.txt"])
    assert listed(member, STARRED) == []
    assert listed(member, RECENT)[0] == "Deep.txt"  # its upload
    assert listed(acme.visit("auditor"), RECENT) == []
    guest.post(f"/documents/{deep}/star")  # once more: it stays where it is
    assert guest.post(f"/documents/{plan}/unstar").status_code == 302
    assert listed(guest, STARRED) == ["Deep.txt"]
    assert "Unstar" in guest.get(f"/documents/{deep}").text
    told = [e["action"] for e in acme.log() if e["actor_id"] == acme["guest"].id]
    assert told == ["document.starred", "document.downloaded"] * 2 + ["document.unstarred"]


@on_sqlite
def test_what_one_may_read_no_more_is_hidden_and_comes_back_with_the_right(acme) -> None:
    member, guest = acme.visit("member"), acme.visit("guest")
    inner = make_folder(acme, "Inner", "shared")
    own = member.upload("Own.txt", b"x", inner).json["id"]
    use(guest, own)
    for path in (f"/documents/{own}", f"/folders/{inner}"):
        assert member.post(f"{path}/delete").status_code == 302
        assert both(guest) == ([], [])
        for verb in ("star", "unstar"):
            assert guest.post(f"/documents/{own}/{verb}").status_code == 404
        assert member.post(f"{path}/restore").status_code == 302
        assert both(guest) == (["Own.txt"], ["Own.txt"])
    assert member.post(f"/documents/{own}/move", {"folder": ""}).status_code == 302
    assert both(guest) == ([], [])
    assert guest.post(f"/documents/{own}/unstar").status_code == 403


def test_the_pages_of_a_long_list_miss_and_repeat_nothing(acme) -> None:
    documents(acme, 2 * PAGE_SIZE + 3)
    now, member = portal_clock.now(), acme.visit("member")
    with acme.bound(writes=True) as session:
        ids = session.scalars(select(Document.id)).all()
        for n, document_id in enumerate(ids):
            star = DocumentStar(user_id=acme["member"].id, document_id=document_id)
            star.starred_at = now - timedelta(minutes=n // 3)
            session.add(star)
    path, seen = STARRED, []
    while path:
        seen += listed(member, path)
        links = links_of(member.get(path).text)
        path = next((html.unescape(a) for a in links if a.startswith(f"{STARRED}?at=")), "")
    assert len(seen) == len(set(seen)) == len(ids)


@on_sqlite
def test_a_folder_above_that_one_may_not_know_is_not_named(acme) -> None:
    use(acme.visit("guest"), acme.documents["plan"])
    with acme.bound(writes=True) as session:
        above = Folder(id=new_id(), name="Secret place", created_by=acme["member"].id)
        session.add(above)
        session.flush()
        session.get(Folder, (acme.id, acme.folders["shared"])).parent_id = above.id
    for path in (STARRED, RECENT):
        page = acme.visit("guest").get(path).text
        assert "Plan.txt" in page
        assert "Secret place" not in page


@on_sqlite
def test_nobody_stars_more_than_a_page_can_hold(acme, monkeypatch) -> None:
    monkeypatch.setattr(stars, "MAX_STARS", 1)
    member = acme.visit("member")
    for name, status in (("plan", 302), ("plan", 302), ("note", 409)):
        assert member.post(f"/documents/{acme.documents[name]}/star").status_code == status
    assert listed(member, STARRED) == ["Plan.txt"]


def test_a_destroyed_document_takes_its_stars_along(acme, clock) -> None:
    member, plan = acme.visit("member"), acme.documents["plan"]
    gone = member.upload("Gone.txt", b"x", acme.folders["shared"]).json["id"]
    for one in (gone, plan):
        use(acme.visit("guest"), one)
    member.post(f"/documents/{gone}/delete")
    clock.advance(days=31)
    with acme.bound(writes=True):
        assert purge_documents([UUID(gone)]).blob_ids
    assert [row["document_id"] for row in acme.portal.rows("document_star")] == [plan]


@on_sqlite
def test_a_button_leads_back_to_its_list_and_nowhere_else(acme) -> None:
    member, plan = acme.visit("member"), acme.documents["plan"]
    path = f"/documents/{plan}/star"
    assert member.post(path, {"back": "/documents?sort=name"}).location == (
        f"/documents?sort=name#document-{plan}"
    )
    for odd in ("https://evil.example/", "//evil.example", "/\\evil.example", ""):
        assert member.post(path, {"back": odd}).location == f"/documents/{plan}"
