"""What the filters find: exactly what fits all of them, newest first."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from itertools import product
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest

from portal.access import audit_log
from portal.access.models import GroupMembership
from portal.audit.models import AuditEntry
from portal.audit.queries import Filters
from portal.audit.searching import search_entries
from tests.audit.reading import NOON, ask, entry, listed, write, write_then
from tests.browsing import links_of
from tests.conftest import on_sqlite

DOCUMENTS = [f"document:{UUID(int=n)}" for n in (1, 2)]


@pytest.fixture
def entries(portal, acme) -> list[dict]:
    """Forty entries that differ in everything, a minute apart, as the database holds them."""
    people = [acme["member"].id, acme["admin"].id, None]
    actions = ["document.downloaded", "document.renamed", "access.refused", "audit.read"]
    targets = [*DOCUMENTS, f"user:{UUID(int=1)}", "documents"]
    made = [
        entry(
            n,
            actor_id=people[n % 3],
            action=actions[n % 4],
            target=targets[n // 4 % 4],
            outcome=["success", "refused", "failure"][n // 3 % 3],
        )
        for n in range(40)
    ]
    ids = write_then(acme, *made)
    return [
        {"id": i, "at": NOON + timedelta(minutes=n), **{
            name: each.get(name) for name in ("actor_id", "action", "target", "outcome")
        }}
        for n, (i, each) in enumerate(zip(ids, made, strict=True))
    ]  # fmt: skip


def fits(row: dict, filters: Filters) -> bool:
    """The same, said another way."""
    return (
        filters.actor_id in (None, row["actor_id"])
        and filters.action in (None, row["action"])
        and (row["target"] + ":").startswith(filters.target + (":" if filters.target else ""))
        and filters.outcome in (None, row["outcome"])
        and not (filters.since and row["at"] < filters.since)
        and not (filters.until and row["at"] >= filters.until)
        and row["action"] != filters.without_action
    )


def all_combinations(acme) -> Iterator[Filters]:
    for person, action, target, outcome, since, until, without in product(
        (None, acme["member"].id, uuid4()),
        (None, "document.renamed"),
        ("", "document", DOCUMENTS[0], "documents", "doc"),
        (None, "refused"),
        (NOON, NOON + timedelta(minutes=7, seconds=1)),
        (NOON + timedelta(hours=1), NOON + timedelta(minutes=31)),
        (None, "audit.read"),
    ):
        yield Filters(
            actor_id=person,
            action=action,
            target=target,
            outcome=outcome,
            since=since,
            until=until,
            without_action=without,
        )


def test_alone_and_together_filters_find_exactly_what_fits(acme, entries) -> None:
    found = 0
    with acme.bound():
        for filters in all_combinations(acme):
            expected = [row["id"] for row in reversed(entries) if fits(row, filters)]
            page = search_entries(filters)
            own = [e.id for e in page.entries if e.at < NOON + timedelta(hours=1)]
            assert own == expected, filters
            found += len(own)
    assert found > 1000


def test_the_form_finds_by_person_action_target_outcome_and_time(acme, entries) -> None:
    officer, member = acme.visit("officer"), str(acme["member"].id)
    day = {"since": "2026-03-03T00:00", "until": "2026-03-04T00:00", "readings": "y"}
    asked = [
        ({}, lambda _: True),
        ({"person": member}, lambda row: str(row["actor_id"]) == member),
        ({"action": "document.renamed"}, lambda row: row["action"] == "document.renamed"),
        ({"action": "audit.read"}, lambda row: row["action"] == "audit.read"),
        ({"target": "document"}, lambda row: row["target"].startswith("document:")),
        ({"target": DOCUMENTS[1]}, lambda row: row["target"] == DOCUMENTS[1]),
        ({"target": f"  {DOCUMENTS[1].upper()} "}, lambda row: row["target"] == DOCUMENTS[1]),
        ({"target": "Documents"}, lambda row: row["target"] == "documents"),
        ({"outcome": "failure"}, lambda row: row["outcome"] == "failure"),
        ({"since": "2026-03-03T12:05"}, lambda row: row["at"] >= NOON + timedelta(minutes=5)),
        ({"until": "2026-03-03T12:05"}, lambda row: row["at"] < NOON + timedelta(minutes=5)),
        (
            {"person": member, "target": "document", "outcome": "refused"},
            lambda row: (
                str(row["actor_id"]) == member
                and row["target"].startswith("document:")
                and row["outcome"] == "refused"
            ),
        ),
    ]
    for filters, is_wanted in asked:
        expected = [row["id"] for row in reversed(entries) if is_wanted(row)]
        assert expected, filters
        assert ask(officer, **day | filters) == expected, filters


def test_readings_of_the_log_are_shown_when_asked_for(acme) -> None:
    officer = acme.visit("officer")
    ask(officer)
    plain, readings = ask(officer), ask(officer, readings="y")
    own = {row["id"] for row in acme.log() if row["action"] == "audit.read"}
    assert len(own) == 3
    assert not own & set(plain)
    assert set(readings) >= own - {max(own)}
    assert set(ask(officer, action="audit.read")) == own


@pytest.mark.parametrize(
    "target", ["%", "document%", "docu_ent", "document:%", "_", "\\", "user:%"]
)
def test_a_target_is_taken_as_it_is_written(acme, entries, target) -> None:
    assert ask(acme.visit("officer"), target=target) == []


def test_filters_never_reach_another_tenant(acme, globex) -> None:
    write(globex, entry(actor_id=acme["member"].id))
    officer = acme.visit("officer")
    foreign = {
        row["id"] for row in acme.portal.rows("audit_entry") if row["tenant_id"] == globex.id
    }
    for filters in (
        {"readings": "y"},
        {"person": str(globex["member"].id)},
        {"person": str(acme["member"].id)},
        {"target": f"document:{globex.documents['note']}"},
        {"target": f"tenant:{globex.id}"},
    ):
        assert not foreign & set(ask(officer, **filters))
    page = officer.get("/audit").text
    assert "Globex" not in page
    assert str(globex["member"].id) not in page


def test_a_reading_tells_what_was_asked_for(acme) -> None:
    member = acme["member"].id
    ask(acme.visit("officer"), person=str(member), target=" document ", since="2026-03-03T00:00")
    [row] = acme.log()
    assert (row["action"], row["target"]) == ("audit.read", "audit")
    assert row["actor_id"] == acme["officer"].id
    assert row["detail"] == {
        "filters": {
            "actor_id": str(member),
            "target": "document",
            "since": "2026-03-03 00:00:00+00:00",
            "without_action": "audit.read",
        }
    }


def test_the_order_is_that_of_the_ids_whatever_the_clock_said(acme) -> None:
    ids = write_then(acme, *(entry(-n) for n in range(5)))
    assert ask(acme.visit("officer"), until="2026-03-04T00:00") == ids[::-1]
    with acme.bound() as session:
        assert all(isinstance(session.get(AuditEntry, (acme.id, i)), AuditEntry) for i in ids)


def add_to_group(acme, group: UUID, person: UUID) -> None:
    with acme.bound(writes=True) as session:
        session.add(GroupMembership(group_id=group, user_id=person))


MARCH = {"since": "2026-03-01T00:00", "until": "2026-03-31T00:00"}


def test_group_address_and_words_find_what_fits_all_of_them(acme) -> None:
    """On both databases, which keep JSON each in its way. Who is in the group is asked now."""
    group, member, home = acme.groups["crew"], acme["member"].id, "2001:db8::1"
    add_to_group(acme, group, member)
    by, words, both, other = write_then(
        acme,
        entry(actor_id=member),
        entry(address=home, detail={"role": "Zoë_1"}),
        entry(actor_id=member, address=home, detail={"reason": "as Zoë_1 asked"}),
        entry(actor_id=acme["admin"].id, address="2001:db8::11", detail={"reason": "Zoëx1"}),
    )
    officer = acme.visit("officer")
    assert ask(officer, **MARCH, group=str(group)) == [both, by]
    assert ask(officer, **MARCH, address=" 2001:DB8:0::1 ") == [both, words]
    assert ask(officer, **MARCH, text="zoë_1") == [both, words]
    assert ask(officer, **MARCH, text="x1", address="2001:db8::11") == [other]
    assert ask(officer, **MARCH, text="DB8::11") == [other]
    assert ask(officer, **MARCH, group=str(group), text="zoë_1", address=home) == [both]
    assert ask(officer, **MARCH, group=str(uuid4())) == []
    assert ask(officer, last="24h", text="zoë_1") == []


@on_sqlite
@pytest.mark.parametrize("name", ["group", "address", "text"])
def test_where_no_index_leads_a_short_time_has_to_be_given(acme, name) -> None:
    asked = {name: {"group": str(acme.groups["crew"])}.get(name, "192.0.2.7")}
    officer = acme.visit("officer")
    for time in ({}, {"until": "2026-03-31T00:00"}, MARCH | {"until": "2026-04-02T00:00"}):
        answer = officer.get("/audit", query_string=asked | time)
        assert answer.status_code == 422
        assert "31 days or less" in answer.text
    assert acme.log() == []
    assert officer.get("/audit", query_string=asked | MARCH).status_code == 200


@on_sqlite
def test_each_chip_leaves_out_one_filter(acme) -> None:
    asked = MARCH | {"person": str(acme["member"].id), "text": "a b"}
    page = acme.visit("officer").get("/audit", query_string=asked).text
    found = [dict(parse_qsl(urlsplit(link).query)) for link in links_of(page)]
    for name in asked:
        assert {other: asked[other] for other in asked if other != name} in found, name


@on_sqlite
def test_an_export_holds_what_its_filters_find_however_the_group_has_grown(acme) -> None:
    group, member = acme.groups["crew"], acme["member"].id
    [theirs, _] = write_then(acme, entry(actor_id=member), entry(actor_id=acme["admin"].id))
    form = MARCH | {"group": str(group), "form": "jsonl", "reason": "to look"}
    officer = acme.visit("officer")
    assert officer.post("/audit/exports", form).status_code == 302
    export = max(row["id"] for row in acme.portal.rows("log_export"))
    assert officer.get(f"/audit/exports/{export}").text == ""
    add_to_group(acme, group, member)
    assert str(theirs) in officer.get(f"/audit/exports/{export}").text


@on_sqlite
def test_of_too_many_entries_the_newest_are_looked_at_and_the_page_leads_on(
    acme, monkeypatch
) -> None:
    monkeypatch.setattr(audit_log, "LOOKED_THROUGH", 2)
    ids = write_then(acme, *(entry(n, detail={"note": "x1"}) for n in range(5)))
    officer, found = acme.visit("officer"), []
    page = officer.get("/audit", query_string=MARCH | {"text": "x1"}).text
    while "Look at those before" in page:
        found += listed(page)
        [before] = re.findall(r'href="([^"]*)">Look at those before', page)
        page = officer.get(unescape(before)).text
    found += listed(page)
    assert found == ids[::-1]
