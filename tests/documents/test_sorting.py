"""The order of a folder's list: by every column, in both directions, page by page."""

import html
import re
from datetime import timedelta

import pytest

from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.documents import queries, sorting
from portal.documents.kinds import KINDS
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.rows import PAGE_SIZE
from tests.browsing import Visitor, links_of
from tests.conftest import on_sqlite
from tests.installation import Organisation

TYPES = ("text/plain", "application/pdf", "image/png", "application/x-of-another-day")
COUNT = 2 * PAGE_SIZE + 7
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)


def fill(to: Organisation) -> None:
    """Documents in the shared folder that every order has in another place, and two folders."""
    shared, member = to.folders["shared"], to["member"].id
    with to.bound(writes=True) as session:
        for n in range(COUNT):
            made = Document(
                id=new_id(), folder_id=shared, name=f"{'éEf'[n % 3]}{n * 37 % COUNT:03}",
                created_by=member, updated_at=portal_clock.now() - timedelta(hours=n * 29 % COUNT),
            )  # fmt: skip
            session.add(made)
            session.flush()
            session.add(
                DocumentVersion(
                    document_id=made.id, number=1, format="PF1", mode="S", size_bytes=n * 53 % 40,
                    sealed_bytes=1, sealed_sha256=b"0" * 32, media_type=TYPES[n % 4],
                    wrapped_key=b"", key_version=1, created_by=member,
                )
            )  # fmt: skip
        for name in ("Alpha", "beta"):
            session.add(Folder(name=name, parent_id=shared, created_by=member))


def walk(visitor: Visitor, path: str) -> list[tuple[str, ...]]:
    """The cells of all rows behind a list, page by page."""
    rows = []
    while path:
        page = visitor.get(path).text
        here = ROW.findall(page.partition("<tbody>")[2])
        assert 0 < len(here) <= PAGE_SIZE + 2
        rows += [tuple(cells_of(row)) for row in here]
        further = [html.unescape(a) for a in links_of(page) if re.search(r"[?&;](id|folder)=", a)]
        assert len(further) <= 1
        path = further[0] if further else ""
    return rows


def cells_of(row: str) -> list[str]:
    cells = re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in cells[:5]]


KEYS = {
    "name": lambda row: row[0].lower().replace("é", "e"),
    "kind": lambda row: list(KINDS).index(row[1]),
    "size": lambda row: int(row[2].split()[0]),
    "changed": lambda row: row[4],
}


@pytest.mark.parametrize("by", KEYS)
def test_every_column_sorts_both_ways_and_pages_miss_and_repeat_nothing(acme, by) -> None:
    fill(acme)
    member, path = acme.visit("member"), f"/documents/folders/{acme.folders['shared']}"
    up, down = (walk(member, f"{path}?sort={sign}{by}") for sign in ("", "-"))
    for rows, is_descending in ((up, False), (down, True)):
        folders, documents = rows[:2], rows[2:]
        assert {row[0] for row in documents} == {row[0] for row in up[2:]}
        assert len(documents) == COUNT + 1  # and the plan
        keys = [KEYS[by](row) for row in documents]
        assert keys == sorted(keys, reverse=is_descending)
        order = ["beta", "Alpha"] if (by, is_descending) == ("name", True) else ["Alpha", "beta"]
        assert [row[0] for row in folders] == order
    page = member.get(f"{path}?sort={by}").text
    assert page.count("aria-sort=") == page.count('aria-sort="ascending"') == 1
    assert f"{path}?sort=-{by}" in page


@on_sqlite
def test_what_no_column_is_called_is_the_usual_order(acme) -> None:
    fill(acme)
    member, path = acme.visit("member"), f"/documents/folders/{acme.folders['shared']}"
    usual = walk(member, path)
    assert usual == walk(member, f"{path}?sort=-changed")
    for odd in ("", "owner", "--name", "-", "%00", "name;drop"):
        assert walk(member, f"{path}?sort={odd}") == usual


@on_sqlite
def test_behind_what_one_may_not_read_a_list_by_name_begins_anew(acme) -> None:
    """An id tells nothing of the name of its document, were it another organisation's."""
    fill(acme)
    member, guest = acme.visit("member"), acme.visit("guest")
    hidden = member.upload("e050 secret", b"x").json["id"]
    path = f"/documents/folders/{acme.folders['shared']}?sort=name"
    rows = ROW.findall(guest.get(f"{path}&id={hidden}").text.partition("<tbody>")[2])
    first = ROW.findall(guest.get(path).text.partition("<tbody>")[2])
    assert [cells_of(row) for row in rows] == [cells_of(row) for row in first[2:]]


@on_sqlite
def test_too_many_names_come_in_the_usual_order_and_the_page_says_so(acme, monkeypatch) -> None:
    fill(acme)
    monkeypatch.setattr(sorting, "MAX_NAMES", COUNT)
    member, path = acme.visit("member"), f"/documents/folders/{acme.folders['shared']}"
    assert "too many documents here to sort" in member.get(f"{path}?sort=name").text
    assert walk(member, f"{path}?sort=name") == walk(member, path)


@on_sqlite
def test_more_folders_than_a_page_holds_come_before_the_documents(acme, monkeypatch) -> None:
    monkeypatch.setattr(queries, "FOLDERS_SIZE", 1)
    fill(acme)
    member, path = acme.visit("member"), f"/documents/folders/{acme.folders['shared']}"
    for order, folders in (("", ["Alpha", "beta"]), ("?sort=-name", ["beta", "Alpha"])):
        rows = walk(member, path + order)
        assert [row[0] for row in rows[:2]] == folders
        assert len(rows) == len(set(rows)) == 2 + COUNT + 1
    assert walk(member, f"{path}?folder={acme.folders['shared']}") == walk(member, path)


@on_sqlite
def test_an_order_is_kept_on_the_way_down_and_back_up(acme) -> None:
    fill(acme)
    member, shared = acme.visit("member"), acme.folders["shared"]
    top, folder = (f"/documents{of}?sort=-name" for of in ("", f"/folders/{shared}"))
    assert folder in links_of(member.get(top).text)
    links = links_of(member.get(folder).text)
    assert top in links
    inner = {a for a in links if re.fullmatch(r"/documents/folders/[0-9a-f-]{36}\?sort=-name", a)}
    assert len(inner - {folder}) == 2
    document = next(a for a in links if re.fullmatch(r"/documents/[0-9a-f-]{36}\?sort=-name", a))
    assert folder in links_of(member.get(document).text)
    odd = links_of(member.get(f"/documents/folders/{shared}?sort=owner").text)
    assert not [a for a in odd if "owner" in a], "what is no order is not carried on"
