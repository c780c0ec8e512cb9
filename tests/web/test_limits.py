"""The coarse limit of requests from one address, where several workers share its counts."""

import pytest

from portal.web.limits import limiter
from tests.conftest import on_sqlite
from tests.installation import PASSWORD


@pytest.fixture(autouse=True)
def limiter_as_it_was():
    """A process has one limiter, which counts where the application made last says."""
    before = dict(vars(limiter))
    yield
    vars(limiter).update(before)


@on_sqlite
def test_workers_count_together_where_they_share_a_storage(acme, portal_with, valkey) -> None:
    workers = [portal_with(limits_storage=valkey.address, requests_per_minute=3) for _ in range(2)]
    form = {"email": acme["member"].email, "password": PASSWORD}
    answers = []
    for n in range(5):
        visitor = workers[n % 2].visit(acme.host)
        answers.append(visitor.post("/auth/sign-in", form).status_code)
    assert answers == [302, 302, 302, 429, 429]


@on_sqlite
def test_while_that_storage_is_away_each_worker_counts_for_itself(acme, portal_with) -> None:
    """Looser, and not gone: what the limit keeps away is a flood of password hashes."""
    worker = portal_with(limits_storage="valkey://127.0.0.1:1/0", requests_per_minute=3)
    form = {"email": acme["member"].email, "password": PASSWORD}
    answers = [worker.visit(acme.host).post("/auth/sign-in", form).status_code for _ in range(4)]
    assert answers == [302, 302, 302, 429]


@on_sqlite
def test_whoever_comes_from_no_address_is_counted_too(acme, portal_with) -> None:
    """As all do by a socket of the file system, where no proxy says from where."""
    portal = portal_with(requests_per_minute=2)
    form = {"email": acme["member"].email, "password": PASSWORD}
    answers = []
    for _ in range(3):
        visitor = portal.visit(acme.host)
        visitor.address = ""
        answers.append(visitor.post("/auth/sign-in", form).status_code)
    assert answers == [302, 302, 429]
