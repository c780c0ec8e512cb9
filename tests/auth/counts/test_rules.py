"""The rules by themselves: what a try makes of the counts, and who waits how long."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.auth.counts.rules import NO_WAIT, UNTRIED, Count, Rules, one_less

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONGEST = timedelta(minutes=15)
HOUR = timedelta(hours=1)  # in which half is forgotten
PLACE, ADDRESS, CROWD = b"place", b"address", b"crowd"
LIMITS = [(10, PLACE), (100, ADDRESS)]
CROWDS = [(50, CROWD)]


def rules(now: datetime = NOW) -> Rules:
    return Rules(LONGEST, now)


def counts(**given: Count) -> dict[bytes, Count]:
    return {PLACE: UNTRIED, ADDRESS: UNTRIED, CROWD: UNTRIED} | {
        name.encode(): count for name, count in given.items()
    }


def tried(before: dict[bytes, Count], now: datetime = NOW) -> tuple[dict[bytes, Count], timedelta]:
    after, wait = rules(now).count_try(before, LIMITS, CROWDS)
    return dict(after), wait


some_count = st.builds(
    Count,
    st.floats(0, 200),
    st.timedeltas(timedelta(days=-2), timedelta(minutes=15)).map(lambda apart: NOW + apart),
)


def test_a_try_is_counted_for_everything_at_once() -> None:
    after, wait = tried(counts())
    assert wait == NO_WAIT
    assert after == dict.fromkeys((PLACE, ADDRESS, CROWD), Count(1, NOW))


def test_what_was_counted_halves_in_four_of_the_longest_waits() -> None:
    after, _ = tried(counts(address=Count(8, NOW - HOUR), crowd=Count(8, NOW - 3 * HOUR)))
    assert (after[ADDRESS].tries, after[CROWD].tries) == (5, 2)


def test_nothing_fades_while_one_waits() -> None:
    waiting = counts(crowd=Count(8, NOW + timedelta(minutes=5)))
    assert tried(waiting)[0][CROWD].tries == 9


@given(some_count, some_count, some_count)
def test_a_try_is_counted_or_it_has_to_wait(place, address, crowd) -> None:
    after, wait = tried(counts(place=place, address=address, crowd=crowd))
    if wait > NO_WAIT:
        assert (after[ADDRESS], after[CROWD]) == (address, crowd)
        assert after[PLACE].tries <= place.tries
        assert wait <= LONGEST
    else:
        left = crowd.tries * 0.5 ** max((NOW - crowd.free_at) / HOUR, 0)
        assert after[CROWD].tries == pytest.approx(min(left + 1, 2 * 50))


def test_whoever_comes_a_moment_too_early_by_another_machines_clock_is_let_in() -> None:
    early = NOW - timedelta(milliseconds=999)
    assert tried(counts(place=Count(10, NOW)), early)[1] == NO_WAIT
    assert tried(counts(place=Count(10, NOW)), NOW - timedelta(seconds=1))[1] > NO_WAIT


def test_all_limits_wait_and_no_crowd_does() -> None:
    later = NOW + timedelta(minutes=5)
    assert tried(counts(place=Count(10, later)))[1] == timedelta(minutes=5)
    assert tried(counts(address=Count(100, later)))[1] == timedelta(minutes=5)
    assert tried(counts(crowd=Count(8, later)))[1] == NO_WAIT


def test_no_count_grows_without_end() -> None:
    """Or a long attack would be held against its victim for as long again."""
    after = counts()
    for _ in range(40):
        after, _ = tried(after, max(NOW, after[PLACE].free_at))
    assert after[PLACE].tries == 2 * 10


@given(some_count, some_count)
def test_whoever_was_told_to_wait_is_free_by_then(place, crowd) -> None:
    """Whatever the crowd does meanwhile."""
    after, wait = tried(counts(place=place, crowd=crowd))
    if wait > NO_WAIT:
        _, then = tried(after | {CROWD: Count(100, NOW + LONGEST)}, NOW + wait)
        assert then == NO_WAIT


def test_in_a_crowd_a_place_gets_its_turn_by_asking_and_keeps_it() -> None:
    siege = counts(crowd=Count(100, NOW))
    after, wait = tried(siege)
    assert (wait, after[PLACE].free_at) == (LONGEST, NOW + LONGEST)
    again, rest = tried(after | {CROWD: Count(100, NOW)}, NOW + timedelta(minutes=5))
    assert (rest, again[PLACE]) == (timedelta(minutes=10), after[PLACE])
    assert tried(again, NOW + LONGEST)[1] == NO_WAIT


def test_a_turn_lasts_as_long_as_the_wait_for_it() -> None:
    turn = counts(place=Count(0, NOW), crowd=Count(100, NOW + 2 * LONGEST))
    just_in_time = NOW + LONGEST - timedelta(seconds=1)
    assert tried(turn, just_in_time)[1] == NO_WAIT
    assert tried(turn, NOW + LONGEST)[1] > NO_WAIT


def test_after_its_turn_a_place_waits_for_the_next() -> None:
    turn = counts(place=Count(0, NOW), crowd=Count(100, NOW))
    after, wait = tried(turn)
    assert (wait, after[PLACE].free_at) == (NO_WAIT, NOW + LONGEST)


def test_waiting_for_a_turn_does_not_bring_back_what_has_faded() -> None:
    old = Count(8, NOW - 10 * HOUR)
    after, _ = tried(counts(place=old, crowd=Count(100, NOW)))
    assert after[PLACE].tries < 0.01


def test_a_count_is_forgotten_when_less_than_a_thousandth_of_a_try_is_left() -> None:
    assert 200 * 0.5 ** ((NOW - rules().forgotten_before) / HOUR) < 0.001


def test_one_turn_is_taken_in_a_pause() -> None:
    after, is_free = rules().take_turn(UNTRIED, HOUR)
    assert is_free
    assert rules(NOW + HOUR - timedelta(seconds=1)).take_turn(after, HOUR) == (after, False)
    assert rules(NOW + HOUR).take_turn(after, HOUR)[1]


@given(st.floats(0, 200))
def test_one_less_is_never_less_than_nothing(tries) -> None:
    assert one_less(Count(tries, NOW)).tries == (tries - 1 if tries >= 1 else tries)
