"""Every entry is judged once, and what it means is kept, told, and brought together."""

from dataclasses import asdict, replace
from uuid import UUID

import pytest

from portal.alerts import reading, watching
from portal.alerts.models import AlertRule
from portal.alerts.rules import Kind
from portal.cli import working
from portal.cli.keeping_log import number_logs
from portal.cli.watching_log import watch_logs
from portal.core.ids import new_id
from portal.documents.retention.held_people import find_held_people
from tests.alerts.watching import alerts_of, built_in, raised, watch
from tests.audit.reading import NOON, entry, write
from tests.auth.test_sessions import FIREFOX, sign_in
from tests.conftest import on_sqlite
from tests.harness.smtp import mail_sink

FAILED = "Many failed sign-ins to one account"
BREAK_GLASS = "A break-glass code was used"


def failures(count: int, minutes: int = 0, **values: object) -> list[dict[str, object]]:
    told = {"action": "sign-in.failed", "outcome": "failure", "actor_kind": "anonymous",
            "target": "user:unknown", "address": "192.0.2.9"}  # fmt: skip
    return [entry(minutes, **told | values) for _ in range(count)]


def test_what_comes_after_the_first_look_is_judged_once_and_of_its_own_tenant(
    portal, acme, globex
) -> None:
    write(acme, entry(action="break-glass.used"))
    watch(portal)
    assert raised(acme) == [], "what was there before anybody watched is history"
    seen = len(acme.log())
    used = write(acme, *failures(9), entry(action="break-glass.used"))[-1]
    watch(portal)
    assert raised(acme) == [(BREAK_GLASS, 1)]
    write(acme, *failures(1))
    watch(portal)
    watch(portal)
    assert raised(acme) == [(BREAK_GLASS, 1), (FAILED, 10)]
    write(acme, *failures(2, minutes=1))
    watch(portal)
    assert raised(acme) == [(BREAK_GLASS, 1), (FAILED, 12)]
    assert raised(globex) == []
    alert, many = alerts_of(acme)
    assert alert["raised_by"] == used
    kept = [row["alert_id"] for row in portal.rows("alert_entry")]
    assert (kept.count(alert["id"]), kept.count(many["id"])) == (1, 12)
    told = [row for row in acme.log()[seen:] if row["action"] == "alert.raised"]
    assert [row["target"] for row in told] == [f"alert:{alert['id']}", f"alert:{many['id']}"]
    assert {row["actor_kind"] for row in told} == {"system"}


def test_whoever_dies_in_between_has_judged_nothing(portal, acme, monkeypatch) -> None:
    watch(portal)
    write(acme, entry(action="break-glass.used"))
    with monkeypatch.context() as patch:
        patch.setattr(watching, "_go_on", lambda *_: (_ for _ in ()).throw(OSError))
        watch(portal)
    assert raised(acme) == []
    assert not [row for row in acme.log() if row["action"] == "alert.raised"]
    watch(portal)
    assert raised(acme) == [(BREAK_GLASS, 1)]


def test_batches_look_back_over_what_was_judged_before(portal, acme, monkeypatch) -> None:
    monkeypatch.setattr(watching, "BATCH_SIZE", 4)
    watch(portal)
    one = failures(7) + failures(7, target=f"user:{UUID(int=4)}", address="192.0.2.10")
    write(acme, *one, *failures(3))
    watch(portal)
    assert raised(acme) == [(FAILED, 10)]
    write(acme, *failures(9, minutes=30, address="192.0.2.10"))
    watch(portal)
    assert raised(acme) == [(FAILED, 10)], "those before are too old to be counted along"


def test_rules_that_wait_for_their_turn_judge_the_same_entries(portal, acme, monkeypatch) -> None:
    watch(portal)
    write(acme, *failures(10), entry(action="break-glass.used"))
    monkeypatch.setattr(watching, "TURN_SECONDS", -1)  # one rule at a time
    with portal.app.app_context():
        number_logs()
        while not raised(acme):
            assert watch_logs(), "it is not done"
    assert len(raised(acme)) == 1
    write(acme, entry(action="break-glass.used"))
    watch(portal)
    assert sorted(raised(acme)) == [(BREAK_GLASS, 2), (FAILED, 10)]


@on_sqlite
def test_an_address_is_told_by_its_entries_alone(portal, acme) -> None:
    watch(portal)
    targets = [f"user:{UUID(int=n)}" for n in range(21)]
    write(acme, *(failures(1, target=target)[0] for target in targets[:20]))
    watch(portal)
    [alert] = alerts_of(acme)
    officer = acme.visit("officer")
    assert "192.0.2.9" in officer.get(f"/alerts/{alert['id']}").text
    assert "192.0.2.9" not in repr(portal.rows("alert"))
    write(acme, *failures(1, target=targets[20]), *failures(1, address="192.0.2.8"))
    watch(portal)
    assert raised(acme) == [("Many failed sign-ins from one address", 21)]


@on_sqlite
def test_power_that_is_given_through_a_group_raises_an_alert(portal, acme) -> None:
    watch(portal)
    crew, member = acme.groups["crew"], f"user:{acme['member'].id}"
    joined = entry(action="group.member-added", target=f"group:{crew}", detail={"person": member})
    write(acme, joined)
    watch(portal)
    assert raised(acme) == []
    portal.execute("UPDATE role_assignment SET role = 'auditor' WHERE group_id IS NOT NULL", acme)
    write(acme, joined | {"id": entry()["id"]})
    write(acme, entry(action="role.assigned", target=member, detail={"role": "admin"}))
    write(acme, entry(action="role.assigned", target=member, detail={"role": "member"}))
    watch(portal)
    assert raised(acme) == [("A powerful role was given", 1)] * 2


