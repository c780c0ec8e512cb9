"""Where the portal's own requests may lead, and how much they may cost."""

import time

import pytest

from portal.auth.sso import fetch
from portal.auth.sso.fetch import get_json, is_public
from portal.auth.sso.refusals import Reason, Unacceptable
from tests.harness.ports import free_port


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",  # noqa: S104
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::a00:1", "2002:a00:1::1", "2001:0:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_of_the_inside_are_none_of_the_publics(address) -> None:
    assert not is_public(address)


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


def test_no_transaction_is_held_meanwhile(portal, acme) -> None:
    with acme.bound(writes=True) as session:
        session.connection()
        with pytest.raises(Unacceptable):
            get_json(f"http://127.0.0.1:{free_port()}/")
        assert not session().in_transaction()
