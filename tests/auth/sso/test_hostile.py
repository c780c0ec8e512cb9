"""Providers in bad faith: nobody comes in by one, and the log says why."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread
from time import monotonic, sleep
from urllib.parse import parse_qsl, urlsplit

import pytest
from werkzeug.test import TestResponse

from portal.auth.sso import cache
from tests.auth.sso.joined import Joined, leads_to
from tests.auth.sso.reasons import REASONS
from tests.browsing import ADDRESS, Visitor
from tests.conftest import on_postgresql, on_sqlite
from tests.harness.hostile.faults import (
    COSTLY,
    FAULTS,
    FORGERIES,
    MISSENT,
    Fault,
    by_planted_key,
    by_public_key,
    given,
    without,
)
from tests.harness.hostile.provider import Hostile, hostile_provider
from tests.harness.hostile.tokens import unsigned
from tests.installation import Organisation
from tests.web.things import without_log

REQUEST_SECONDS = 8
MEMORY_BYTES = 40_000_000

Join = Callable[[Organisation], Joined]


@pytest.fixture
def join() -> Iterator[Join]:
    """Have an organisation offer a provider that has been good so far."""
    with ExitStack() as stack:

        def join(organisation: Organisation, **settings: str) -> Joined:
            slug = organisation.record.slug
            provider = stack.enter_context(hostile_provider(email=f"mia@{slug}.example"))
            joined = Joined(organisation, provider)
            joined.enter(allowed_domains=f"{slug}.example", trusts_mfa="y", **settings)
            assert joined.test().status_code == 200
            joined.offer()
            return joined

        yield join


@pytest.fixture
def joined(join, acme) -> Joined:
    return join(acme)


def turn_bad(joined: Joined, fault: Fault) -> Hostile:
    """From now on; and nothing is remembered of better days."""
    joined.provider.fault, joined.provider.is_at_fault = fault, False
    cache.forget()
    return joined.provider


def try_it(joined: Joined, visitor: Visitor) -> TestResponse:
    """Try to sign in; gives the last answer of the portal."""
    answer = joined.begin(visitor)
    return joined.come_back(visitor, answer) if answer.status_code == 200 else answer


def new_entries(organisation: Organisation, count: int) -> list[tuple[str, str, str]]:
    """What was recorded since there were `count` entries: action, outcome, and why."""
    return [
        (row["action"], row["outcome"], row["detail"].get("reason", ""))
        for row in organisation.log()[count:]
    ]


def check_refused(joined: Joined, fault: str, address: str = ADDRESS) -> None:
    """One try by this fault: refused, recorded, without effect, at small cost."""
    organisation = joined.organisation
    provider, visitor = turn_bad(joined, FAULTS[fault]), organisation.visit(address=address)
    before, entries = without_log(organisation.portal), len(organisation.log())
    began = monotonic()

    answer = try_it(joined, visitor)

    assert monotonic() - began < REQUEST_SECONDS, fault
    assert provider.is_at_fault, fault
    assert 400 <= answer.status_code < 500, fault
    assert visitor.cookie("session") is None, fault
    told = [("sign-in.failed", "failure", REASONS[fault])]
    assert new_entries(organisation, entries) == told, fault
    after = without_log(organisation.portal)
    assert after.pop("ceremony") == before.pop("ceremony"), fault
    assert after == before, fault


def test_without_a_fault_somebody_is_signed_in(joined, acme) -> None:
    visitor = acme.visit()
    answer = try_it(joined, visitor)
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.get("/documents").status_code == 200


def test_every_fault_has_its_reason() -> None:
    assert REASONS.keys() == FAULTS.keys()


@on_sqlite
@pytest.mark.parametrize("faults", [FORGERIES, MISSENT], ids=["forgeries", "missent"])
def test_a_provider_at_fault_signs_nobody_in(joined, faults) -> None:
    """One fault after the other: each has to leave everything as it found it. From an address each,
    as failures are counted by these.
    """
    for number, fault in enumerate(faults):
        check_refused(joined, fault, address=f"198.18.1.{number}")


@on_postgresql
def test_what_a_provider_says_of_a_person_is_checked_on_every_database(joined) -> None:
    said = [fault for fault in FORGERIES if "subject" in fault or "e-mail" in fault]
    for number, fault in enumerate(said):
        check_refused(joined, fault, address=f"198.18.1.{number}")


@on_sqlite
@pytest.mark.parametrize("fault", COSTLY)
def test_a_huge_answer_costs_no_memory(joined, fault) -> None:
    tracemalloc.start()
    try:
        check_refused(joined, fault)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_BYTES


# Of all ways to be slow one is enough where the same code reads the answer.
SLOW_ONES = (
    "metadata: never comes",
    "metadata: drips headers",
    "metadata: drips on",
    "tokens: drips",
    "everything comes late",
)


@on_sqlite
@pytest.mark.parametrize("fault", SLOW_ONES)
def test_a_slow_answer_is_not_waited_for(joined, fault) -> None:
    check_refused(joined, fault)


def test_an_e_mail_opens_nobodys_account(acme, joined) -> None:
    joined.provider.claims["email"] = acme["member"].email
    assert try_it(joined, acme.visit()).status_code == 400
    assert new_entries(acme, len(acme.log()) - 1) == [("sign-in.failed", "failure", "not-linked")]


def way_back(joined: Joined, visitor: Visitor) -> tuple[str, dict[str, str]]:
    """Go to the provider; gives the way back, and what is brought along."""
    parts = urlsplit(joined.provider.sign_in(leads_to(joined.begin(visitor))))
    return parts.path, dict(parse_qsl(parts.query))


def test_an_answer_that_was_used_is_refused_and_recorded(acme, joined) -> None:
    visitor, again = acme.visit(), acme.visit()
    path, answer = way_back(joined, visitor)
    again.take("sso", visitor.cookie("sso"))
    assert visitor.get(path, query_string=answer).status_code == 302
    entries = len(acme.log())
    assert again.get(path, query_string=answer).status_code == 400
    assert again.cookie("session") is None
    assert new_entries(acme, entries) == [("sign-in.failed", "failure", "stale")]


def test_an_answer_in_another_browser_signs_nobody_in(acme, joined) -> None:
    """Signing somebody into the attacker's account is an attack as well."""
    attacker, victim = acme.visit(), acme.visit()
    path, answer = way_back(joined, attacker)
    entries = len(acme.log())
    assert victim.get(path, query_string=answer).status_code == 400
    way_back(joined, victim)
    assert victim.get(path, query_string=answer).status_code == 400
    assert victim.cookie("session") is None
    assert [why for _, _, why in new_entries(acme, entries)] == ["stale", "state-differs"]


