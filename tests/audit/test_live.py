"""The live view: recorded once, one's own, for a while, and nothing is missed."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from portal.core import clock as portal_clock
from tests.audit.reading import entry, listed, write
from tests.audit.test_pages import text_of
from tests.browsing import Visitor
from tests.conftest import on_sqlite

pytestmark = pytest.mark.usefixtures("present")  # where what is new has an id of now


def begin(reader: Visitor, query: str = "") -> str:
    answer = reader.get(f"/audit/live?{query}")
    assert answer.status_code == 302
    return answer.location


def told(reader: Visitor, view: str, after: UUID | None = None) -> list[UUID]:
    headers = {"Last-Event-ID": str(after)} if after else {}
    answer = reader.get(f"{view}/events", headers=headers)
    assert answer.content_type.startswith("text/event-stream")
    ids = [UUID(found) for found in re.findall(r"^id: (.*)$", answer.text, re.MULTILINE)]
    assert ids == listed(answer.text.replace("data: ", "")), "each with its own row"
    return ids


def now(**more: object) -> dict:
    return entry(at=portal_clock.now(), **more)


def test_what_comes_is_told_and_only_the_beginning_is_recorded(acme, globex) -> None:
    officer = acme.visit("officer")
    view = begin(officer, "outcome=refused")
    assert officer.get(view).status_code == 200
    before = told(officer, view)
    first, _, second = write(acme, now(outcome="refused"), now(), now(outcome="refused"))
    write(globex, now(outcome="refused"))
    assert told(officer, view)[-2:] == [first, second]
    assert told(officer, view, after=first)[-1] == second
    assert set(told(officer, view, after=second)) <= {*before, first, second}
    assert listed(officer.get(view).text)[:2] == [second, first]
    readings = [row for row in acme.log() if row["action"] == "audit.read"]
    assert [row["detail"]["form"] for row in readings] == ["live"]


@on_sqlite
def test_an_entry_that_shows_up_late_is_told_all_the_same(acme) -> None:
    """Its transaction ended after one whose entry has a greater id."""
    officer = acme.visit("officer")
    view, late = begin(officer), now()
    [seen] = write(acme, now())
    assert told(officer, view)[-1] == seen
    write(acme, late)
    assert late["id"] in told(officer, view, after=seen)


def test_behind_an_id_that_is_none_of_ours_there_is_nothing(acme) -> None:
    officer = acme.visit("officer")
    view = begin(officer)
    write(acme, now())
    assert told(officer, view, after=UUID(int=2**128 - 1)) == []
    assert told(officer, view, after=UUID(int=1)) != []


@on_sqlite
def test_it_says_what_it_is_narrowed_to_before_anything_has_come(acme) -> None:
    officer, crew = acme.visit("officer"), acme.groups["crew"]
    page = officer.get(begin(officer, f"person={acme['guest'].id}&group={crew}")).text
    assert f"by {acme['guest'].name}, by people in Crew" in text_of(page)


@on_sqlite
def test_nobody_else_looks_through_it_and_nothing_else_opens_it(acme, globex) -> None:
    officer, auditor = acme.visit("officer"), acme.visit("auditor")
    view = begin(officer)
    officer.get("/audit")
    plain = f"/audit/live/{acme.log()[-1]['id']}"
    for visitor, path in ((auditor, view), (globex.visit("officer"), view), (officer, plain)):
        assert visitor.get(path).status_code == 404
        assert visitor.get(f"{path}/events").status_code == 404


@on_sqlite
def test_it_ends_and_sees_nothing_any_more_once_the_right_is_gone(acme, clock) -> None:
    officer = acme.visit("officer")
    view = begin(officer)
    clock.advance(minutes=29)
    assert told(officer, view) is not None
    clock.advance(minutes=2)
    assert officer.get(f"{view}/events").status_code == 204, "the browser comes no more"
    assert officer.get(view).status_code == 410
    again = begin(officer)
    acme.portal.execute("DELETE FROM role_assignment", acme)
    assert officer.get(f"{again}/events").status_code == 403


@on_sqlite
@pytest.mark.parametrize("query", ["text=quartz", "address=192.0.2.9", "last=30d&text=quartz"])
def test_what_needs_a_time_elsewhere_has_one_here(acme, query) -> None:
    officer = acme.visit("officer")
    old = portal_clock.now() - timedelta(hours=2)
    fits = {"address": "192.0.2.9", "detail": {"note": "quartz"}}
    [_, wanted, _] = write(acme, entry(at=old, **fits), now(**fits), now())
    assert told(officer, begin(officer, query)) == [wanted]
