"""Where counts are kept: by key and at once in every store; where Valkey fails, in the database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from structlog.testing import capture_logs

from portal.auth import attempts
from portal.auth.attempts import TooManyAttempts
from tests.auth.test_lock_out import LONGEST_WAIT_SECONDS, give_password, guess
from tests.conftest import on_sqlite
from tests.harness.valkey import ValkeyServer, valkey_server
from tests.installation import PASSWORD, Installation, Organisation

MANY = 24


@pytest.fixture(params=["database", "valkey"])
def store(request, portal) -> None:
    if request.param == "valkey":
        portal.use(limits_storage=request.getfixturevalue("valkey").address)


@pytest.fixture
def mortal(portal) -> ValkeyServer:
    """A server that a test may do away with, and the portal counts there."""
    with valkey_server() as server:
        portal.use(limits_storage=server.address)
        yield server


def reserve(organisation: Organisation, limit: int, subject: str = "x") -> int | str:
    with organisation.bound(writes=True):
        try:
            return attempts.reserve("user:unknown", (limit, subject))
        except TooManyAttempts:
            return "refused"


def rows(portal: Installation) -> int:
    return len(portal.rows("attempt_count"))


@pytest.fixture(autouse=True)
def nothing_counted(portal) -> None:
    portal.execute_everywhere("DELETE FROM attempt_count")


def in_parallel(do: Callable[[], object]) -> list[object]:
    start = Barrier(MANY)

    def one(_: int) -> object:
        start.wait()
        return do()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_of_parallel_tries_each_is_counted(acme, store) -> None:
    assert sorted(in_parallel(lambda: reserve(acme, MANY))) == list(range(1, MANY + 1))


def test_of_parallel_tries_no_more_are_let_in_than_may_be(acme, store) -> None:
    assert in_parallel(lambda: reserve(acme, 10)).count("refused") == MANY - 10


def test_of_many_who_want_a_turn_one_gets_it(acme, store, clock) -> None:
    def take() -> bool:
        with acme.bound(writes=True):
            return attempts.take_turn("x", timedelta(hours=1))

    assert in_parallel(take).count(True) == 1
    clock.advance(minutes=61)
    assert in_parallel(take).count(True) == 1


def test_right_passwords_at_the_same_time_do_not_hold_each_other_up(acme, store) -> None:
    def sign_in() -> int:
        return give_password(acme.visit(address="198.51.100.1"), acme["member"].email).status_code

    assert set(in_parallel(sign_in)) <= {302, 429}


def test_what_is_forgotten_is_not_what_is_taken_back(acme, store) -> None:
    for subject in ("own", "shared"):
        for _ in range(3):
            reserve(acme, 10, subject)
    with acme.bound(writes=True):
        attempts.forget("own", taking_back=["shared"])
    assert [reserve(acme, 10, subject) for subject in ("own", "shared")] == [1, 3]


def test_each_organisation_has_counts_of_its_own(acme, globex, store) -> None:
    assert [reserve(acme, 1), reserve(acme, 1), reserve(globex, 1)] == [1, "refused", 1]


@on_sqlite
def test_valkey_learns_nothing_of_anybody_and_forgets_by_itself(portal, acme, valkey) -> None:
    portal.use(limits_storage=valkey.address)
    guess(acme, "198.51.100.1")
    guess(acme, "198.51.100.2", "guest")
    client = valkey.client()
    keys = client.keys()
    assert len(keys) == 7, "two places, two addresses, two people, and everybody"
    for key in keys:
        assert key.startswith(f"portal:attempts:{acme.id}:".encode())
        kept_ms = client.pttl(key)
        assert 0 < kept_ms <= timedelta(days=1, minutes=15) / timedelta(milliseconds=1)
        told = key + client.get(key)
        for known in (acme["member"].email, acme["guest"].email, "198.51.100", PASSWORD):
            assert known.encode() not in told
    assert rows(portal) == 0


@on_sqlite
def test_what_is_forgotten_leaves_no_key_behind(portal, acme, valkey) -> None:
    portal.use(limits_storage=valkey.address)
    reserve(acme, 10)
    with acme.bound(writes=True):
        attempts.forget("x")
    assert valkey.client().keys() == []


@on_sqlite
@pytest.mark.parametrize("end", [ValkeyServer.kill, ValkeyServer.freeze])
def test_while_valkey_is_away_tries_are_counted_in_the_database(portal, acme, mortal, end) -> None:
    address = "198.51.100.1"
    for _ in range(9):
        assert guess(acme, address).status_code == 401
    end(mortal)
    with capture_logs() as logged:
        assert guess(acme, address).status_code == 401
    assert [entry["event"] for entry in logged] == ["tries are counted in the database"]
    assert [guess(acme, address).status_code for _ in range(10)] == [401] * 9 + [429]
    assert rows(portal) > 0
    owner = acme.visit(address="203.0.113.5")
    assert give_password(owner, acme["member"].email).status_code == 302


@on_sqlite
def test_valkey_is_asked_again_when_it_may_be_back(portal, acme, mortal, clock) -> None:
    for _ in range(10):
        guess(acme, "198.51.100.1")
    mortal.kill()
    assert guess(acme, "198.51.100.1").status_code == 401
    with valkey_server(mortal.port) as again:
        guess(acme, "198.51.100.1")
        assert again.client().keys() == [], "for some seconds nobody waits for it"
        clock.advance(seconds=11)
        guess(acme, "198.51.100.1")
        assert len(again.client().keys()) == 4


@on_sqlite
def test_a_valkey_that_takes_nothing_more_counts_as_away(portal, acme, mortal) -> None:
    mortal.client().config_set("maxmemory", "1")
    statuses = [guess(acme, "198.51.100.1").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert rows(portal) > 0


@on_sqlite
def test_a_sweep_takes_what_the_database_counted_meanwhile(portal, acme, mortal, clock) -> None:
    mortal.kill()
    reserve(acme, 10)
    clock.advance(seconds=LONGEST_WAIT_SECONDS * 4 * 25)
    with acme.bound(writes=True):
        attempts.sweep()
    assert rows(portal) == 0
