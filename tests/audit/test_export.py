"""The audit log as a file: whole, in order, for a day, and for nobody but who asked for it."""

import csv
import io
import json
from datetime import datetime
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update

from portal.access.decision import Forbidden
from portal.access.log_exports.models import LogExport
from portal.access.models import RoleAssignment
from portal.audit import copied, export
from portal.audit.entries import Entry
from portal.core import clock as portal_clock
from tests.access.asked import newest_act, want_two
from tests.audit.reading import ask, entry, write, write_then
from tests.browsing import ADDRESS, Visitor
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Organisation

SIGNS = ("=", "+", "-", "@", "\t", "\r")
ODD = [*SIGNS, "\n", '"', "'", ",", "\\", "%", "{", " ", "é", "\u2028", "😀", "a", "\\u0041"]


def made(organisation: Organisation, by: str = "officer", **form: str) -> str:
    """Get an export ready; gives its address."""
    form = {"form": "jsonl", "reason": "for the auditor"} | form
    answer = organisation.visit(by).post("/audit/exports", form)
    assert answer.status_code == 302, answer.text
    return newest(organisation)


def newest(organisation: Organisation) -> str:
    rows = organisation.portal.rows("log_export")
    own = [row["id"] for row in rows if row["tenant_id"] == organisation.id]
    return f"/audit/exports/{max(own)}"


def lines_of(visitor: Visitor, address: str) -> list[dict[str, Any]]:
    answer = visitor.get(address)
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.data.splitlines()]


@pytest.fixture
def second_officer(acme) -> str:
    """The auditor is made an officer as well."""
    with acme.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=acme["auditor"].id, role="compliance-officer"))
    return "auditor"


def test_all_entries_come_in_the_order_of_the_log_however_many(acme, monkeypatch) -> None:
    monkeypatch.setattr(export, "BATCH_SIZE", 3)
    before = [row["id"] for row in acme.log()]
    found = lines_of(acme.visit("officer"), made(acme, readings="y"))
    ids = [line["id"] for line in found]
    assert ids == sorted(ids)
    assert {str(i) for i in before} < set(ids)
    assert set(found[0]) == set(Entry._fields)
    assert lines_of(acme.visit("officer"), newest(acme)) == found, "it stays the same export"


def test_filters_narrow_it(acme, globex) -> None:
    write(acme, entry(target="document:1", outcome="refused"), entry(target="user:2"))
    write(globex, entry(target="document:1", outcome="refused"))
    [line] = lines_of(acme.visit("officer"), made(acme, target="document", outcome="refused"))
    assert (line["target"], line["outcome"]) == ("document:1", "refused")
    page = acme.visit("officer").get("/audit/exports?target=document&outcome=refused").text
    assert 'value="document"' in page
    assert "about document, with the outcome refused" in page


def odd_texts(count: int) -> list[str]:
    """Texts of whatever a cell could stumble over, the same in every run."""
    chance = Random(7)  # noqa: S311  # no secret
    return ["".join(chance.choices(ODD, k=chance.randrange(6))) for _ in range(count)]


def test_csv_holds_what_json_lines_hold_and_no_cell_is_a_formula(acme, globex) -> None:
    """On PostgreSQL the database writes it, elsewhere we do."""
    texts = odd_texts(120)
    write(globex, entry(target="theirs"))
    for one, other, address in zip(texts[::3], texts[1::3], texts[2::3], strict=True):
        told = {"note": one, "address": other, "count": 1.5, "list": [None, other]}
        who = {"actor_id": uuid4(), "request_id": uuid4(), "address": address}
        write(acme, entry(action=one, target=other, detail=told, **who))
    write(acme, entry(address="192.0.2.1"), entry(detail={"reason": "x\0y \\u0000"}))
    officer = acme.visit("officer")
    lines = lines_of(officer, made(acme, readings="y"))
    answer = officer.get(made(acme, form="csv", readings="y")).text
    rows = list(csv.DictReader(io.StringIO(answer, newline="")))
    assert "x\ufffdy \\u0000" in [line["detail"].get("reason") for line in lines]
    assert answer.count("\r\n") >= len(rows) + 1
    assert [*rows[0]] == [*Entry._fields]
    for line, row in zip(lines, rows, strict=False):
        assert json.loads(row.pop("detail")) == line.pop("detail")
        assert datetime.fromisoformat(row.pop("at")) == datetime.fromisoformat(line.pop("at"))
        cells = {name: value or "" for name, value in line.items()}
        assert row == {n: f"'{c}" if c.startswith(SIGNS) else c for n, c in cells.items()}
    assert len(lines) >= len(texts) // 3
    assert "theirs" not in answer


