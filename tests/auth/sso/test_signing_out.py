"""Signing out here and there: led to the provider, and told by it."""

from threading import Barrier, Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.auth.sso.joined import Joined, leads_to
from tests.browsing import Visitor
from tests.harness.hostile.provider import SECRET, Hostile, hostile_provider
from tests.installation import Organisation


@pytest.fixture
def honest():
    """A provider whose logout tokens tests can bend."""
    with hostile_provider() as provider:
        yield provider


@pytest.fixture
def at_honest(acme, honest: Hostile) -> Joined:
    joined = Joined(acme, honest)
    joined.enter(client_secret=SECRET, trusts_mfa="y")
    acme.portal.execute("UPDATE identity_provider SET state = 'offered'", acme)
    return joined


def sign_in(at: Joined) -> Visitor:
    visitor = at.organisation.visit()
    visitor.get(at.way_back(at.provider.sign_in(leads_to(at.begin(visitor)))))
    assert visitor.get("/documents").status_code == 200
    return visitor


def tell(organisation: Organisation, token: str) -> int:
    """As the provider does: no cookie, no form's token."""
    stranger = organisation.visit(address="198.51.100.9")
    stranger.csrf_token = ""
    answer = stranger.post("/sso/backchannel-logout", {"logout_token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


def is_inside(visitor: Visitor) -> bool:
    return visitor.get("/documents").status_code == 200


def test_signing_out_leads_to_the_provider_and_back(acme, at_acme: Joined) -> None:
    at_acme.change(trusts_mfa="y")
    visitor = at_acme.inside()
    answer = visitor.post("/auth/sign-out")
    address = leads_to(answer)
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{at_acme.provider.issuer}/")
    assert asked["post_logout_redirect_uri"] == [f"{visitor.base}/sso/signed-out"]
    assert len(asked["id_token_hint"][0].split(".")) == 3
    assert not is_inside(visitor)
    [state] = asked["state"]
    assert "at your identity provider" in visitor.get(f"/sso/signed-out?state={state}").text
    assert "Here. If" in visitor.get("/sso/signed-out?state=other").text


def test_who_came_by_password_signs_out_here_alone(acme, at_acme: Joined) -> None:
    assert acme.visit("member").post("/auth/sign-out").location == "/auth/sign-in"


def test_a_provider_that_is_gone_keeps_nobody_signed_in(acme, at_honest: Joined, honest) -> None:
    visitor = sign_in(at_honest)
    inside = acme.portal.visit(acme.host, visitor.cookie("session"))
    acme.portal.execute("UPDATE identity_provider SET issuer = 'http://127.0.0.1:9/gone' "
                        f"WHERE issuer = '{honest.issuer}'", acme)  # fmt: skip
    assert inside.post("/auth/sign-out").location == "/auth/sign-in"
    assert not is_inside(inside)


def test_the_provider_ends_all_sessions_of_a_person(acme, at_honest: Joined, honest) -> None:
    visitors = [sign_in(at_honest), sign_in(at_honest)]
    other = acme.visit("member")
    assert tell(acme, honest.logout_token()) == 200
    assert [is_inside(visitor) for visitor in visitors] == [False, False]
    assert is_inside(other)
    assert acme.log()[-1]["detail"] == {"ended": 2}


def test_the_provider_ends_one_session(acme, at_honest: Joined, honest) -> None:
    first = sign_in(at_honest)
    honest.claims["sid"] = "another session there"
    second = sign_in(at_honest)
    assert tell(acme, honest.logout_token(sid="a session there")) == 200
    assert (is_inside(first), is_inside(second)) == (False, True)


def test_a_session_of_somebody_else_is_not_ended(acme, at_honest: Joined, honest) -> None:
    visitor = sign_in(at_honest)
    assert tell(acme, honest.logout_token(sub="somebody", sid="a session there")) == 200
    assert is_inside(visitor)


BENT = {
    "foreign audience": ({"aud": "other"}, "wrong-audience"),
    "expired": ({"exp": 1}, "expired"),
    "never expires": ({"exp": None}, "expired"),
    "stale": ({"iat": 1_000_000_000}, "expired"),
    "of the future": ({"iat": 33_000_000_000}, "from-future"),
    "no time": ({"iat": None}, "from-future"),
    "no event": ({"events": None}, "event-missing"),
    "another event": ({"events": {"urn:other": {}}}, "event-missing"),
    "a list of events": ({"events": ["urn:other"]}, "event-missing"),
    "a nonce": ({"nonce": "n"}, "has-nonce"),
    "nobody": ({"sub": None}, "no-subject"),
    "a number for a subject": ({"sub": 7}, "no-subject"),
    "a list for a session": ({"sid": ["x"]}, "no-subject"),
    "no name of its own": ({"jti": None}, "token-malformed"),
    "an ID token's type": ({"header": {"typ": "at+jwt"}}, "token-type"),
    "a planted key": ({"key": "planted"}, "signature"),
    "a key of its own": ({"header": {"jku": "https://elsewhere.example"}}, "token-header"),
}


@pytest.mark.parametrize("bent", BENT)
def test_a_logout_token_that_is_wrong_ends_nothing(acme, at_honest: Joined, honest, bent) -> None:
    changes, reason = BENT[bent]
    visitor = sign_in(at_honest)
    assert tell(acme, honest.logout_token(**changes)) == 400
    assert is_inside(visitor)
    last = acme.log()[-1]
    assert (last["action"], last["detail"]) == ("sso.logout-refused", {"reason": reason})


def test_a_token_of_nobody_we_know_is_not_worth_an_entry(acme, at_honest: Joined, honest) -> None:
    before = len(acme.log())
    assert tell(acme, honest.logout_token(iss="https://elsewhere.example")) == 400
    assert len(acme.log()) == before


@pytest.mark.parametrize("token", ["", "x", "..", "a.b.c", "eyJ9.e30.", "\0", "[" * 5000])
def test_what_is_no_token_ends_nothing(acme, at_honest: Joined, token) -> None:
    assert tell(acme, token) == 400


def test_a_logout_token_works_once(acme, at_honest: Joined, honest) -> None:
    sign_in(at_honest)
    token = honest.logout_token()
    assert tell(acme, token) == 200
    again = sign_in(at_honest)
    assert tell(acme, token) == 400
    assert is_inside(again)
    assert acme.log()[-1]["detail"] == {"reason": "replayed"}


def test_of_one_logout_token_at_the_same_time_one_counts(acme, at_honest: Joined, honest) -> None:
    token, start, statuses = honest.logout_token(), Barrier(4), []

    def send() -> None:
        start.wait()
        statuses.append(tell(acme, token))

    threads = [Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 400, 400, 400]


def test_another_organisations_provider_ends_nothing_here(
    acme, globex, at_honest: Joined, honest
) -> None:
    visitor = sign_in(at_honest)
    assert tell(globex, honest.logout_token()) == 400
    assert is_inside(visitor)
