"""Where the portal's own requests may lead, and how much they may cost."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest

from portal.auth.sso import fetch
from portal.auth.sso.deadline import within
from portal.auth.sso.fetch import get_json, is_public
from portal.auth.sso.lookups import look_up
from portal.auth.sso.refusals import Reason, Unacceptable
from tests.conftest import on_sqlite
from tests.harness.hostile.provider import hostile_provider
from tests.harness.ports import free_port


@on_sqlite
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",  # noqa: S104
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::a00:1", "2002:a00:1::1", "2001:0:1::1", "2001:db8::1",
        "fec0::1", "::10.1.2.3", "::ffff:0:a00:1", "5f00::1",
    ],
)  # fmt: skip
def test_addresses_of_the_inside_are_none_of_the_publics(address) -> None:
    assert not is_public(address)


@on_sqlite
@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111"])
def test_addresses_of_the_internet_are(address) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_production_never_knocks_at_its_own_doors(portal, acme, monkeypatch, host) -> None:
    portal.use(production=True)
    monkeypatch.setattr(fetch, "create_connection", lambda *a, **k: pytest.fail("it connected"))
    with acme.bound(), pytest.raises(Unacceptable) as refused:
        get_json(f"https://{host}:{free_port()}/")
    assert refused.value.reason in (Reason.FORBIDDEN_ADDRESS, Reason.UNREACHABLE)


def test_production_connects_to_the_address_that_it_looked_at(portal, acme, monkeypatch) -> None:
    """A name that means the Internet first and this machine a moment later."""
    answers, tried = iter(["8.8.8.8", "127.0.0.1"]), []
    monkeypatch.setattr(
        fetch.socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", (next(answers), 443))]
    )

    def create_connection(address, *args, **given):
        tried.append(address)
        raise OSError("not in a test")

    monkeypatch.setattr(fetch, "create_connection", create_connection)
    portal.use(production=True)
    with acme.bound(), pytest.raises(Unacceptable):
        get_json("https://rebinding.example/")
    assert tried == [("8.8.8.8", 443)]


def test_production_asks_by_https_alone(portal, acme) -> None:
    portal.use(production=True)
    with acme.bound(), pytest.raises(Unacceptable) as refused:
        get_json("http://login.example.com/")
    assert refused.value.reason == Reason.PLAIN_HTTP


def test_what_nobody_answers_is_given_up_soon(portal, acme) -> None:
    began = time.monotonic()
    with acme.bound(), pytest.raises(Unacceptable) as refused:
        get_json(f"http://127.0.0.1:{free_port()}/")
    assert refused.value.reason == Reason.UNREACHABLE
    assert time.monotonic() - began < fetch.TOTAL_SECONDS


class Resolver:
    """A resolver of names that hangs on those that begin with "hang", until it is told to end."""

    def __init__(self) -> None:
        self.ends, self.asked, self.honest = Event(), 0, socket.getaddrinfo

    def getaddrinfo(self, host: str, *args: Any, **given: Any) -> Any:
        if not host.startswith("hang"):
            return self.honest(host, *args, **given)
        self.asked += 1
        self.ends.wait(60)
        raise socket.gaierror("no such name")


@pytest.fixture
def resolver(monkeypatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver.getaddrinfo)
    yield resolver
    resolver.ends.set()


def test_a_name_that_is_looked_up_for_ever_costs_no_more_than_any_other(acme, resolver) -> None:
    began = time.monotonic()
    with acme.bound(), pytest.raises(Unacceptable) as refused:
        get_json("http://hangs.example/")
    assert refused.value.reason == Reason.UNREACHABLE
    assert time.monotonic() - began < fetch.TOTAL_SECONDS + 2
    assert resolver.asked == 1


def test_a_look_up_keeps_to_what_is_left_of_a_longer_way(acme, resolver) -> None:
    began = time.monotonic()
    with acme.bound(), within(0.5), pytest.raises(Unacceptable):
        get_json("http://hangs.example/")
    assert time.monotonic() - began < fetch.TOTAL_SECONDS


def test_names_that_hang_use_up_what_is_ones_own(acme, globex, resolver) -> None:
    with acme.bound():
        for number in range(16):
            with pytest.raises(TimeoutError):
                look_up(f"hangs-{number}.example", 80, 0.01)
        with pytest.raises(Unacceptable) as refused:
            look_up("hangs-as-well.example", 80, 60)
        assert refused.value.reason == Reason.BUSY
    assert resolver.asked == 16
    with hostile_provider() as provider:
        address = f"{provider.issuer}/.well-known/openid-configuration"
        with globex.bound():
            assert get_json(address)["issuer"] == provider.issuer
        with acme.bound(), pytest.raises(Unacceptable) as refused:
            get_json(address)
        assert refused.value.reason == Reason.BUSY
        resolver.ends.set()
        with acme.bound():
            assert wait_for(lambda: get_json(address)["issuer"]) == provider.issuer


def wait_for(ask: Callable[[], Any]) -> Any:
    """What it gives once there are places again."""
    for _ in range(100):
        try:
            return ask()
        except Unacceptable:
            time.sleep(0.05)
    return ask()


def test_a_name_server_that_never_answers_is_not_waited_for() -> None:
    """The system's own resolver, led to a name server that hears and says nothing."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
    if subprocess.run([*command, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine gives no network of its own")
    told = subprocess.run(
        [*command, sys.executable, "-m", "tests.harness.silent_dns"],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert told.stdout == "heard gave up\n", told.stderr


def test_no_transaction_is_held_meanwhile(portal, acme) -> None:
    with acme.bound(writes=True) as session:
        session.connection()
        with pytest.raises(Unacceptable):
            get_json(f"http://127.0.0.1:{free_port()}/")
        assert not session().in_transaction()