@on_sqlite
def test_a_flood_of_answers_does_not_fill_the_log(portal_with, acme) -> None:
    other = portal_with(requests_per_minute=3)
    visitor = other.visit(acme.host, address="203.0.113.78")
    statuses = [visitor.get("/sso/callback?code=x&state=y").status_code for _ in range(5)]
    assert statuses == [400, 400, 400, 429, 429]
    assert new_entries(acme, 0) == [("sign-in.failed", "failure", "stale")] * 3


@pytest.fixture
def both(join, acme, globex) -> tuple[Joined, Joined]:
    """Two organisations, each with a provider of its own."""
    return join(acme), join(globex)


@pytest.mark.parametrize("named", ["as it is", "left out"])
def test_one_organisations_answer_is_none_for_the_other(both, named) -> None:
    """Mix-up (RFC 9207): the code of one issuer is brought where another was asked."""
    here, there = both
    visitor, lured = here.organisation.visit(), there.organisation.visit()
    _, code_of_here = way_back(here, visitor)
    path, asked_of_there = way_back(there, lured)
    mixed = code_of_here | {"state": asked_of_there["state"]}
    if named == "left out":
        del mixed["iss"]
    entries = len(there.organisation.log())

    assert lured.get(path, query_string=mixed).status_code == 400

    assert lured.cookie("session") is None
    [(_, _, why)] = new_entries(there.organisation, entries)
    assert why == "response-issuer"
    assert mixed["code"] in here.provider.granted, "the code went to the wrong provider"


