"""What the filters find: exactly what fits all of them, newest first."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest

from portal.audit.models import AuditEntry
from portal.audit.queries import Filters, search_entries
from tests.audit.reading import NOON, ask, entry, write

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
    ids = write(acme, *made)
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
        (None, NOON + timedelta(minutes=31)),
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
    ids = write(acme, *(entry(-n) for n in range(5)))
    assert ask(acme.visit("officer"), until="2026-03-04T00:00") == ids[::-1]
    with acme.bound() as session:
        assert all(isinstance(session.get(AuditEntry, (acme.id, i)), AuditEntry) for i in ids)
