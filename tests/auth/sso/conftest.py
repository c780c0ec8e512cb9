"""Providers of identity beside the two organisations, and people who come by them."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from portal.auth.sso import cache
from tests.auth.sso.joined import Joined
from tests.harness.oidc import OidcProvider, oidc_provider
from tests.installation import Organisation

MIA = {
    "email": "mia@acme.example",
    "email_verified": True,
    "name": "Mia",
    "groups": ["staff"],
    "amr": ["pwd", "otp"],
}


@pytest.fixture(scope="session")
def issuers() -> Iterator[tuple[OidcProvider, OidcProvider]]:
    """Two providers, each with the person Mia."""
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(oidc_provider(accounts={"mia": dict(MIA)})) for _ in range(2)
        )


@pytest.fixture(autouse=True)
def _now(present) -> None:
    """What the portal knows of providers begins with each test."""
    cache.forget()


@pytest.fixture
def at_acme(acme, issuers) -> Joined:
    return join(acme, issuers[0])


@pytest.fixture
def at_globex(globex, issuers) -> Joined:
    return join(globex, issuers[1])


def join(organisation: Organisation, provider: OidcProvider) -> Joined:
    """The organisation's admin has entered the provider, tested it, and offers it."""
    provider.change_account("mia", **MIA)
    joined = Joined(organisation, provider)
    joined.register()
    joined.enter()
    joined.test()
    joined.offer()
    return joined