def test_a_code_of_elsewhere_is_worth_nothing_where_issuers_are_not_named(both) -> None:
    here, there = both
    turn_bad(there, {"metadata": without("authorization_response_iss_parameter_supported")})
    lured = there.organisation.visit()
    _, code_of_here = way_back(here, here.organisation.visit())
    path, asked_of_there = way_back(there, lured)
    mixed = {"code": code_of_here["code"], "state": asked_of_there["state"]}
    entries = len(there.organisation.log())
    assert lured.get(path, query_string=mixed).status_code == 400
    assert [why for _, _, why in new_entries(there.organisation, entries)] == ["code-refused"]


def test_a_token_of_another_organisations_provider_is_none(both) -> None:
    """Also where it answers the right request, signed with the same key."""
    here, there = both
    _, answer = way_back(here, here.organisation.visit())
    asked = here.provider.granted[answer["code"]]

    def say_what_the_other_says(own: Hostile, honest: dict[str, str]) -> dict[str, str]:
        return honest | {"id_token": here.provider.id_token(asked | {"nonce": own.nonces[-1]})}

    check_mixed(there, {"tokens": say_what_the_other_says}, "wrong-issuer")


def test_a_provider_can_not_send_people_to_another_organisations(both) -> None:
    here, there = both
    addresses = {
        name: address.replace(there.provider.issuer, here.provider.issuer)
        for name, address in there.provider.metadata().items()
        if name.endswith("_endpoint")
    }
    check_mixed(there, {"metadata": given(**addresses)}, "response-issuer")


def check_mixed(joined: Joined, fault: Fault, reason: str) -> None:
    turn_bad(joined, fault)
    lured, entries = joined.organisation.visit(), len(joined.organisation.log())
    assert try_it(joined, lured).status_code == 400
    assert lured.cookie("session") is None
    assert [why for _, _, why in new_entries(joined.organisation, entries)] == [reason]


@on_sqlite
def test_one_organisations_slow_provider_holds_up_no_other(both) -> None:
    here, there = both
    turn_bad(here, FAULTS["metadata: never comes"])
    crowd = [Thread(target=try_it, args=(here, here.organisation.visit())) for _ in range(8)]
    for waiting in crowd:
        waiting.start()
    while not here.provider.is_at_fault:
        sleep(0.01)
    answers = [try_it(there, there.organisation.visit()).status_code for _ in range(3)]
    for waiting in crowd:
        waiting.join()
    assert answers == [302, 302, 302]


FORGED = {
    "unsigned": (unsigned, "token-algorithm"),
    "signed by the public key": (by_public_key, "token-algorithm"),
    "signed by a foreign key": (by_planted_key, "signature"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_logout_token_ends_nothing(acme, joined, forged) -> None:
    signer, reason = FORGED[forged]
    header = {"typ": "logout+jwt", "alg": "RS256", "kid": "good"}
    check_ends_nothing(joined, signer(header, joined.provider.logout_claims()), reason)


def test_an_id_token_ends_nothing(acme, joined) -> None:
    check_ends_nothing(joined, joined.provider.id_token({"nonce": "n"}), "event-missing")


def check_ends_nothing(joined: Joined, token: str, reason: str) -> None:
    organisation, visitor = joined.organisation, joined.organisation.visit()
    assert try_it(joined, visitor).status_code == 302
    entries = len(organisation.log())
    told = organisation.visit().post("/sso/backchannel-logout", {"logout_token": token})
    assert told.status_code == 400
    assert visitor.get("/documents").status_code == 200
    assert new_entries(organisation, entries) == [("sso.logout-refused", "refused", reason)]


def test_a_logout_token_of_one_organisation_ends_nothing_in_another(both) -> None:
    here, there = both
    visitor = there.organisation.visit()
    assert try_it(there, visitor).status_code == 302
    token = here.provider.logout_token()
    told = there.organisation.visit().post("/sso/backchannel-logout", {"logout_token": token})
    assert told.status_code == 400
    assert visitor.get("/documents").status_code == 200
