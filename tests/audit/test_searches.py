"""Searches that are kept: whose they are, who sees them, and where they lead."""

from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from portal.access.log_searches import service
from tests.audit.reading import entry, listed, write_then
from tests.audit.test_pages import text_of
from tests.browsing import Visitor, links_of
from tests.conftest import on_sqlite

MARCH = "since=2026-03-01T00:00&until=2026-03-31T00:00"


def keep(reader: Visitor, name: str, query: str = MARCH, **more: str) -> int:
    return reader.post(f"/audit/searches/new?{query}", {"name": name, **more}).status_code


def only_search(acme) -> UUID:
    [row] = acme.portal.rows("log_search")
    return row["id"]


def test_a_kept_search_leads_to_what_it_found(acme) -> None:
    """On both databases, which keep its filters as JSON."""
    wanted, _ = write_then(acme, entry(outcome="refused"), entry())
    officer = acme.visit("officer")
    page = officer.get(f"/audit?outcome=refused&{MARCH}").text
    [way] = [link for link in links_of(page) if link.startswith("/audit/searches/new")]
    assert keep(officer, " March ", urlsplit(way).query) == 302
    [link] = [link for link in links_of(officer.get("/audit/searches").text) if "refused" in link
              and link.startswith("/audit?")]  # fmt: skip
    assert dict(parse_qsl(urlsplit(link).query))["outcome"] == "refused"
    assert listed(officer.get(link).text) == [wanted]


@on_sqlite
def test_others_see_what_is_shared_and_change_nothing_of_it(acme, globex) -> None:
    officer, auditor = acme.visit("officer"), acme.visit("auditor")
    keep(officer, "Mine")
    own = only_search(acme)
    assert "Mine" not in text_of(auditor.get("/audit/searches").text)
    form = {"name": "Ours", "is_shared": "y"}
    assert officer.post(f"/audit/searches/{own}/edit", form).status_code == 302
    page = auditor.get("/audit/searches").text
    assert f"Ours {acme['officer'].name}" in text_of(page)
    assert f"/audit/searches/{own}" not in page
    foreign = globex.visit("officer")
    assert "Ours" not in foreign.get("/audit/searches").text
    before = acme.portal.rows("log_search")
    for visitor in (auditor, foreign):
        for act in ("edit", "delete"):
            assert visitor.get(f"/audit/searches/{own}/{act}").status_code == 404
            assert visitor.post(f"/audit/searches/{own}/{act}", {"name": "x"}).status_code == 404
    assert acme.portal.rows("log_search") == before
    assert officer.post(f"/audit/searches/{own}/delete").status_code == 302
    assert acme.portal.rows("log_search") == []


@on_sqlite
def test_one_person_keeps_a_name_once_and_no_more_than_so_many(acme, monkeypatch) -> None:
    monkeypatch.setattr(service, "MOST", 2)
    officer = acme.visit("officer")
    assert [keep(officer, "March"), keep(officer, "March")] == [302, 409]
    assert keep(acme.visit("auditor"), "March") == 302
    assert [keep(officer, "April"), keep(officer, "May")] == [302, 409]


@on_sqlite
@pytest.mark.parametrize("name", ["", " ", "x" * 61, "two\u2028lines", "\u202eturned"])
def test_a_name_is_one_line_that_can_be_seen(acme, name) -> None:
    assert keep(acme.visit("officer"), name) in (400, 422)
    assert acme.portal.rows("log_search") == []
    assert acme.log() == []


@on_sqlite
def test_what_can_not_be_searched_is_not_kept(acme) -> None:
    assert keep(acme.visit("officer"), "Odd", "text=without+a+time") == 302
    assert acme.portal.rows("log_search") == []
