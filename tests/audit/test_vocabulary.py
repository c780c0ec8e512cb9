"""What each action weighs, and which event it is to the programs that watch over many systems."""

import json
from datetime import timedelta
from typing import Any

import pytest

from portal.audit.actions import GRAVE, Action
from portal.audit.searching import PAGE_SIZE
from portal.audit.severity import Severity
from portal.audit.siem.classes import CLASSES, class_of
from tests.audit.reading import NOON, ask, entry, listed, onward, write, write_then
from tests.audit.test_export import lines_of, made
from tests.audit.test_pages import text_of
from tests.conftest import on_sqlite

# What an event can't be without, from the published schema (schema.ocsf.io, 1.8.0): by class its
# required attributes and the last of its activities before 99, Other.
EVERY_EVENT = {
    "activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"
}  # fmt: skip
OF_CLASS = {
    3002: ({"user"}, 7),
    3003: ({"user"}, 2),
    3004: ({"entity"}, 13),
    3006: ({"group"}, 8),
    6003: ({"actor", "api", "src_endpoint"}, 4),
    6006: ({"actor", "file", "src_endpoint"}, 17),
}
OF_OBJECT = {"metadata": {"product", "version"}, "api": {"operation"}, "file": {"name", "type_id"}}
ONE_AT_LEAST = {
    "product": {"name", "uid"},
    "user": {"account", "name", "uid"},
    "entity": {"name", "uid"},
    "group": {"name", "uid"},
    "src_endpoint": {"ip", "name", "svc_name", "uid"},
    "service": {"name", "uid"},
}


def lacking(name: str, thing: dict[str, Any]) -> list[str]:
    """What an object of an event, and those in it, are without."""
    gaps = [f"{name}.{key}" for key in OF_OBJECT.get(name, set()) - set(thing)]
    if name in ONE_AT_LEAST and not ONE_AT_LEAST[name] & set(thing):
        gaps.append(f"{name}: one of {ONE_AT_LEAST[name]}")
    inside = [(key, value) for key, value in thing.items() if isinstance(value, dict)]
    return gaps + [gap for key, value in inside if key != "unmapped" for gap in lacking(key, value)]


@pytest.fixture
def events(acme) -> list[dict[str, Any]]:
    """An entry of each action, by all kinds of actors, as OCSF."""
    kinds = ("user", "anonymous", "link", "operator", "system")
    told = (
        entry(n, action=action, actor_kind=kinds[n % 5], target=target, address=address)
        for n, action in enumerate(Action)
        for target, address in [(("audit", "folder:1", "user:unknown")[n % 3], None)]
    )
    write_then(acme, *told, entry(200, action="tomorrow.invented", address="2001:db8::7"))
    period = {"since": "2026-03-03T12:00", "until": "2026-03-03T16:00", "readings": "y"}
    return lines_of(acme.visit("officer"), made(acme, form="ocsf", **period))


@on_sqlite
def test_every_action_is_an_event_with_all_that_ocsf_requires(acme, events) -> None:
    assert [event["metadata"]["event_code"] for event in events] == [*Action, "tomorrow.invented"]
    for event in events:
        required, last_activity = OF_CLASS[event["class_uid"]]
        assert required | EVERY_EVENT <= set(event), event
        assert lacking("event", event) == []
        assert event["activity_id"] in {*range(1, last_activity + 1), 99}, event
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["category_uid"] == event["class_uid"] // 1000
        assert event["metadata"]["tenant_uid"] == str(acme.id)
        if event["class_uid"] == 3002:
            assert "service" in event or "dst_endpoint" in event
        if event["class_uid"] == 3003:
            assert ("privileges" in event) != ("group" in event)
    assert events[1]["time"] == (NOON + timedelta(minutes=1)).timestamp() * 1000
    assert events[-1]["src_endpoint"] == {"ip": "2001:db8::7"}
    assert events[-1]["activity_name"] == "tomorrow.invented"


@on_sqlite
def test_an_event_says_what_kind_of_act_it_was(events) -> None:
    types = {event["metadata"]["event_code"]: event["type_uid"] for event in events}
    expected = {
        "sign-in.failed": 300201,
        "sign-in.password-accepted": 300206,
        "sign-in.suspected": 300299,
        "session.ended": 300202,
        "proof.renewed": 300301,
        "member.invited": 300401,
        "role.assigned": 300403,
        "factor.reset": 300407,
        "group.member-added": 300603,
        "group.deleted": 300605,
        "audit.read": 600302,
        "access.refused": 600399,
        "document.uploaded": 600601,
        "selection.downloaded": 600602,
        "document.purged": 600604,
        "link.made": 600612,
    }
    assert {action: types[action] for action in expected} == expected


def test_the_mapping_names_no_subject_and_no_verb_that_no_action_has() -> None:
    for each in CLASSES:
        own = {action for action in Action if class_of(action) is each}
        known = own | {part for action in own for part in action.split(".")}
        assert set(" ".join([each.subjects, *each.activities.values()]).split()) <= known, each.uid


def test_what_is_grave_is_never_everyday_work() -> None:
    assert [action for action in GRAVE if action.severity == Severity.INFORMATIONAL] == []


def test_the_list_says_what_an_entry_weighs_and_finds_what_weighs_more(acme) -> None:
    actions = ("document.renamed", "role.assigned", "sign-in.failed", "log.not-verified", "old.one")
    plain, notice, warning, alert, _ = write_then(
        acme, *(entry(action=action) for action in actions)
    )
    officer, day = acme.visit("officer"), {"until": "2026-03-04T00:00"}
    assert plain in ask(officer, **day)
    assert ask(officer, **day, severity="notice") == [alert, warning, notice]
    assert ask(officer, **day, severity="warning") == [alert, warning]
    assert ask(officer, **day, severity="alert", action="sign-in.failed") == []
    assert acme.log()[-1]["detail"]["filters"]["severity"] == "alert"
    assert alert in ask(officer, severity="alert")
    for made_id, word in ((plain, "Info"), (warning, "Warning"), (alert, "Alert")):
        page = text_of(officer.get(f"/audit/{made_id}").text)
        assert f"{word} Success" in page
    assert officer.get("/audit?severity=loud").status_code == 422


def test_alerts_are_paged_as_the_whole_log_is_and_are_ones_own(acme, globex) -> None:
    kinds = ("break-glass.used", "document.damaged", "document.renamed")
    alerts = write_then(acme, *(entry(action=kinds[n % 2]) for n in range(PAGE_SIZE + 2)))
    write_then(acme, *(entry(action=kinds[2]) for _ in range(3)))
    write(globex, entry(action=kinds[0]))
    officer, period = acme.visit("officer"), {"until": "2026-03-04T00:00", "severity": "alert"}
    page = officer.get("/audit", query_string=period).text
    assert listed(page) == alerts[:1:-1]
    older = officer.get(onward(page, "before")).text
    assert listed(older) == alerts[1::-1]
    assert listed(officer.get(onward(older, "after")).text) == alerts[:1:-1]


@on_sqlite
def test_an_export_narrowed_by_severity_stays_so(acme) -> None:
    write_then(acme, entry(action="sign-in.failed"), entry(action="document.renamed"))
    address = made(acme, form="ocsf", severity="warning", until="2026-03-04T00:00")
    [event] = lines_of(acme.visit("officer"), address)
    assert (event["severity"], event["severity_id"]) == ("warning", 3)
    assert "of severity warning and above" in acme.visit("officer").get("/audit/exports").text
    assert json.dumps(event["unmapped"]["detail"]) == "{}"
