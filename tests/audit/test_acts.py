"""Every act leaves its entries, exactly these, and does not happen where they can't be written."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from portal.core import clock as portal_clock
from portal.web.access import declared
from tests.audit.day import Day
from tests.audit.day.acts import Told
from tests.audit.day.marks import CONTENT
from tests.audit.log import state_of, unwritable
from tests.conftest import on_sqlite
from tests.flows.blobs import opened_blobs
from tests.installation import Organisation

SAFE = {"GET", "HEAD", "OPTIONS"}


def told_by(row: dict[str, Any]) -> Told:
    values = (row[name] for name in ("action", "target", "actor_id", "outcome", "detail"))
    return Told(*values)


def time_of(row: dict[str, Any]) -> datetime:
    """SQLite keeps times as texts, in UTC."""
    at = row["at"]
    return datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at


def kind_of(acme: Organisation, actor_id: UUID | None) -> str:
    if actor_id in {row["id"] for row in acme.portal.rows("sharing_link")}:
        return "link"
    return "user" if actor_id else "anonymous"


def test_every_act_leaves_exactly_its_entries(acme, globex, clock) -> None:
    seen, requests = 0, set()
    for act in Day(acme, clock).acts():
        began = portal_clock.now()
        assert act.do().status_code == act.status, act
        entries = acme.log()[seen:]
        seen += len(entries)
        assert [told_by(entry) for entry in entries] == act.told(act), act
        for entry in entries:
            is_of_before = entry["detail"].get("way") == "review"  # carried out for its decider
            assert entry["address"] == (None if is_of_before else act.browser.address), act
            assert entry["actor_kind"] == kind_of(acme, entry["actor_id"]), act
            assert began <= time_of(entry) <= portal_clock.now(), act
        own = {entry["request_id"] for entry in entries}
        assert None not in own, act
        assert len(own) == bool(entries), act
        assert not own & requests, act
        requests |= own
    assert seen > 40
    assert globex.log() == []


@on_sqlite
def test_the_day_leaves_out_no_address_that_changes_or_gives_away_something(acme, clock) -> None:
    app = acme.portal.app
    urls = app.url_map.bind(acme.host)
    done = set()
    for act in Day(acme, clock).acts():
        act.do()
        done.add((urls.match(act.path.partition("?")[0], act.method)[0], act.method))
    expected = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - SAFE
    } | {(name, "GET") for name, view in app.view_functions.items() if declared(view).discloses}
    # A password that is too old is changed by the same service as one that is not.
    assert done == expected - {("auth.renew_password", "POST")} - set(
        filter(_is_question, expected)
    )


def _is_question(endpoint_and_method: tuple[str, str]) -> bool:
    """What is searched and what a passkey is asked for changes nothing, nor does a file that is
    looked at.
    """
    endpoint, _ = endpoint_and_method
    asking = ("audit.proof", "documents.search", "reports.verify", "reviews.verify")
    return endpoint in asking or endpoint.partition(".")[2].startswith("begin_passkey")


@pytest.mark.parametrize(
    ("database", "way"),
    [("sqlite", "error"), ("postgresql", "rule")],
    indirect=["database"],
)
def test_what_can_not_be_recorded_does_not_happen(portal, acme, clock, way) -> None:
    with opened_blobs():
        for act in Day(acme, clock).acts():
            before, log, form = state_of(portal), acme.log(), act.browser.cookie("form")
            with unwritable(acme, way):
                answer = act.do()
            assert answer.status_code >= 400, act
            assert CONTENT not in answer.data, act
            assert 'href="/audit/' not in answer.text, act
            assert "session=" not in answer.headers.get("Set-Cookie", ""), act
            assert acme.log() == log, act
            assert state_of(portal) == before, act
            act.browser.take("form", form)  # as whoever loads the page again
            assert act.do().status_code == act.status, f"{act}, once the log can be written again"


def test_a_download_that_can_not_be_recorded_leaves_no_blob_open(acme) -> None:
    with opened_blobs() as blobs, unwritable(acme, "rule"):
        answer = acme.visit("member").get(f"/documents/{acme.documents['note']}/download")
        assert answer.status_code == 409
        assert [blob.closed for blob in blobs] == [True]


def test_an_act_that_can_not_be_recorded_is_not_said_to_have_happened(acme) -> None:
    member = acme.visit("member")
    with unwritable(acme, "rule"):
        assert member.post("/folders", {"name": "New"}).status_code == 409
    assert "The folder is created." not in member.get("/documents").text
