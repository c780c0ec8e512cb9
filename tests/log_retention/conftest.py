"""A log that is old enough to be pruned."""

from collections.abc import Iterator

import pytest

from portal.audit.actor import OPERATOR
from portal.audit.tlog.trees import WIDTH
from portal.cli.keeping_log import keep_logs
from portal.cli.watching_log import watch_logs
from portal.core.settings import LOG_FLOOR_DAYS
from portal.keys.signing import rotate_signing_key
from portal.log_retention.models import LogPolicy
from portal.tenancy.log_wall import set_floor
from tests.audit.reading import entry, write
from tests.documents.retention.keeping import end_holds
from tests.installation import Organisation


@pytest.fixture
def long(acme) -> Organisation:
    """Its log is longer than two tiles, signed, by another key than it began with, and judged."""
    settle(acme)
    with acme.bound(writes=True):
        rotate_signing_key(OPERATOR)
    write(acme, *(entry(address="192.0.2.1") for _ in range(2 * WIDTH)))
    settle(acme)
    return acme


@pytest.fixture
def old(long, clock) -> Iterator[Organisation]:
    """To the portal its whole log is older than what is kept. The machine's clock is the present,
    and the database goes by that: so its owner has put the floor out of the way.
    """
    lower_floor(long, -1)
    end_holds(long)
    with long.bound(writes=True) as session:
        session.add(LogPolicy(id=long.id, keep_days=LOG_FLOOR_DAYS))
    clock.advance(days=LOG_FLOOR_DAYS + 100)
    long.portal.renew_sessions()
    yield long
    lower_floor(long, LOG_FLOOR_DAYS)


def settle(organisation: Organisation) -> None:
    """Have the worker do what it does about logs."""
    with organisation.portal.app.app_context():
        for _ in range(2):
            keep_logs()
        while watch_logs():
            continue


def lower_floor(organisation: Organisation, days: int) -> None:
    """As the owner of the database."""
    for statement in set_floor(organisation.portal.name, days):
        organisation.portal.execute(statement, organisation)