@on_sqlite
def test_somebody_under_a_hold_and_somebody_deactivated_are_watched(portal, acme) -> None:
    watch(portal)
    held, gone = acme["invited"].id, acme["deactivated"].id
    after = {"at": NOON.replace(year=2100)}
    write(
        acme,
        entry(action="document.deleted", actor_id=held, **after),
        entry(action="document.deleted", actor_id=held),  # before the hold was placed
        entry(action="document.deleted", actor_id=acme["member"].id, **after),
        entry(action="document.downloaded", actor_id=gone, **after),
    )
    watch(portal)
    assert sorted(raised(acme)) == [
        ("Somebody deactivated did something", 1),
        ("Somebody under a legal hold deleted something", 1),
    ]
    portal.execute("UPDATE legal_hold SET released_at = placed_at", acme)
    with acme.bound():
        assert held not in find_held_people()


@on_sqlite
def test_readers_of_the_log_are_told_by_one_mail_without_names(portal, acme) -> None:
    watch(portal)
    portal.execute_everywhere("DELETE FROM job")
    portal.execute("UPDATE log_destination SET is_started = true", acme)
    write(acme, *failures(10), entry(action="break-glass.used", target="user:secret-name"))
    watch(portal)
    assert [job["kind"] for job in portal.rows("job")].count("log-alert") == 2, "a destination"
    with mail_sink() as sink:
        portal.use(smtp_url=f"smtp://{sink.host}:{sink.port}")
        with portal.app.app_context():
            working.go_round(sweeping=False)
    readers = {acme[who].email for who in ("officer", "auditor")}
    assert {mail.message["To"] for mail in sink.mails} == readers
    assert len(sink.mails) == len(readers)
    for mail in sink.mails:
        assert FAILED in mail.text
        assert BREAK_GLASS in mail.text
        assert "secret-name" not in mail.text
    watch(portal)
    assert len(raised(acme)) == 2, "a mail about an alert is no reason for another one"


@on_sqlite
def test_networks_come_from_the_operators_list(portal, acme, tmp_path) -> None:
    watch(portal)
    member = {"action": "sign-in.succeeded", "actor_id": acme["member"].id}
    hops = [
        entry(minutes, address=address, **member)
        for minutes, address in ((0, "10.1.0.1"), (1, "10.2.0.1"), (2, "10.9.0.1"))
    ]
    listed = tmp_path / "networks.csv"
    listed.write_text("10.0.0.0/8,Office\n10.9.0.0/16,Abroad\n")
    portal.use(network_labels=listed)
    write(acme, *hops)
    watch(portal)
    names = {
        "Signed in from two networks within an hour",
        "Signed in from a network that is new for the person",
    }
    assert {name for name, _ in raised(acme)} == names
    listed.write_text("10.0.0.0,\n")
    page = acme.visit("officer").get("/alerts/rules").text
    assert page.count("It can’t run: The operator’s list of networks is of no use: line 1") == 2


@pytest.mark.parametrize("minutes", [59, 61])
@on_sqlite
def test_an_open_alert_takes_in_what_comes_within_the_hour(portal, acme, minutes) -> None:
    watch(portal)
    write(acme, entry(action="break-glass.used"))
    watch(portal)
    write(acme, entry(minutes, action="break-glass.used"))
    watch(portal)
    assert raised(acme) == ([(BREAK_GLASS, 2)] if minutes < 60 else [(BREAK_GLASS, 1)] * 2)


def test_a_browser_that_is_new_for_the_person_is_told_of_once(portal, acme, clock) -> None:
    watch(portal)
    for _ in range(2):
        sign_in(acme, clock, FIREFOX.format(140, 140))
        watch(portal)
    assert raised(acme) == [("Signed in from a browser that is new for the person", 1)]
    [told] = [row["detail"] for row in acme.log() if row["detail"].get("is_new_browser")]
    assert told["user_agent"] == "Firefox on Linux"


def test_what_somebody_was_seen_with_is_known_however_much_came_since(
    portal, acme, monkeypatch
) -> None:
    def visits(address: str, count: int = 1, action: str = "sign-in.succeeded") -> None:
        seen = {"action": action, "actor_id": acme["member"].id, "address": address}
        write(acme, *(entry(**seen) for _ in range(count)))
        watch(portal)

    monkeypatch.setattr(reading, "MOST_READ", 40)
    rule = replace(built_in("Signed in from an address that is new for the person"), is_on=True)
    act = replace(rule, id=new_id(), kind=Kind.NEW_ACTION, name="New act", actions=frozenset())
    with acme.bound(writes=True) as session:
        for each in (rule, act):
            session.add(AlertRule(**asdict(each) | {"actions": sorted(each.actions)}))
    watch(portal)
    visits("192.0.2.1")
    visits("192.0.2.2", 50)
    visits("192.0.2.1")
    assert raised(acme) == [(rule.name, 2)], "of either address once"
    visits("192.0.2.2", 50, "folder.moved")
    visits("192.0.2.2")
    assert raised(acme)[1:] == [("New act", 1)]
