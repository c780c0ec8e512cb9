"""Providers in bad faith: nobody comes in by one, and the log says why."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic

import pytest
from werkzeug.test import TestResponse

from portal.auth.sso import discovery
from tests.auth.sso.joined import Joined, leads_to
from tests.auth.sso.reasons import REASONS
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.harness.hostile.faults import COSTLY, FAULTS, FORGERIES, MISSENT, SLOW, Fault
from tests.harness.hostile.provider import Hostile, hostile_provider
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
    joined.provider.fault = fault
    discovery.forget()
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


def check_refused(joined: Joined, fault: str) -> None:
    """One try by this fault: refused, recorded, without effect, at small cost."""
    organisation = joined.organisation
    provider, visitor = turn_bad(joined, FAULTS[fault]), organisation.visit()
    before, entries = without_log(organisation.portal), len(organisation.log())
    began = monotonic()

    answer = try_it(joined, visitor)

    assert monotonic() - began < REQUEST_SECONDS
    assert provider.is_at_fault
    assert 400 <= answer.status_code < 500
    assert visitor.cookie("session") is None
    assert new_entries(organisation, entries) == [("sign-in.failed", "failure", REASONS[fault])]
    after = without_log(organisation.portal)
    assert after.pop("ceremony") == before.pop("ceremony")
    assert after == before


def test_without_a_fault_somebody_is_signed_in(joined, acme) -> None:
    visitor = acme.visit()
    answer = try_it(joined, visitor)
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.get("/documents").status_code == 200


def test_every_fault_has_its_reason() -> None:
    assert REASONS.keys() == FAULTS.keys()


@on_sqlite
@pytest.mark.parametrize("fault", FORGERIES | MISSENT)
def test_a_provider_at_fault_signs_nobody_in(joined, fault) -> None:
    check_refused(joined, fault)


@pytest.mark.parametrize("fault", [f for f in FORGERIES if "subject" in f or "e-mail" in f])
def test_what_a_provider_says_of_a_person_is_checked_on_every_database(joined, fault) -> None:
    check_refused(joined, fault)


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
ONE_WAY = ("keys: drips", "tokens: drips", "tokens: never comes")


@on_sqlite
@pytest.mark.parametrize("fault", [f for f in SLOW if f.startswith("metadata") or f in ONE_WAY])
def test_a_slow_answer_is_not_waited_for(joined, fault) -> None:
    check_refused(joined, fault)
