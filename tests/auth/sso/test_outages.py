"""A provider that did not answer is left alone for a while, and costs nothing meanwhile."""

from collections.abc import Iterator

import pytest

from portal.auth.sso import cache
from tests.auth.sso.joined import Joined, leads_to
from tests.harness.hostile.faults import FAULTS, given
from tests.harness.hostile.provider import SECRET, Hostile, hostile_provider
from tests.harness.ports import free_port
from tests.installation import Organisation

GONE = FAULTS["metadata: hangs up"]


@pytest.fixture
def provider() -> Iterator[Hostile]:
    with hostile_provider() as provider:
        yield provider


def join(organisation: Organisation, provider: Hostile) -> Joined:
    joined = Joined(organisation, provider)
    joined.enter(client_secret=SECRET, trusts_mfa="y")
    organisation.portal.execute("UPDATE identity_provider SET state = 'offered'", organisation)
    return joined


@pytest.fixture
def joined(acme, provider: Hostile) -> Joined:
    return join(acme, provider)


def begin(joined: Joined) -> int:
    """Press the button of the sign-in page; a provider that is there has to be asked."""
    answer = joined.begin(joined.organisation.visit())
    assert answer.status_code == 200 or "did not answer" in answer.text
    return answer.status_code


def is_asked(joined: Joined) -> bool:
    """Whether the portal turns to the provider, which is gone."""
    joined.provider.fault, joined.provider.is_at_fault = GONE, False
    assert begin(joined) == 400
    return joined.provider.is_at_fault


def test_it_is_left_alone_for_a_while_and_then_asked_again(acme, joined: Joined, clock) -> None:
    assert is_asked(joined)
    joined.provider.fault = {}
    assert begin(joined) == 400
    assert joined.provider.sent_bytes == 0
    told = [row["detail"]["reason"] for row in acme.log() if row["action"] == "sign-in.failed"]
    assert told == ["unreachable", "unreachable"]
    clock.advance(seconds=11)
    assert begin(joined) == 200


def test_the_while_grows_to_a_minute(joined: Joined, clock) -> None:
    for seconds in (10, 20, 40, 60, 60):
        assert is_asked(joined)
        clock.advance(seconds=seconds - 2)
        assert not is_asked(joined)
        clock.advance(seconds=3)


def test_an_answer_ends_it(joined: Joined, clock) -> None:
    for seconds in (11, 21):
        assert is_asked(joined)
        clock.advance(seconds=seconds)
    joined.provider.fault = {}
    assert begin(joined) == 200
    cache.forget()
    assert is_asked(joined)
    clock.advance(seconds=11)
    assert is_asked(joined), "it begins with a short while again"


def test_a_clock_that_is_put_back_makes_it_no_longer(joined: Joined, clock) -> None:
    assert is_asked(joined)
    clock.advance(minutes=-5)
    assert is_asked(joined)


def test_the_admins_test_always_asks(acme, joined: Joined) -> None:
    admin = acme.visit("admin")
    assert is_asked(joined)
    for _ in range(3):
        joined.provider.is_at_fault = False
        assert admin.post(f"/sso/{joined.id}/test").status_code == 400
        assert joined.provider.is_at_fault
    joined.provider.fault = {}
    answer = admin.post(f"/sso/{joined.id}/test")
    assert joined.come_back(admin, answer).status_code == 200
    assert begin(joined) == 200


def test_the_admins_test_asks_also_where_the_description_is_still_kept(joined: Joined) -> None:
    assert begin(joined) == 200
    joined.provider.fault = GONE
    admin = joined.organisation.visit("admin")
    assert admin.post(f"/sso/{joined.id}/test").status_code == 400


def test_the_same_provider_is_asked_for_another_organisation(
    globex, joined: Joined, provider: Hostile
) -> None:
    assert is_asked(joined)
    assert is_asked(join(globex, provider))


def finish(joined: Joined) -> str:
    """Go there and back; gives the reason of the refusal."""
    visitor = joined.organisation.visit()
    back = joined.way_back(joined.provider.sign_in(leads_to(joined.begin(visitor))))
    assert visitor.get(back).status_code == 400
    return str(joined.organisation.log()[-1]["detail"]["reason"])


def test_a_token_endpoint_that_is_gone_is_left_alone_too(joined: Joined, clock) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/token"
    joined.provider.fault = {"metadata": given(token_endpoint=nowhere)}
    assert finish(joined) == "unreachable"
    kept_metadata = begin(joined)
    assert kept_metadata == 200, "what is kept leads there all the same"
    clock.advance(seconds=11)
    assert finish(joined) == "unreachable"


def test_what_a_stranger_sends_along_can_not_make_it_an_outage(joined: Joined) -> None:
    """A provider that hangs up on some codes would be shut to everybody by whoever sends one."""
    joined.provider.fault = FAULTS["tokens: hangs up"]
    assert finish(joined) == "unreachable"
    joined.provider.fault = {}
    visitor = joined.organisation.visit()
    back = joined.way_back(joined.provider.sign_in(leads_to(joined.begin(visitor))))
    assert visitor.get(back).status_code == 302


def test_any_other_fault_is_an_answer(joined: Joined) -> None:
    joined.provider.fault = FAULTS["metadata of another issuer"]
    assert joined.begin(joined.organisation.visit()).status_code == 400
    joined.provider.fault = {}
    assert begin(joined) == 200
