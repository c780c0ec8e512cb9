"""What officers and auditors see of alerts, and what they can do about them."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.access.people import find_actor
from portal.alerts import service
from portal.alerts.built_in import BUILT_IN, FIXED
from portal.alerts.hours import Hours
from portal.auth.assurance import StepUpNeeded
from portal.core import clock
from portal.core.ids import new_id
from tests.alerts.test_watching import BREAK_GLASS
from tests.alerts.watching import alerts_of, built_in, raised, watch
from tests.audit.reading import entry, write
from tests.conftest import on_sqlite
from tests.installation import Organisation
from tests.web.things import without_log

RULE = {
    "name": "Downloads of plans", "kind": "count", "actions": ["document.downloaded"],
    "who": "anybody", "threshold": "3", "window": "5", "unit": "minutes", "about": "person",
    "weight": "alert", "is_mailed": "y", "severity": "", "outcome": "", "target": "document",
}  # fmt: skip


def made(acme: Organisation, name: str = RULE["name"]) -> dict[str, Any]:
    [row] = [row for row in acme.portal.rows("alert_rule") if row["name"] == name]
    return row


def downloads(acme: Organisation, *minutes: int) -> list[dict[str, Any]]:
    member = acme["member"].id
    return [entry(minute, actor_id=member, address="192.0.2.1") for minute in minutes]


def test_a_rule_is_made_watches_is_switched_off_and_deleted(portal, acme) -> None:
    officer = acme.visit("officer")
    watch(portal)
    assert officer.post("/alerts/rules/new", RULE).status_code == 302
    address = f"/alerts/rules/{made(acme)['id']}"
    write(acme, *downloads(acme, 0, 1, 2))
    watch(portal)
    assert raised(acme) == [("Downloads of plans", 3)]
    page = officer.get("/alerts/rules").text
    assert "“A document was downloaded”, about document, 3 times or more within 5 minutes" in page
    assert officer.post(f"{address}/switch", {}).status_code == 302
    write(acme, *downloads(acme, 200, 201, 202))
    watch(portal)
    assert raised(acme) == [
        ("Downloads of plans", 3),
        ("Alert rules, destinations or the retention of the log were changed", 1),
    ]
    assert officer.post(f"{address}/delete", {}).status_code == 302
    assert "Downloads of plans" not in officer.get("/alerts/rules").text
    assert "Downloads of plans" in officer.get("/alerts").text, "its alert stays"
    told = [(row["action"], row["target"]) for row in acme.log() if "alert-rule" in row["action"]]
    target = address.replace("/alerts/rules/", "alert-rule:")
    assert told == [
        (f"alert-rule.{did}", target) for did in ("created", "switched", "deleted")
    ]  # fmt: skip


def test_the_log_names_an_alert_and_its_rule_and_leads_there(portal, acme) -> None:
    officer = acme.visit("officer")
    watch(portal)
    officer.post("/alerts/rules/new", RULE)
    write(acme, *downloads(acme, 0, 1, 2))
    watch(portal)
    [row] = [row for row in acme.log() if row["action"] == "alert.raised"]
    assert f"<td>{RULE['name']}</td>" in officer.get("/audit?action=alert.raised").text
    page = officer.get(f"/audit/{row['id']}").text
    assert f'href="/alerts/{row["target"].removeprefix("alert:")}"' in page
    assert page.count(RULE["name"]) == 2, "as the target and as the rule"


@on_sqlite
def test_a_built_in_rule_is_changed_and_put_back(portal, acme) -> None:
    officer, rule = acme.visit("officer"), built_in("Many downloads by one person")
    form = RULE | {"name": "Some downloads", "threshold": "2"}
    answer = officer.post(f"/alerts/rules/{rule.id}/edit", form)
    assert answer.status_code == 302, re.findall("error.*", answer.text)
    watch(portal)
    write(acme, *downloads(acme, 0, 1))
    watch(portal)
    assert raised(acme) == [("Some downloads", 2)]
    assert officer.post(f"/alerts/rules/{rule.id}/delete", {}).status_code == 302
    write(acme, *downloads(acme, 300, 301))
    watch(portal)
    assert [name for name, _ in raised(acme)].count("Some downloads") == 1
    assert rule.name in officer.get("/alerts/rules").text
    assert officer.post(f"/alerts/rules/{rule.id}/delete", {}).status_code == 404
    assert len(re.findall("/edit", officer.get("/alerts/rules").text)) == len(BUILT_IN)
    [fixed] = FIXED
    for way, data in (("switch", {}), ("edit", form)):
        assert officer.post(f"/alerts/rules/{fixed}/{way}", data).status_code == 409


@on_sqlite
def test_an_alert_is_acknowledged_once_with_what_came_of_it(portal, acme) -> None:
    watch(portal)
    write(acme, entry(action="break-glass.used"))
    watch(portal)
    [alert] = alerts_of(acme)
    address, officer = f"/alerts/{alert['id']}", acme.visit("officer")
    assert "2 open" in re.sub("<[^>]+>", "", officer.get("/alerts").text), "with another one"
    assert acme.visit("auditor").post(f"{address}/acknowledge", {"comment": "x"}).status_code == 403
    assert officer.post(f"{address}/acknowledge", {"comment": ""}).status_code == 422
    said = {"comment": "A drill, says the admin."}
    assert officer.post(f"{address}/acknowledge", said).status_code == 302
    assert officer.post(f"{address}/acknowledge", {"comment": "Mine."}).status_code == 409
    page = acme.visit("auditor").get(address).text
    assert said["comment"] in page
    assert "Mine." not in page
    assert said["comment"] not in repr(portal.rows("alert"))
    assert BREAK_GLASS not in officer.get("/alerts").text
    assert BREAK_GLASS in officer.get("/alerts?state=acknowledged").text
    write(acme, entry(1, action="break-glass.used"))
    watch(portal)
    assert raised(acme) == [(BREAK_GLASS, 1)] * 2, "what comes after is another alert"
    [told] = [row for row in acme.log() if row["action"] == "alert.acknowledged"]
    assert told["target"] == f"alert:{alert['id']}"
    assert said["comment"] not in repr(told)


@on_sqlite
def test_an_alert_of_one_tenant_is_not_there_for_another(portal, acme, globex) -> None:
    for path in ("", "/acknowledge"):
        visit = globex.visit("officer")
        address = f"/alerts/{acme.kept['alert']}{path}"
        answer = visit.post(address, {"comment": "x"}) if path else visit.get(address)
        assert answer.status_code == 404, address
    own = globex.visit("officer").get(f"/alerts/rules/{acme.kept['alert rule']}/edit")
    assert own.status_code == 404


@on_sqlite
def test_a_rule_is_tried_on_a_month_and_changes_nothing(portal, acme) -> None:
    officer, seen = acme.visit("officer"), len(acme.log())

    def ago(days: int, minutes: int) -> dict[str, Any]:
        at = clock.now() - timedelta(days=days, minutes=-minutes)
        return {"at": at, "actor_id": acme["member"].id}

    each = [ago(days, minutes) for days in (40, 20, 5) for minutes in range(3)]
    write(acme, *(entry(**values) for values in each), entry(**ago(3, 0)))
    before = without_log(portal)
    answer = officer.post("/alerts/rules/new", RULE | {"preview": "1"})
    assert answer.status_code == 200
    assert "<strong>2 alerts</strong>" in answer.text
    assert answer.text.count("3 entries") == 2
    assert without_log(portal) == before
    [told] = [row for row in acme.log()[seen:] if row["action"] == "audit.read"]
    assert told["target"] == "alerts"
    watch(portal)
    assert raised(acme) == []


@on_sqlite
def test_the_working_hours_are_those_of_the_organisation(portal, acme) -> None:
    officer, rule = acme.visit("officer"), built_in("Downloads outside the working hours")
    form = {"zone": "Asia/Tokyo", "days": ["0", "1"], "begin": "09:00", "end": "18:00"}
    assert officer.post("/alerts/hours", form | {"zone": "Mars"}).status_code == 422
    assert officer.post("/alerts/hours", form).status_code == 302
    assert officer.post("/alerts/hours", form).status_code == 302
    assert "Monday, Tuesday, from 09:00 to 18:00 in Asia/Tokyo" in officer.get("/alerts/rules").text
    assert officer.post(f"/alerts/rules/{rule.id}/switch", {}).status_code == 302
    watch(portal)
    write(acme, *downloads(acme, -12 * 60 + 30, 0))  # of a Tuesday: 09:30 and 21:00 in Tokyo
    watch(portal)
    assert raised(acme) == [(rule.name, 1)]
    [alert] = alerts_of(acme)
    assert "2026-03-03 12:00" in str(alert["first_at"])


@on_sqlite
def test_rules_and_hours_want_a_fresh_proof_of_whoever_asks(acme) -> None:
    rule = built_in("Many downloads by one person")
    with acme.bound():
        officer = find_actor(acme["officer"].id)  # without a proof
        for change in (
            lambda: service.create_rule(officer, replace(rule, id=new_id())),
            lambda: service.change_rule(officer, rule.id, rule),
            lambda: service.switch_rule(officer, rule.id, is_on=False),
            lambda: service.delete_rule(officer, acme.kept["alert rule"]),
            lambda: service.change_hours(officer, Hours()),
        ):
            with pytest.raises(StepUpNeeded):
                change()
