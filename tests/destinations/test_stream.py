"""Entries go to a destination each at least once, in their order, and to nobody else."""

import json
import socket
import time
from threading import Event, Thread
from typing import Any

import pytest

from portal.access.models import RoleAssignment
from portal.audit.severity import Severity
from portal.cli.feeding import feed_all
from portal.cli.keeping_log import keep_logs
from portal.destinations import stream
from portal.destinations.deliveries import send_alert
from tests.access.asked import decide_act, newest_act, want_two
from tests.cli.operators import Operator
from tests.conftest import on_sqlite
from tests.destinations.setting_up import (
    NOTHING,
    press,
    row_of,
    rows_of,
    started,
    visit,
)
from tests.harness.collectors import HOST, collector
from tests.harness.smtp import mail_sink

FROM_0 = NOTHING | {"entry_form": "jsonl", "from_beginning": "y"}


def ids_of(organisation) -> list[str]:
    rows = organisation.portal.rows("audit_leaf")
    mine = [row for row in rows if row["tenant_id"] == organisation.id]
    return [str(row["id"]) for row in sorted(mine, key=lambda row: row["number"])]


def test_all_entries_come_in_their_order_and_again_where_a_batch_was_not_taken(
    acme, globex, webhook, clock, monkeypatch
) -> None:
    monkeypatch.setattr(stream, "BATCH_ENTRIES", 7)
    webhook.status = 503
    id_ = started(acme, "webhook", address=webhook.address, **FROM_0)
    globex.visit("officer").get("/audit")
    visit(acme)
    row = row_of(acme, id_)
    assert (row["next_number"], row["sent_number"]) == (0, 7)
    assert (
        "Numbers 0 to 6 were sent" in acme.visit("officer").get(f"/audit/destinations/{id_}").text
    )
    webhook.status = 200
    visit(acme)
    assert webhook.got == []  # it is not tried again at once
    clock.advance(seconds=31)
    visit(acme)
    sent = [json.loads(line) for line in webhook.lines]
    assert [entry["number"] for entry in sent] == list(range(len(ids_of(acme))))
    assert [entry["id"] for entry in sent] == ids_of(acme)
    assert sent[-1]["action"] == "destination.failed"
    assert {headers["content-type"] for headers, _ in webhook.got} == {"application/jsonl"}
    assert len({headers["webhook-id"] for headers, _ in webhook.got}) == len(webhook.got)
    webhook.got.clear()
    assert press(acme, id_, "stop").status_code == 302
    visit(acme)
    assert press(acme, id_, "restart", number="2").status_code == 302
    assert webhook.got == []
    press(acme, id_, "start")
    visit(acme)
    assert [json.loads(line)["number"] for line in webhook.lines] == [*range(2, len(ids_of(acme)))]


def test_of_two_workers_one_sends_a_batch_and_the_other_takes_over_when_it_dies(
    acme, webhook, clock
) -> None:
    id_ = started(acme, "webhook", address=webhook.address, **FROM_0)
    with acme.portal.app.app_context():
        keep_logs()

    def take() -> stream.Batch | None:
        with acme.bound(writes=True):
            return stream.take_batch(id_)

    batch = take()
    assert batch.first == 0
    assert take() is None
    clock.advance(seconds=61)
    again = take()
    assert again.message.id == batch.message.id
    with acme.bound(writes=True):
        assert stream.acknowledge(again)
    with acme.bound(writes=True):
        assert not stream.acknowledge(batch)  # what came late moves nothing
    assert row_of(acme, id_)["next_number"] == again.end


@on_sqlite
@pytest.mark.parametrize("form", ["ocsf", "cef", "jsonl"])
def test_whoever_has_the_entries_finds_what_is_missing_of_them(acme, tmp_path, form) -> None:
    with collector() as found:
        fields = {"host": HOST, "port": found.port, **FROM_0, "entry_form": form}
        started(acme, "syslog", **fields)
        visit(acme)
    file, gaps = tmp_path / "received", ["audit", "gaps", str(tmp_path / "received")]
    operator, count = Operator(acme.portal.settings), len(ids_of(acme))
    lines = found.messages
    file.write_text("\n".join([*lines, lines[3]]))
    done = operator.do(*gaps, "--first", "0")
    assert done.lines == [f"{count} entries, from 0 to {count - 1}", "0 missing, 1 sent again"]
    forged = lines[9].replace(ids_of(acme)[9], ids_of(acme)[8])
    file.write_text("\n".join([*lines[:2], *lines[4:-1], forged, "<110>1 a line of nobody's"]))
    done = operator(*gaps, "--last", str(count))
    assert done.status == 1
    assert done.lines == [
        "missing: 2 to 3",
        f"missing: {count - 1} to {count}",
        "two different entries: 9",
        f"no entry of this organisation: line {count - 1}",
        f"{count - 3} entries, from 0 to {count}",
        "4 missing, 0 sent again",
    ]


