"""Charts of the log: what is counted, over which time, and what leads on from there."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from portal.access.log_charts import Charts, draw_charts
from portal.audit import counting
from portal.audit.queries import Filters
from tests.access.reviews.test_reports import officer_of
from tests.audit.reading import NOON, entry, listed, write_then
from tests.browsing import links_of
from tests.conftest import on_sqlite

DAY = {"since": "2026-03-03T00:00", "until": "2026-03-04T00:00"}
TIMES = Filters(
    since=datetime(2026, 3, 3, tzinfo=UTC),
    until=datetime(2026, 3, 4, tzinfo=UTC),
    without_action="audit.read",
)


def drawn(acme, filters: Filters = TIMES) -> Charts:
    with acme.bound(writes=True):
        return draw_charts(officer_of(acme), filters)


def test_everything_is_counted_once_and_in_its_place(acme, globex) -> None:
    """On both databases: each has its own way with times."""
    member, admin = acme["member"].id, acme["admin"].id
    write_then(
        acme,
        entry(-1, actor_id=member, target="document:1"),
        entry(0, actor_id=member, target="document:2"),
        entry(59, actor_id=member, target="document:2", outcome="refused"),
        entry(60, actor_id=admin, action="document.renamed"),
        entry(61, action="sign-in.succeeded"),
        entry(62, action="sign-in.failed", outcome="failure", actor_kind="anonymous"),
        entry(12 * 60, actor_id=member, target="document:3"),
    )
    write_then(globex, entry(0, actor_id=member, target="document:2"))
    charts = drawn(acme)
    assert {bar.since: bar.count for bar in charts.bars if bar.count} == {
        NOON - timedelta(minutes=60): 1, NOON: 2, NOON + timedelta(minutes=60): 3
    }  # fmt: skip
    assert (charts.bars[0].since, charts.bars[-1].until) == (TIMES.since, TIMES.until)
    tuesday = charts.hours[1]
    assert (tuesday[11], tuesday[12], tuesday[13], sum(map(sum, charts.hours))) == (1, 2, 3, 6)
    assert charts.active == [(member, 3), (admin, 1)]
    assert charts.sign_ins == {TIMES.since: {"success": 1, "failure": 1}}
    assert charts.downloads == [("document:2", 2), ("document:1", 1)]


def test_whoever_reads_far_more_than_ever_before_is_unusual(acme) -> None:
    """In a range of an hour: ten reads where there were three, and not where there were four."""
    far, near, new = (acme[who].id for who in ("member", "guest", "auditor"))
    reads = [
        *((far, 30, 10), (far, -30, 3), (far, -90, 1), (near, 30, 12), (near, -150, 4)),
        *((new, 30, 11), (near, -300, 40), (acme["admin"].id, 30, 9)),
    ]
    told = {"action": "document.previewed"}
    write_then(acme, *(entry(at, actor_id=who, **told) for who, at, n in reads for _ in range(n)))
    hour = Filters(since=NOON, until=NOON + timedelta(hours=1))
    found = [(one.user_id, one.reads, one.most_before) for one in drawn(acme, hour).unusual]
    assert found == [(new, 11, 0), (far, 10, 3)]


@on_sqlite
def test_no_more_than_so_many_entries_are_drawn_and_the_page_says_so(acme, monkeypatch) -> None:
    monkeypatch.setattr(counting, "MOST", 3)
    write_then(acme, *(entry(n) for n in range(5)))
    page = acme.visit("officer").get("/audit/charts", query_string=DAY).text
    assert "There are more entries in this time than are counted" in page
    counts = re.findall(r"UTC: (\d+)</title>", page)
    assert sum(map(int, counts)) == 3


@on_sqlite
def test_a_bar_leads_to_the_entries_of_its_time_under_the_same_filters(acme) -> None:
    member = acme["member"].id
    wanted, *_ = write_then(acme, entry(5, actor_id=member), entry(5), entry(65, actor_id=member))
    officer = acme.visit("officer")
    page = officer.get("/audit/charts", query_string=DAY | {"person": str(member)}).text
    bars = [link for link in links_of(page) if "since=2026-03-03T12:00" in link]
    assert dict(parse_qsl(urlsplit(bars[0]).query)) == {
        "person": str(member), "since": "2026-03-03T12:00", "until": "2026-03-03T13:00"
    }  # fmt: skip
    assert listed(officer.get(bars[0].replace("/charts", "")).text) == [wanted]
    assert acme.log()[0]["detail"]["form"] == "charts"


@on_sqlite
@pytest.mark.parametrize(
    "query",
    [
        {"since": "2024-01-01T00:00", "until": "2026-01-01T00:00"},
        {"since": "2026-03-04T00:00", "until": "2026-03-03T00:00"},
        {"since": "0001-01-01T00:00"},
        {"until": "0001-01-02T00:00"},
        {"since": "9999-12-31T23:59"},
        {"outcome": "maybe"},
    ],
)
def test_what_can_not_be_drawn_is_not_read_either(acme, query) -> None:
    assert acme.visit("officer").get("/audit/charts", query_string=query).status_code == 422
    assert acme.log() == []
