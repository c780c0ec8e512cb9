"""Reading a log back goes on where it was cut off, and finds as much as in one go."""

from collections.abc import Iterator
from itertools import islice

import pytest

from portal.audit.tlog.trees import WIDTH
from portal.cli.checking_log import check_on
from portal.cli.keeping_log import keep_logs
from portal.evidence.checking import BEGINNING, Progress, check_log, read_on
from portal.evidence.rounds import end_check, find_progress, save_progress
from tests.audit.reading import entry, write
from tests.browsing import ADDRESS
from tests.conftest import on_postgresql, on_sqlite
from tests.evidence.test_checking import (
    BAD_NODE,
    DELETED,
    EDITED,
    TABLES,
    TRUNCATED,
    UNCOVERED,
    tamper,
)
from tests.installation import Organisation


@pytest.fixture
def long(acme) -> Organisation:
    """A signed log of more than four tiles, past what guards it."""
    for _ in range(4):
        write(acme, *(entry(address=ADDRESS) for _ in range(WIDTH)))
        with acme.portal.app.app_context():
            keep_logs()
            keep_logs()
    if acme.portal.name == "sqlite":
        for table in TABLES:
            for act in ("update", "delete"):
                acme.portal.execute(f"DROP TRIGGER {table}_no_{act}", acme)
    return acme


def steps(organisation: Organisation) -> Iterator[Progress]:
    """One tile at a time, each by a process that knows nothing but what is kept."""
    while True:
        with organisation.bound():
            before = find_progress()
            now = read_on(before, tiles=1)
        yield now
        if now.is_done:
            return
        with organisation.bound(writes=True):
            assert save_progress(before, now)


def end(organisation: Organisation) -> None:
    with organisation.portal.app.app_context():
        assert not check_on(organisation.record)


def test_a_process_that_was_killed_is_gone_on_from(long) -> None:
    first, second = islice(steps(long), 2)
    assert (first.size, second.size) == (WIDTH, 2 * WIDTH)
    tamper(long, EDITED)  # what was read before is read again tomorrow
    with long.bound():
        assert find_progress().size == WIDTH, "the second step was not noted"
    end(long)
    assert long.log()[-1]["action"] == "log.verified"
    with long.bound():
        assert find_progress() == BEGINNING
    end(long)
    assert long.log()[-1]["detail"]["found"][0].startswith("edited: entry 7")


@on_sqlite
@pytest.mark.parametrize("deed", [TRUNCATED, UNCOVERED, "nothing"])
def test_as_much_is_found_step_by_step_as_in_one_go(long, deed) -> None:
    if deed != "nothing":
        tamper(long, deed)
    *_, last = steps(long)
    with long.bound():
        assert (last.size, [*last.findings]) == check_log()
    assert bool(last.findings) == (deed != "nothing")


@on_sqlite
def test_what_a_step_has_found_is_told_at_the_end(long) -> None:
    tamper(long, EDITED)
    tamper(long, DELETED)
    tamper(long, BAD_NODE)
    with long.bound(writes=True):
        assert save_progress(BEGINNING, read_on(BEGINNING, tiles=2))
    end(long)
    told = [found.partition(":")[0] for found in long.log()[-1]["detail"]["found"]]
    assert told == ["edited", "deleted", "bad tile"]


@on_postgresql
def test_of_two_who_go_on_with_the_same_one_counts(long) -> None:
    first, other = (first_step(long) for _ in range(2))
    with long.bound(writes=True):
        assert save_progress(BEGINNING, first)
    with long.bound(writes=True):
        assert not save_progress(BEGINNING, other)
    with long.bound(writes=True):
        assert end_check(first)
    with long.bound(writes=True):
        assert not end_check(first)


def first_step(organisation: Organisation) -> Progress:
    with organisation.bound():
        return read_on(BEGINNING, tiles=1)
