"""Where rules are met, without a database: pure functions over entries."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.alerts.built_in import BUILT_IN
from portal.alerts.folding import fold
from portal.alerts.hours import Hours
from portal.alerts.judging import Facts, Hit, judge
from portal.alerts.networks import UNLISTED, Networks
from portal.alerts.rules import About, Kind, Rule, Who
from portal.alerts.sentences import say
from portal.alerts.service import checked
from portal.audit.actions import Action
from portal.audit.entries import Entry
from portal.core.errors import Invalid, Misconfigured

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
ANN, BOB = UUID(int=1), UUID(int=2)
NETWORKS = Networks(["10.0.0.0/8,Office", "10.9.0.0/16,Lab", "2001:db8::/32,Home", "# a remark"])


def seen(number: int, minutes: float = 0, **values: Any) -> Entry:
    given: dict[str, Any] = {
        "action": Action.DOCUMENT_DOWNLOADED, "outcome": "success", "actor_kind": "user",
        "actor_id": ANN, "target": "document:1", "detail": {}, "address": "10.0.0.1",
        "request_id": None,
    }  # fmt: skip
    return Entry(id=UUID(int=number), at=NOON + timedelta(minutes=minutes), **given | values)


def rule(kind: Kind = Kind.MATCH, **values: Any) -> Rule:
    return Rule(id=UUID(int=9), name="A rule", kind=kind, **values)


def met(wanted: Rule, *entries: Entry, facts: Facts | None = None) -> list[int]:
    """The entries by which a rule is met."""
    return [hit.entry.id.int for hit in judge(wanted, [], entries, facts or Facts())]


ENTRIES = st.lists(
    st.builds(
        lambda minutes, who, address, action: {
            "minutes": minutes, "actor_id": who, "address": address, "action": action
        },
        st.integers(0, 50), st.sampled_from([ANN, BOB]),
        st.sampled_from(["10.0.0.1", "10.9.0.1", "192.0.2.1"]),
        st.sampled_from([Action.SIGNED_IN, Action.DOCUMENT_DOWNLOADED]),
    ),
    max_size=25,
)  # fmt: skip
KINDS = st.sampled_from(list(Kind))


def cut(wanted: Rule, entries: Sequence[Entry], size: int, facts: Facts) -> list[Hit]:
    """Judged in batches, each after what a rule looks back on."""
    hits: list[Hit] = []
    for at in range(0, len(entries), size):
        batch = entries[at : at + size]
        since = min(entry.at for entry in batch) - wanted.window
        before = [entry for entry in entries[:at] if entry.at >= since]
        hits += judge(wanted, before, batch, facts)
    return hits


@settings(max_examples=150, deadline=None)
@given(given_entries=ENTRIES, kind=KINDS, size=st.integers(1, 7))
def test_the_same_is_found_however_the_log_is_cut_into_batches(given_entries, kind, size) -> None:
    """Also where entries are numbered in another order than they were made in."""
    entries = [seen(n, **values) for n, values in enumerate(given_entries)]
    wanted = rule(kind, threshold=3, window_minutes=10, about=About.PERSON)
    facts = Facts(networks=NETWORKS)
    assert cut(wanted, entries, size, facts) == list(judge(wanted, [], entries, facts))


@settings(max_examples=150, deadline=None)
@given(given_entries=ENTRIES, threshold=st.integers(2, 4), window=st.integers(1, 30))
def test_a_count_is_met_where_so_many_came_within_the_window(
    given_entries, threshold, window
) -> None:
    entries = [seen(n, **values) for n, values in enumerate(given_entries)]
    expected = [
        n
        for n, entry in enumerate(entries)
        if sum(
            other.address == entry.address and other.at > entry.at - timedelta(minutes=window)
            for other in entries[: n + 1]
        )
        >= threshold
    ]
    wanted = rule(Kind.COUNT, threshold=threshold, window_minutes=window, about=About.ADDRESS)
    assert met(wanted, *entries) == expected


def test_hits_about_the_same_come_into_one_alert_until_it_was_quiet_for_long() -> None:
    wanted = rule(Kind.COUNT, threshold=2, window_minutes=5, about=About.PERSON)
    entries = [seen(n, minutes=n) for n in range(5)]
    later = [seen(n, minutes=100 + n) for n in range(10, 12)]
    other = [seen(n, minutes=102, actor_id=BOB) for n in range(20, 22)]
    alerts = fold(judge(wanted, [], [*entries, *later, *other], Facts()), [], wanted.quiet)
    assert [(alert.subject, alert.entry_count) for alert in alerts] == [
        (f"user:{ANN}", 5), (f"user:{ANN}", 2), (f"user:{BOB}", 2)
    ]  # fmt: skip
    assert {entry.id.int for entry in (*alerts[0].before, *alerts[0].hits)} == set(range(5))


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Kind.NEW_ADDRESS, {"address": "10.0.0.2"}),
        (Kind.NEW_NETWORK, {"address": "10.9.0.1"}),
        (Kind.NEW_ACTION, {"action": Action.DOCUMENT_DELETED}),
    ],
)
def test_what_is_new_is_new_once_and_only_for_who_was_seen_before(kind, what) -> None:
    first, again = seen(1), seen(2, minutes=1)
    new, known = seen(3, minutes=2, **what), seen(4, minutes=3, **what)
    stranger = seen(5, minutes=4, actor_id=BOB, **what)
    long_after = seen(6, minutes=3 + 61, **what)
    wanted = rule(kind, window_minutes=60)
    entries = first, again, new, known, stranger, long_after
    assert met(wanted, *entries, facts=Facts(networks=NETWORKS)) == [3]


def test_a_browser_is_new_where_the_sign_in_tells_so() -> None:
    detail = {"is_new_browser": True}
    entries = (
        seen(1),
        seen(2, detail=detail),
        seen(3, detail=detail, actor_id=None, actor_kind="system"),
    )
    assert met(rule(Kind.NEW_BROWSER), *entries) == [2]


def test_two_places_are_two_networks_by_one_person_within_the_window() -> None:
    wanted = rule(Kind.TWO_PLACES, window_minutes=30)
    entries = (
        seen(1), seen(2, 1, address="10.1.1.1"), seen(3, 2, address="10.9.0.1", actor_id=BOB),
        seen(4, 29, address="10.9.0.1"), seen(5, 60, address="192.0.2.1"),
    )  # fmt: skip
    assert met(wanted, *entries, facts=Facts(networks=NETWORKS)) == [4]
    assert met(wanted, *entries) == [], "without a list nothing is known of networks"


def test_the_longest_prefix_names_an_address() -> None:
    named = {address: NETWORKS.label_of(address) for address in (
        "10.1.2.3", "10.9.255.1", "::ffff:10.9.0.1", "2001:db8::1", "192.0.2.1", "2001:db9::1"
    )}  # fmt: skip
    assert list(named.values()) == ["Office", "Lab", "Lab", "Home", UNLISTED, UNLISTED]


@pytest.mark.parametrize("line", ["10.0.0.0/8", "10.0.0.1/8,Office", "x,Office", "10.0.0.0/8,"])
def test_a_list_that_is_none_names_the_line(line) -> None:
    with pytest.raises(Misconfigured, match="line 2"):
        Networks(["10.0.0.0/8,Office", line])


def test_off_hours_are_those_of_the_own_time_zone_and_a_night_belongs_to_its_evening() -> None:
    berlin = Hours(zone="Europe/Berlin", begin=time(9), end=time(17))
    summer = datetime(2026, 7, 1, 7, 30, tzinfo=UTC)  # a Wednesday, 09:30 there
    assert berlin.has(summer)
    assert not berlin.has(summer.replace(month=1, day=7)), "08:30 in winter"
    assert not berlin.has(summer + timedelta(days=3)), "a Saturday"
    nights = Hours(days=frozenset({4}), begin=time(22), end=time(6))  # of Fridays
    friday = datetime(2026, 7, 3, 23, tzinfo=UTC)
    assert [nights.has(friday + timedelta(hours=hours)) for hours in (-2, 0, 6, 7, 24, 30)] == [
        False, True, True, False, False, False
    ]  # fmt: skip
    wanted = rule(Kind.OFF_HOURS)
    assert met(wanted, seen(1), seen(2, minutes=8 * 60), facts=Facts(hours=Hours())) == [2]


def test_whose_acts_they_are_is_as_of_then() -> None:
    facts = Facts(held={ANN: NOON}, deactivated={BOB: NOON})
    entries = (
        seen(1, -1), seen(2, 1), seen(3, -1, actor_id=BOB), seen(4, 1, actor_id=BOB),
        seen(5, 1, actor_kind="operator", actor_id=None),
    )  # fmt: skip
    found = {who: met(rule(who=who), *entries, facts=facts) for who in Who}
    assert found == {
        Who.ANYBODY: [1, 2, 3, 4, 5], Who.OPERATOR: [5], Who.HELD: [2], Who.DEACTIVATED: [4]
    }  # fmt: skip


def test_power_is_given_by_a_role_by_a_group_and_by_changing_a_role() -> None:
    facts = Facts(powerful_roles=frozenset({"admin"}), powerful_groups=frozenset({"7"}))
    entries = (
        seen(1, action=Action.ROLE_ASSIGNED, target="user:1", detail={"role": "admin"}),
        seen(2, action=Action.ROLE_ASSIGNED, target="user:1", detail={"role": "guest"}),
        seen(3, action=Action.GROUP_MEMBER_ADDED, target="group:7"),
        seen(4, action=Action.GROUP_MEMBER_ADDED, target="group:8"),
        seen(5, action=Action.ROLE_CHANGED, target="role:admin"),
    )
    assert met(rule(gives_power=True), *entries, facts=facts) == [1, 3, 5]


def test_conditions_all_have_to_hold() -> None:
    wanted = rule(severity="warning", outcome="refused", target="document")
    wrong = {"action": Action.ACCESS_REFUSED, "outcome": "refused", "target": "document:1"}
    assert met(wanted, seen(1, **wrong)) == [1]
    for name, other in (
        ("action", Action.DOCUMENT_MOVED), ("outcome", "success"), ("target", "documents")
    ):  # fmt: skip
        assert met(wanted, seen(1, **wrong | {name: other})) == [], name


def test_the_built_in_rules_are_rules_that_can_be_kept_and_read() -> None:
    assert len(BUILT_IN) == len({built_in.name for built_in in BUILT_IN.values()})
    for built_in in BUILT_IN.values():
        assert checked(built_in) == replace(built_in)
        assert say(built_in)[0] in "“A", say(built_in)


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": frozenset({"made.up"})},
        {"name": "two\nlines"},
        {"kind": Kind.COUNT, "threshold": 1, "window_minutes": 10},
        {"kind": Kind.COUNT, "threshold": 5, "window_minutes": 0},
        {"kind": Kind.NEW_ADDRESS, "window_minutes": 10},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong) -> None:
    with pytest.raises(Invalid):
        checked(replace(rule(), **wrong))
