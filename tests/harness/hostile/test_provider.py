import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import requests

from tests.harness.hostile.faults import COSTLY, FAULTS, FORGERIES, MISSENT, SLOW
from tests.harness.hostile.provider import SECRET, Hostile, hostile_provider
from tests.harness.hostile.sending import HUGE_BYTES
from tests.harness.relying_party import RelyingParty

# What whoever trusts such a provider may have to pay.
PRICE = (ValueError, LookupError, TypeError, RecursionError, requests.RequestException)


def party_of(provider: Hostile) -> RelyingParty:
    return RelyingParty(provider.issuer, SECRET)


def trust_it(provider: Hostile) -> None:
    """Go all the way with it and check nothing."""
    party = party_of(provider)
    address = f"{provider.issuer}/authorize?{party.address().partition('?')[2]}"
    provider.sign_in(address)
    [code] = provider.granted
    requests.get(party.metadata["jwks_uri"], timeout=1, stream=True).close()
    party.redeem(code)


def test_without_a_fault_it_is_a_good_provider() -> None:
    with hostile_provider(email="zoe@acme.example") as provider:
        party = party_of(provider)
        back = party.parameters(provider.sign_in(party.address()))
        assert (back["state"], back["iss"]) == ("state", provider.issuer)
        token = party.decode(party.redeem(back["code"]).json()["id_token"])
        assert token.claims["iss"] == party.metadata["issuer"] == provider.issuer
        assert (token.claims["aud"], token.claims["nonce"]) == ("portal", "nonce")
        assert token.claims["email"] == "zoe@acme.example"
        assert 0 <= time.time() - token.claims["iat"] < 10
        assert party.redeem(back["code"]).status_code == 400
        assert party.decode(provider.logout_token()).header["typ"] == "logout+jwt"
        assert not provider.is_at_fault


def test_it_gives_its_tokens_to_its_client_alone() -> None:
    with hostile_provider() as provider:
        party = party_of(provider)
        for wrong in ({"code_verifier": "w" * 43}, {"redirect_uri": "http://elsewhere.example"}):
            back = party.parameters(provider.sign_in(party.address()))
            assert party.redeem(back["code"], **wrong).status_code == 400
        party.secret = "guessed"
        back = party.parameters(provider.sign_in(party.address()))
        assert party.redeem(back["code"]).status_code == 400


@pytest.mark.parametrize("fault", FORGERIES | MISSENT)
def test_a_fault_shows_in_what_it_says(fault) -> None:
    with hostile_provider(FAULTS[fault]) as provider:
        with suppress(*PRICE):
            trust_it(provider)
        assert provider.is_at_fault


def at_metadata(faults: Iterable[str]) -> list[str]:
    return [fault for fault in faults if fault.startswith("metadata")]


@pytest.mark.parametrize("fault", at_metadata(COSTLY))
def test_a_costly_answer_costs_whoever_reads_it(fault) -> None:
    with hostile_provider(FAULTS[fault]) as provider:
        address, received = f"{provider.issuer}/.well-known/openid-configuration", 0
        with (
            suppress(requests.ConnectionError),
            requests.get(address, stream=True, timeout=5) as answer,
        ):
            received = sum(map(len, answer.iter_content(1_000_000)))
        # Of headers, the library takes a hundred.
        assert received > HUGE_BYTES or provider.sent_bytes > 1_000_000


@pytest.mark.parametrize("fault", at_metadata(SLOW))
def test_a_slow_answer_has_no_end(fault) -> None:
    with hostile_provider(FAULTS[fault]) as provider:
        port = urlsplit(provider.issuer).port
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /.well-known/openid-configuration HTTP/1.0\r\n\r\n")
            connection.settimeout(1)
            deadline = time.monotonic() + 1
            with suppress(TimeoutError):
                while time.monotonic() < deadline:
                    assert connection.recv(1) != b""


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(FAULTS) == len(FORGERIES) + len(MISSENT) + len(COSTLY) + len(SLOW)
