"""Page by page, older and newer: every entry once, whatever arrives meanwhile."""

from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.audit import searching
from portal.audit.queries import Filters
from portal.audit.searching import search_entries
from portal.core.ids import new_id
from tests.audit.reading import add, entry, listed, onward, write_then
from tests.browsing import Visitor

DAY = "since=2026-03-03T00:00&until=2026-03-04T00:00"


def pages_from(reader: Visitor, address: str, direction: str, between=lambda: None) -> list[list]:
    """The pages that one gets to by going on in one direction, and the address of the last."""
    found: list[list] = []
    while True:
        page = reader.get(address)
        assert page.status_code == 200
        found.append(listed(page.text))
        following = onward(page.text, direction)
        if following is None:
            return found, address
        address = following
        between()


def flat(pages: list[list[UUID]]) -> list[UUID]:
    return [one for page in pages for one in page]


@pytest.mark.parametrize("count", [0, 1, 50, 51, 100, 101, 127])
def test_all_entries_come_once_on_the_way_back_and_on_the_way_forth(acme, count) -> None:
    ids = write_then(acme, *(entry() for _ in range(count)))
    officer = acme.visit("officer")
    older, last = pages_from(officer, f"/audit?{DAY}", "before")
    assert flat(older) == ids[::-1]
    assert [len(page) for page in older] == [50] * (count // 50) + [count % 50] * bool(
        count % 50 or not count
    )
    newer, _ = pages_from(officer, last, "after")
    assert flat(newer[::-1]) == ids[::-1]


def test_filters_are_kept_from_page_to_page(acme) -> None:
    ids = write_then(acme, *(entry(outcome=("success", "refused")[n % 2]) for n in range(130)))
    wanted = ids[1::2]
    officer = acme.visit("officer")
    pages, last = pages_from(officer, f"/audit?{DAY}&outcome=refused&target=document", "before")
    assert flat(pages) == wanted[::-1]
    assert len(pages) == 2
    newer, _ = pages_from(officer, last, "after")
    assert flat(newer[::-1]) == wanted[::-1]


def test_what_arrives_meanwhile_shifts_nothing(acme) -> None:
    ids = write_then(acme, *(entry() for _ in range(120)))
    officer = acme.visit("officer")
    arrived: list[UUID] = []

    def arrive() -> None:
        arrived.extend(write_then(acme, *(entry() for _ in range(30))))

    older, last = pages_from(officer, f"/audit?{DAY}", "before", arrive)
    assert flat(older) == ids[::-1]
    assert len(arrived) == 60
    newer, _ = pages_from(officer, last, "after")
    assert flat(newer[::-1]) == (ids + arrived)[::-1]


def test_reading_does_not_shift_what_is_read(acme) -> None:
    """Each page that is read adds an entry of its own."""
    write_then(acme, *(entry() for _ in range(110)))
    officer = acme.visit("officer")
    before = {row["id"] for row in acme.portal.rows("audit_entry") if row["tenant_id"] == acme.id}
    pages, _ = pages_from(officer, "/audit?readings=y", "before")
    assert flat(pages) == sorted(before, reverse=True)


class Arriving:
    """Entries that come in while somebody reads, in a transaction that is rolled back.

    Workers commit when they are done, so some have ids between those that were read already.
    """

    def __init__(self, session, outcomes: list[str], arrivals: list[int | None]) -> None:
        self.session, self.arrivals, self.spare = session, iter(arrivals), []
        self.first = []
        for outcome in outcomes:
            self.first.append((self._add(new_id(), outcome), outcome))
            self.spare.append(new_id())

    def some(self) -> None:
        place = next(self.arrivals, None)
        if place is not None:
            late = place < len(self.spare)
            self._add(self.spare.pop(place) if late else new_id(), "success")

    def _add(self, entry_id: UUID, outcome: str) -> UUID:
        add(**entry(id=entry_id, outcome=outcome, action="document.moved"))
        self.session.flush()
        return entry_id


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    outcomes=st.lists(st.sampled_from(["success", "refused"]), max_size=25),
    size=st.integers(1, 7),
    arrivals=st.lists(st.none() | st.integers(0, 30), max_size=40),
    wanted=st.sampled_from([None, "success", "refused"]),
)
def test_no_page_size_filter_or_arrival_makes_a_gap_or_a_repetition(
    acme, outcomes, size, arrivals, wanted
) -> None:
    filters = Filters(action="document.moved", outcome=wanted)
    with patch.object(searching, "PAGE_SIZE", size), acme.bound(writes=True) as session:
        log = Arriving(session, outcomes, arrivals)
        there = [i for i, outcome in log.first if wanted in (None, outcome)]
        page = search_entries(filters)
        assert page.newer is None
        seen = [e.id for e in page.entries]
        while page.older:
            log.some()
            page = search_entries(filters, before=page.older)
            assert page.newer == page.entries[0].id
            seen += [e.id for e in page.entries]
        assert seen == sorted(set(seen), reverse=True)
        assert [i for i in seen if i in there] == there[::-1]
        seen = [e.id for e in reversed(page.entries)]
        while page.newer:
            log.some()
            page = search_entries(filters, after=page.newer)
            assert page.older == page.entries[-1].id
            seen += [e.id for e in reversed(page.entries)]
        assert seen == sorted(set(seen))
        assert [i for i in seen if i in there] == there
        session.rollback()
