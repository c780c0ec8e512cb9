"""A provider that gives no answer takes seconds of a few callers, and of nobody after them."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

import pytest

from portal.core.ids import new_id
from portal.keys import limits
from portal.keys.limits import Limited
from portal.keys.providers import KeyDamaged, KeyUnavailable, ProviderAway

ACME = new_id()
SECONDS = 0.3


class Moody:
    """A provider that does what it is told to."""

    name = "moody"
    own_key = ""

    def __init__(self) -> None:
        self.asked = 0
        self.hangs = False
        self.raises: Exception | None = None
        self.released = Event()

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        self.health()
        return wrapped

    def health(self) -> None:
        self.asked += 1
        if self.hangs:
            self.released.wait(20)
        if self.raises:
            raise self.raises


@pytest.fixture
def moody():
    provider = Moody()
    yield provider
    provider.released.set()


@pytest.fixture
def limited(moody: Moody) -> Limited:
    return Limited(moody, SECONDS)


def ask(limited: Limited) -> bytes:
    return limited.unwrap(ACME, 1, b"wrapped")


def test_a_call_that_hangs_is_left_and_the_next_ones_are_refused_at_once(
    moody: Moody, limited: Limited
) -> None:
    moody.hangs = True
    began = time.monotonic()
    with pytest.raises(ProviderAway):
        ask(limited)
    assert SECONDS <= time.monotonic() - began < 10 * SECONDS
    for _ in range(50):
        with pytest.raises(ProviderAway):
            ask(limited)
    assert moody.asked == 1


def test_one_caller_finds_out_whether_it_is_back(
    moody: Moody, limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    moody.hangs = True
    with pytest.raises(ProviderAway):
        ask(limited)
    moment = time.monotonic() + limits.PAUSE_SECONDS + 1
    monkeypatch.setattr(limits.time, "monotonic", lambda: moment)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, limited)
        while moody.asked < 2:
            time.sleep(0.01)
        with pytest.raises(ProviderAway):
            ask(limited)  # while the first one waits
        assert moody.asked == 2
    assert isinstance(first.exception(), ProviderAway)
    moody.hangs, moment = False, moment + limits.PAUSE_SECONDS + 1
    assert ask(limited) == ask(limited) == b"wrapped"


def test_no_more_hang_at_once_than_there_are_places(
    moody: Moody, limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PAUSE_SECONDS", -1.0)  # every caller is let in
    moody.hangs = True
    with ThreadPoolExecutor(limits.CALLS + 8) as pool:
        waiting = [pool.submit(ask, limited) for _ in range(limits.CALLS + 8)]
    assert all(isinstance(one.exception(), ProviderAway) for one in waiting)
    assert moody.asked == limits.CALLS


@pytest.mark.parametrize("answer", [KeyDamaged(), KeyUnavailable("disabled")])
def test_an_answer_about_one_key_leaves_it_open_for_others(
    moody: Moody, limited: Limited, answer: Exception
) -> None:
    for _ in range(3):
        moody.raises = answer
        with pytest.raises(type(answer)):
            ask(limited)
        moody.raises = None
        assert ask(limited) == b"wrapped"


def test_what_nobody_expected_becomes_ours_without_its_text(
    moody: Moody, limited: Limited, capsys: pytest.CaptureFixture[str]
) -> None:
    moody.raises = RuntimeError("PIN 4711")
    with pytest.raises(ProviderAway) as caught:
        ask(limited)
    said = repr(caught.value) + str(caught.value) + caught.value.reason + capsys.readouterr().out
    assert "4711" not in said
    assert caught.value.reason == "RuntimeError"


def test_good_health_is_remembered_and_bad_is_not_believed_for_long(
    moody: Moody, limited: Limited, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        limited.health()
    assert moody.asked == 1
    moment = time.monotonic() + limits.HEALTHY_SECONDS + 1
    monkeypatch.setattr(limits.time, "monotonic", lambda: moment)
    moody.raises = ProviderAway("down")
    with pytest.raises(ProviderAway):
        limited.health()
    moody.raises, moment = None, moment + limits.PAUSE_SECONDS + 1
    limited.health()
    assert moody.asked == 3