@on_sqlite
def test_where_two_are_wanted_entries_go_out_once_another_officer_agrees(acme, webhook) -> None:
    with acme.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=acme["auditor"].id, role="compliance-officer"))
    want_two(acme, "export-log")
    id_ = started(acme, "webhook", address=webhook.address, **FROM_0)
    only_proof = started(acme, "mail", addresses="a@auditor.example", rhythm="daily")
    visit(acme)
    assert (row_of(acme, id_)["is_started"], webhook.got) == (0, [])
    assert row_of(acme, only_proof)["is_started"]
    act = newest_act(acme)
    assert "Send every entry" in acme.visit("auditor").get(f"/approvals/{act}").text
    assert decide_act(acme, act, "approve", by="officer") == 403
    change = FROM_0 | {"name": "Elsewhere", "address": webhook.address}
    assert press(acme, id_, "edit", **change).status_code == 302
    assert decide_act(acme, act, "approve", by="auditor") == 409  # it was about what it was
    press(acme, id_, "start", reason="the SIEM is ready")
    assert decide_act(acme, newest_act(acme), "approve", by="auditor") == 302
    visit(acme)
    assert webhook.lines
    # They agreed to what comes from there on: nobody goes back alone.
    press(acme, id_, "restart", number=str(row_of(acme, id_)["next_number"]))
    assert row_of(acme, id_)["is_started"]
    webhook.got.clear()
    assert press(acme, id_, "restart", number="0").status_code == 302
    visit(acme)
    assert (row_of(acme, id_)["is_started"], webhook.got) == (0, [])


@on_sqlite
def test_production_sends_nothing_into_its_own_network(portal, acme, webhook) -> None:
    id_ = started(acme, "webhook", address=webhook.address.replace("http", "https"), **FROM_0)
    with collector() as found:
        fields = {"host": "localhost", "port": found.port, "is_tls": "y", **FROM_0}
        other = started(acme, "syslog", **fields)
        portal.use(production=True)
        visit(acme)
        assert (webhook.got, found.streams) == ([], [])
    for each in (id_, other):
        assert row_of(acme, each)["failure"] == "Its address leads into a private network."


@on_sqlite
def test_into_a_network_that_the_operator_names_production_sends(portal, acme) -> None:
    with collector() as found:
        id_ = started(acme, "syslog", host=HOST, port=found.port, **FROM_0)
        portal.use(production=True, log_networks="10.0.0.0/8 127.0.0.0/8")
        visit(acme)
        assert row_of(acme, id_)["failure"] is None
    assert len(found.messages) == row_of(acme, id_)["next_number"]


@on_sqlite
def test_an_alert_goes_to_whoever_takes_alerts(portal, acme, webhook) -> None:
    for n, wants in enumerate(["y", ""]):
        more = {"wants_alerts": "y"} if wants else {}
        given = {"address": webhook.address, "name": f"Hook {n}", "rhythm": "daily"} | more
        started(acme, "webhook", **NOTHING | given)
    id_ = started(acme, "mail", addresses="a@auditor.example", rhythm="never", wants_alerts="y")
    visit(acme)
    webhook.got.clear()
    with acme.bound(writes=True):
        assert send_alert("Many failures", {"count": 12, "first_entry": "x"}, Severity.ALERT) == 2
    with mail_sink() as sink:
        portal.use(smtp_url=f"smtp://{sink.host}:{sink.port}")
        visit(acme)
    [(headers, body)] = webhook.got
    assert headers["portal-event"] == "alert"
    assert json.loads(body) == {
        "event": "alert", "severity": "alert", "title": "Many failures", "count": 12,
        "first_entry": "x",
    }  # fmt: skip
    [mail] = sink.mails
    assert mail.message["Subject"] == "Acme: Many failures"
    assert "First entry: x" in mail.text
    assert row_of(acme, id_)["alerted_at"]


@on_sqlite
def test_a_destination_that_hangs_holds_up_nobody_else(portal, acme, globex, webhook) -> None:
    """The first organisation's takes connections and never says a word."""
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        started(acme, "webhook", address=f"http://{HOST}:{port}/", **FROM_0)
        started(globex, "webhook", address=webhook.address, **FROM_0)
        stop, began = Event(), time.monotonic()

        def work() -> None:
            with portal.app.app_context():
                feed_all(stop)

        worker = Thread(target=work)
        worker.start()
        while not webhook.got and time.monotonic() - began < 20:
            time.sleep(0.05)
        waited = time.monotonic() - began
        stop.set()
        worker.join()
    assert webhook.got
    assert waited < 3, "it waited for the one that hangs"


@on_sqlite
@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("mail", {"addresses": "a@b.example, nobody", "rhythm": "daily"}),
        ("mail", {"addresses": "a@b.example", "rhythm": "each"}),
        ("webhook", {"address": "ftp://siem.example.com", "rhythm": "each"}),
        ("webhook", {"address": "https://u:p@siem.example.com", "rhythm": "each"}),
        ("webhook", {"address": "https://siem.example.com", "rhythm": "never"}),
        ("syslog", {"host": "a b", "port": "514", "rhythm": "each"}),
        ("syslog", {"host": "logs.example", "port": "6514", "ca": "x", "rhythm": "each"}),
        ("object-store", {"bucket": "x/y", "region": "eu-1", "access_key_id": "A", "days": "1",
                          "lock": "COMPLIANCE", "secret": "s", "rhythm": "each"}),
    ],
)  # fmt: skip
def test_what_can_not_be_a_destination_is_refused(acme, kind: str, given: dict[str, Any]) -> None:
    before = rows_of(acme)
    assert acme.visit("officer").get(f"/audit/destinations/new/{kind}").status_code == 200
    fields = {"name": "Odd", "entry_form": ""} | given
    answer = acme.visit("officer").post(f"/audit/destinations/new/{kind}", fields)
    assert answer.status_code in (400, 422)
    assert rows_of(acme) == before
    assert acme.visit("officer").get("/audit/destinations/new/pigeon").status_code == 404