@on_postgresql
def test_entries_of_before_a_nul_was_replaced_are_found_and_taken_out(acme) -> None:
    """As the database holds them: it keeps a NUL in JSON, and reads none."""
    plain, odd = write_then(acme, entry(address=ADDRESS), entry(address=ADDRESS))
    written = r"\u0000\\u0000\u0000"  # a NUL, a backslash with some letters, a NUL
    values = json.dumps({"note": "NOTE"}).replace("NOTE", written)
    for table, column in (("audit_entry", "told"), ("audit_aside", "personal")):
        acme.portal.execute(f"UPDATE {table} SET {column} = '{values}' WHERE id = '{odd}'", acme)
    officer = acme.visit("officer")
    filters = {"address": ADDRESS, "since": "2026-03-03T00:00", "until": "2026-03-04T00:00"}
    assert ask(officer, **filters) == [odd, plain]
    answer = officer.get(made(acme, form="csv", **filters)).text
    [_, row] = csv.DictReader(io.StringIO(answer, newline=""))
    assert (row["id"], row["address"]) == (str(odd), ADDRESS)
    assert json.loads(row["detail"])["note"] == "\ufffd\\u0000\ufffd"


@on_sqlite
def test_it_is_nobody_elses_and_lasts_a_day(acme, globex, second_officer) -> None:
    address = made(acme)
    assert acme.visit(second_officer).get(address).status_code == 404
    assert globex.visit("officer").get(address).status_code == 404
    assert acme.visit("officer").get(f"/audit/exports/{uuid4()}").status_code == 404
    assert acme.visit("officer").get(address).status_code == 200
    with acme.bound(writes=True) as session:
        session.execute(update(LogExport).values(expires_at=portal_clock.now()))
    assert acme.visit("officer").get(address).status_code == 404
    assert address not in acme.visit("officer").get("/audit/exports").text


def test_what_is_being_read_stops_when_the_right_ends(acme, monkeypatch) -> None:
    monkeypatch.setattr(export, "BATCH_SIZE", 3)
    monkeypatch.setattr(copied, "BATCH_SIZE", 3)
    write(acme, *(entry() for _ in range(20)))
    officer = acme.visit("officer")
    address = made(acme, form="csv")
    pieces = iter(officer.client.open(address, base_url=officer.base).response)
    assert [next(pieces), next(pieces)][1].count(b"\n") == 3
    with acme.bound(writes=True) as session:
        session.execute(delete(RoleAssignment).where(RoleAssignment.user_id == acme["officer"].id))
    with pytest.raises(Forbidden):
        list(pieces)
    assert acme.told()[-1] == ("download.stopped", "refused")


@on_sqlite
def test_without_a_reason_nothing_is_made(acme) -> None:
    before = acme.portal.rows("log_export")
    answer = acme.visit("officer").post("/audit/exports", {"form": "csv", "reason": ""})
    assert answer.status_code == 422
    assert "Say what it is for." in answer.text
    odd = {"form": "exe", "reason": "x"}
    assert acme.visit("officer").post("/audit/exports", odd).status_code == 422
    assert acme.portal.rows("log_export") == before


def test_where_two_are_wanted_it_is_ready_once_another_officer_agrees(acme, second_officer) -> None:
    want_two(acme, "export-log")
    before = newest(acme)
    form = {"form": "csv", "reason": "for the auditor", "target": "document"}
    form["person"] = str(acme["member"].id)
    officer = acme.visit("officer")
    assert officer.post("/audit/exports", form).status_code == 302
    assert newest(acme) == before, "nothing is ready yet"
    act = f"/approvals/{newest_act(acme)}"
    assert officer.post(f"{act}/approve").status_code == 403
    assert acme.visit("admin").get(act).status_code == 403
    page = acme.visit(second_officer).get(act).text
    assert "Take a part of the audit log out of the portal?" in page
    assert "Target: document" in page
    assert f"Person: {acme['member'].name}" in page
    assert acme.visit(second_officer).post(f"{act}/approve").status_code == 302
    assert officer.get(newest(acme)).status_code == 200
    assert acme.visit(second_officer).get(newest(acme)).status_code == 404
    assert acme.visit(second_officer).post(f"{act}/approve").status_code == 409, "once"


@on_sqlite
def test_two_are_not_wanted_where_one_officer_is_alone(acme) -> None:
    answer = acme.visit("admin").post("/policy/choice", {"kinds": ["export-log"]})
    assert answer.status_code == 409
    assert "only one person holds the right" in answer.text
