"""Guessing gets slower and slower, and nobody is kept out by those who guess."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from threading import Barrier

import pytest
from werkzeug.test import TestResponse

from portal.core import clock as portal_clock
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.founding import SIGNED_IN
from tests.installation import PASSWORD, Organisation

# What differs between the databases is how counters are locked: what takes hundreds of tries is
# tried on one of them.
LONGEST_WAIT_SECONDS = 15 * 60

in_every_store = pytest.mark.parametrize("store", ["database", "valkey"], indirect=True)


@pytest.fixture(autouse=True)
def store(request, portal) -> dict[str, str]:
    """Where tries are counted: in the database, unless a test asks for another place. Gives the
    settings that say so."""
    chosen = {}
    if getattr(request, "param", "database") == "valkey":
        chosen["limits_storage"] = request.getfixturevalue("valkey").address
    portal.use(**chosen)
    return chosen


def give_password(visitor: Visitor, email: str, password: str = PASSWORD) -> TestResponse:
    return visitor.post("/auth/sign-in", {"email": email, "password": password})


def guess(organisation: Organisation, address: str, who: str = "member") -> TestResponse:
    return give_password(
        organisation.visit(address=address), organisation[who].email, "wrong horse"
    )


def addresses() -> Iterator[str]:
    return (f"198.18.{n // 250}.{n % 250}" for n in count())


def signed_in_before(
    organisation: Organisation, who: str = "member", device: str = "", address: str = "192.0.2.99"
) -> str:
    """The cookie of a browser in which the person has signed in completely."""
    visitor = organisation.visit(address=address)
    if device:
        visitor.take("device", device)
    visitor.submit("/auth/sign-in", email=organisation[who].email, password=PASSWORD)
    assert visitor.cookie("device") == (device or None), "a password alone makes nobody known"
    assert visitor.submit("/auth/code", code=organisation[who].code).status_code == 302
    return visitor.cookie("device")


def known(organisation: Organisation, device: str, address: str = "192.0.2.99") -> Visitor:
    """That browser another time, when its session is gone."""
    visitor = organisation.visit(address=address)
    visitor.take("device", device)
    return visitor


def besiege(organisation: Organisation, who: str = "member") -> None:
    """Strangers try from many places until a new place is refused."""
    for address in addresses():
        if guess(organisation, address, who).status_code == 429:
            return
        if address == "198.18.1.0":
            pytest.fail("strangers may guess for ever")


# The waits


@in_every_store
@on_sqlite
def test_each_further_guess_from_one_place_waits_twice_as_long(acme, clock) -> None:
    for _ in range(10):
        assert guess(acme, "198.51.100.1").status_code == 401
    waits = []
    for _ in range(7):
        answer = guess(acme, "198.51.100.1")
        assert answer.status_code == 429
        waits.append(int(answer.headers["Retry-After"]))
        clock.advance(seconds=waits[-1])
        assert guess(acme, "198.51.100.1").status_code == 401
    minutes = [round(seconds / 60) for seconds in waits]
    assert minutes == [1, 2, 4, 8, 15, 15, 15]


def test_the_refusal_says_in_words_how_long_to_wait(acme, clock) -> None:
    for _ in range(10):
        guess(acme, "198.51.100.1")
    assert "Please wait 1 minute and try again" in guess(acme, "198.51.100.1").text
    clock.advance(minutes=1)
    guess(acme, "198.51.100.1")
    refused = guess(acme, "198.51.100.1")
    assert "Please wait 2 minutes and try again" in refused.text
    assert refused.headers["Retry-After"] in ("119", "120")


@in_every_store
@on_sqlite
def test_trying_too_early_makes_the_wait_no_longer(acme, clock) -> None:
    for _ in range(30):
        guess(acme, "198.51.100.1")
    clock.advance(seconds=61)
    assert (
        give_password(acme.visit(address="198.51.100.1"), acme["member"].email).status_code == 302
    )


@in_every_store
@on_sqlite
def test_waits_are_forgotten_with_time(acme, clock) -> None:
    for _ in range(14):
        guess(acme, "198.51.100.1")
        clock.advance(minutes=15)
    clock.advance(hours=2)
    statuses = [guess(acme, "198.51.100.1").status_code for _ in range(5)]
    assert statuses == [401] * 5


def test_the_hosts_of_one_network_count_as_one_place(acme) -> None:
    for n in range(10):
        guess(acme, f"2001:db8:1:2::{n:x}")
    assert guess(acme, "2001:db8:1:2:ffff::1").status_code == 429
    assert guess(acme, "2001:db8:1:3::1").status_code == 401


@in_every_store
@on_sqlite
def test_one_place_can_not_go_through_the_people_one_by_one(acme, clock) -> None:
    visitor = acme.visit(address="198.51.100.1")
    statuses = [
        give_password(visitor, f"nobody{n}@acme.example", "wrong horse").status_code
        for n in range(101)
    ]
    assert statuses == [401] * 100 + [429]
    assert give_password(acme.visit(address="198.51.100.2"), "x@acme.example").status_code == 401


@in_every_store
@on_sqlite
def test_right_passwords_do_not_use_up_the_tries_of_an_office(acme) -> None:
    """Many people come from one address."""
    statuses = {
        give_password(acme.visit(address="198.51.100.1"), acme["member"].email).status_code
        for _ in range(110)
    }
    assert statuses == {302}


@in_every_store
def test_counts_last_while_the_portal_is_started_anew(portal_with, acme, store) -> None:
    for _ in range(10):
        guess(acme, "198.51.100.1")
    restarted = portal_with(**store)
    visitor = restarted.visit(acme.host, address="198.51.100.1")
    assert give_password(visitor, acme["member"].email).status_code == 429


@in_every_store
def test_parallel_guesses_from_many_places_are_all_counted(portal, acme) -> None:
    wanted = 60
    visitors = [acme.visit(address=address) for address in islice(addresses(), wanted)]
    start = Barrier(len(visitors))

    def try_once(visitor: Visitor) -> int:
        start.wait()
        return give_password(visitor, acme["member"].email, "wrong horse").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(try_once, visitors))
    assert statuses == [401] * 50 + [429] * 10


# Whom it must not hit


@in_every_store
@on_sqlite
def test_strangers_never_keep_a_known_browser_out(acme, clock) -> None:
    device, email = signed_in_before(acme), acme["member"].email
    for _ in range(2):
        besiege(acme)
        for _ in range(12):
            guess(acme, "192.0.2.99")  # from the owner's own address, too
        assert give_password(acme.visit(address="192.0.2.99"), email).status_code == 429
        assert give_password(known(acme, device), email).status_code == 302
        clock.advance(minutes=10)


def test_a_known_browser_may_not_guess_for_ever_either(acme, clock) -> None:
    visitor, email = known(acme, signed_in_before(acme)), acme["member"].email
    statuses = [give_password(visitor, email, "wrong horse").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    clock.advance(minutes=1)
    assert give_password(visitor, email).status_code == 302


@in_every_store
@on_sqlite
def test_from_a_new_browser_the_owner_gets_in_within_one_wait(acme, clock) -> None:
    """Although the strangers go on and on, and never miss the moment when a try is free."""
    besiege(acme)
    owner = acme.visit(address="203.0.113.5")
    began = portal_clock.now()
    answer = give_password(owner, acme["member"].email)
    assert answer.status_code == 429
    until = int(answer.headers["Retry-After"])
    assert until <= LONGEST_WAIT_SECONDS
    while (portal_clock.now() - began).total_seconds() < until:
        for address in islice(addresses(), 20):
            guess(acme, address)
        clock.advance(seconds=until / 4)
    assert give_password(owner, acme["member"].email).status_code == 302


@on_sqlite
def test_under_siege_a_place_has_one_try_for_each_wait(acme, clock) -> None:
    besiege(acme)
    strangers, tried = addresses(), []
    for minute in range(60):
        if guess(acme, "203.0.113.6").status_code == 401:
            tried.append(minute)
        for address in islice(strangers, 2):
            guess(acme, address)
        clock.advance(minutes=1)
    assert 3 <= len(tried) <= 10
    assert tried[0] > 0


@in_every_store
@on_sqlite
def test_a_turn_that_was_let_pass_is_gone(acme, clock) -> None:
    besiege(acme)
    assert guess(acme, "203.0.113.7").status_code == 429
    strangers = addresses()
    for _ in range(20):
        for address in islice(strangers, 2):
            guess(acme, address)
        clock.advance(minutes=1)
    assert guess(acme, "203.0.113.7").status_code == 429


@in_every_store
def test_the_same_e_mail_elsewhere_is_not_affected(acme, globex) -> None:
    for address in islice(addresses(), 60):
        give_password(acme.visit(address=address), globex["member"].email, "wrong horse")
    stranger = globex.visit(address="203.0.113.8")
    assert give_password(stranger, globex["member"].email).status_code == 302
    for _ in range(11):
        give_password(acme.visit(address="203.0.113.9"), globex["member"].email, "wrong horse")
    stranger = globex.visit(address="203.0.113.9")
    assert give_password(stranger, globex["member"].email).status_code == 302


@in_every_store
def test_codes_of_a_known_browser_are_counted_apart(acme, clock) -> None:
    """Somebody who knows the password uses up the codes of strangers, and not the owner's."""
    owner = known(acme, signed_in_before(acme))
    stranger = acme.visit(address="198.51.100.3")
    stranger.submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
    statuses = [stranger.submit("/auth/code", code="000000").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    owner.submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
    clock.advance(seconds=30)
    assert owner.submit("/auth/code", code=acme["member"].code).status_code == 302


@on_sqlite
def test_no_typed_e_mail_is_counted_for_anything_else(acme) -> None:
    email, address = acme["member"].email, "198.51.100.9"
    typed = [f"{email}:{address}", f"address:{address}", f"{address}:{email}", f"{email}:device:"]
    for n in range(2):
        for name in typed:
            for _ in range(10):
                give_password(acme.visit(address=f"198.51.100.{20 + n}"), name, "wrong horse")
    assert [guess(acme, address).status_code for _ in range(10)] == [401] * 10


# The cookie


@on_sqlite
def test_a_known_browser_is_known_for_a_year(acme, clock) -> None:
    device, email = signed_in_before(acme), acme["member"].email
    clock.advance(days=364)
    besiege(acme)
    assert give_password(known(acme, device), email).status_code == 302
    clock.advance(days=2)
    besiege(acme)
    assert give_password(known(acme, device), email).status_code == 429


@on_sqlite
@pytest.mark.parametrize("whose", ["nobody's", "forged", "another person's", "another tenant's"])
def test_no_other_cookie_makes_a_browser_known(acme, globex, whose) -> None:
    cookie = {
        "nobody's": lambda: "x",
        "forged": lambda: signed_in_before(acme)[:-1] + ".",
        "another person's": lambda: signed_in_before(acme, "auditor"),
        "another tenant's": lambda: signed_in_before(globex),
    }[whose]()
    besiege(acme)
    visitor = known(acme, cookie, "203.0.113.10")
    assert give_password(visitor, acme["member"].email).status_code == 429


@on_sqlite
def test_a_browser_is_known_for_several_people(acme) -> None:
    shared = signed_in_before(acme, "auditor", signed_in_before(acme))
    for who in ("member", "auditor"):
        besiege(acme, who)
        assert give_password(known(acme, shared), acme[who].email).status_code == 302


def is_known(organisation: Organisation, device: str, who: str, place: str) -> bool:
    """Whether that browser gets past those who have used up the tries of its place."""
    for _ in range(11):
        guess(organisation, place, who)
    answer = give_password(known(organisation, device, place), organisation[who].email)
    return answer.status_code == 302


@on_sqlite
def test_of_those_who_share_a_browser_the_last_five_are_known(acme) -> None:
    """It is a cookie, and must not grow with everybody who ever passed by."""
    device = ""
    for who in SIGNED_IN:
        device = signed_in_before(acme, who, device)
    found = [is_known(acme, device, who, f"203.0.113.{n}") for n, who in enumerate(SIGNED_IN)]
    assert found == [False] + [True] * 5


@on_sqlite
def test_each_known_browser_counts_for_itself(acme, clock) -> None:
    first = signed_in_before(acme)
    clock.advance(seconds=30)
    second, email = signed_in_before(acme), acme["member"].email
    for _ in range(11):
        lost = give_password(known(acme, first), email, "wrong horse")
    assert lost.status_code == 429
    assert give_password(known(acme, second), email).status_code == 302


@on_sqlite
def test_the_cookie_is_tied_to_the_host_under_https(portal_with, acme) -> None:
    other = portal_with(url="https://localhost", secret_key="0123456789abcdef" * 2)
    visitor = Visitor(other.wsgi, acme.host, scheme="https")
    visitor.submit("/auth/sign-in", email=acme["member"].email, password=PASSWORD)
    answer = visitor.submit("/auth/code", code=acme["member"].code)
    [cookie] = [c for c in answer.headers.getlist("Set-Cookie") if "device=" in c]
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-device=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=31536000"} <= set(attributes)
    assert not [a for a in attributes if a.startswith("Domain")]


@on_sqlite
def test_a_flood_from_an_address_is_told_when_to_come_back(portal_with, acme) -> None:
    other = portal_with(requests_per_minute=3)
    visitor = other.visit(acme.host, address="203.0.113.78")
    answers = [give_password(visitor, "a@b.example") for _ in range(4)]
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert "wait a minute" in answers[-1].text
