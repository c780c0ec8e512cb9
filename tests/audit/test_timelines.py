"""What stands around an entry: before and after, neighbours in time, the life of a thing."""

import re
from uuid import uuid4

import pytest

from portal.core.ids import new_id
from tests.audit.reading import entry, listed, onward, write, write_then
from tests.audit.test_pages import text_of
from tests.conftest import on_sqlite


def test_a_person_s_timeline_has_what_they_did_and_what_was_done_about_them(acme, globex) -> None:
    """Page by page, by day, and nothing of anybody else."""
    person = new_id()
    mine = [
        entry(n, **({"actor_id": person} if n % 2 else {"target": f"user:{person}"}))
        for n in range(60)
    ]
    ids = write_then(acme, *mine, entry(60, actor_id=person, target=f"user:{person}"))
    write_then(acme, entry(), entry(actor_id=uuid4(), target=f"user:{uuid4()}"))
    write_then(globex, entry(actor_id=person))
    officer = acme.visit("officer")
    first = officer.get(f"/audit/people/{person}").text
    assert "Tuesday, 3 March 2026" in first
    second = officer.get(onward(first, "before")).text
    assert onward(second, "before") is None
    assert listed(first) + listed(second) == ids[::-1]


@on_sqlite
def test_a_document_s_timeline_outlives_it_and_what_the_log_does_not_tell_of_is_missing(
    acme, globex
) -> None:
    document = new_id()
    ids = write(acme, *(entry(target=f"document:{document}") for _ in range(3)))
    officer = acme.visit("officer")
    assert listed(officer.get(f"/audit/documents/{document}").text) == ids[::-1]
    foreign = officer.get(f"/audit/documents/{globex.documents['note']}")
    unknown = officer.get(f"/audit/documents/{uuid4()}")
    assert (foreign.status_code, foreign.data) == (404, unknown.data)


@on_sqlite
def test_an_entry_leads_to_those_right_after_and_right_before_it(acme) -> None:
    ids = write(acme, *(entry(n) for n in range(9)))
    page = acme.visit("officer").get(f"/audit/{ids[4]}").text
    assert listed(page) == [*ids[7:4:-1], *ids[3:0:-1]]


CHANGES = [
    ({"before": {"a": 1, "b": None}, "after": {"a": 2, "b": "x"}}, ["A 1 2", "B None x"]),
    ({"before": {"is_on": True}, "is_on": False, "other": "y"}, ["Is on Yes No"]),
    ({"before": 30, "after": None}, ["Value 30 None"]),
]


@on_sqlite
@pytest.mark.parametrize(("detail", "rows"), CHANGES)
def test_a_change_is_shown_as_before_and_after(acme, detail, rows) -> None:
    [made] = write(acme, entry(action="policy.changed", detail=detail))
    page = acme.visit("officer").get(f"/audit/{made}").text
    table = re.search(r"Before</th>.*?<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    assert [text_of(row).strip() for row in table.split("</tr>")[:-1]] == rows
