"""The portal is killed while it prunes a log, or reads one back: the log tells of all that is gone.

On SQLite, whose files the killed processes write themselves.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from portal.audit.pruning import first_number, list_prunings
from portal.audit.queries import list_latest
from portal.audit.tlog.tiles import count_leaves
from portal.audit.tlog.trees import WIDTH
from portal.audit.tlog.verifying import verify_folder
from portal.cli.checking_log import check_on
from portal.core.settings import LOG_FLOOR_DAYS
from portal.evidence.checking import TILES_AT_ONCE, VERDICTS, check_log
from portal.evidence.rounds import find_progress
from portal.log_retention.carrying_out import PART
from portal.log_retention.models import LogPolicy
from tests.audit.reading import add, entry
from tests.chaos.forking import END_SECONDS, forker
from tests.chaos.world import World
from tests.conftest import on_sqlite
from tests.documents.retention.keeping import end_holds
from tests.log_retention.conftest import lower_floor, settle
from tests.log_retention.test_pruning import exported
from tests.serving import environment

KILLS = int(os.environ.get("KILLS", "200"))
PRUNE = ("audit", "prune", "--tenant", "acme")
LATER = LOG_FLOOR_DAYS + 100  # days: all that is in the log now is old by then

pytestmark = on_sqlite


@pytest.fixture
def world(portal, present, acme, clock, tmp_path: Path) -> Iterator[World]:
    """Acme, whose log may be pruned of what is old."""
    lower_floor(acme, -1)
    end_holds(acme)
    with acme.bound(writes=True) as session:
        session.add(LogPolicy(id=acme.id, keep_days=LOG_FLOOR_DAYS))
    seed = int(os.environ.get("SEED") or int.from_bytes(os.urandom(4)))
    print(f"SEED={seed}")
    settings = environment(portal.settings, TMPDIR=str(tmp_path))
    with forker(tmp_path / "log") as forks:
        yield World(portal, acme, forks, settings, Random(seed), clock, tmp_path)  # noqa: S311
    lower_floor(acme, LOG_FLOOR_DAYS)


def grow(world: World, entries: int) -> None:
    with world.organisation.bound(writes=True):
        for _ in range(entries):
            add(**entry(address="192.0.2.1"))
    settle(world.organisation)


def check(world: World) -> None:
    """The log is what was signed, and tells how much of it is gone."""
    with world.organisation.bound():
        assert check_log()[1] == []
        ends = [pruning.end for pruning in list_prunings()]
        assert max(ends, default=0) == first_number()


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + END_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it does not begin"
        time.sleep(0.002)


def where_it_begins(world: World) -> int:
    with world.organisation.bound():
        return first_number()


def test_a_log_whose_pruning_is_killed_tells_of_all_that_is_gone(world) -> None:
    """Once a part is pruned and the next is under way, at whatever moment that is noticed."""
    grow(world, 3 * PART)
    pid = world.forker.start(world.environment, *PRUNE, days_later=LATER)
    wait_until(lambda: where_it_begins(world) > 0)
    assert world.forker.kill(pid), "it had ended"
    check(world)
    assert 0 < where_it_begins(world) < 3 * PART
    verified = verify_folder(exported(world.organisation, world.folder / "exported"))
    assert (verified.findings, verified.pruned) == ([], where_it_begins(world))


@pytest.mark.chaos
def test_a_log_whose_pruning_is_often_killed_tells_of_all_that_is_gone(world) -> None:
    """At any moment."""
    for _ in range(KILLS // 4):
        with world.organisation.bound():
            left = count_leaves() - first_number()
        if left < PART:
            grow(world, 2 * PART)
        world.command(*PRUNE, days_later=LATER)
        check(world)
    counts = {was_done: count for (_, was_done), count in world.kills.items()}
    print(f"done {counts[True]}, cut {counts[False]}")


@pytest.mark.chaos
def test_a_worker_that_is_killed_while_it_reads_a_log_back_goes_on(world) -> None:
    """A day later each time that one has come to the end."""
    grow(world, 3 * TILES_AT_ONCE * WIDTH)
    places = []
    for _ in range(KILLS // 10):
        before = how_far_it_was_read(world)
        pid = world.forker.start(world.environment, "worker", days_later=1 + len(before[1]))
        wait_until(lambda before=before: how_far_it_was_read(world) != before)
        time.sleep(world.random.uniform(0, 0.3))
        assert world.forker.kill(pid)
        place, verdicts = how_far_it_was_read(world)
        assert set(verdicts) <= {"log.verified"}
        places.append(place)
    assert any(places), "none was killed on its way"
    with world.portal.app.app_context():
        while check_on(world.organisation.record):
            continue
    assert set(how_far_it_was_read(world)[1]) == {"log.verified"}


def how_far_it_was_read(world: World) -> tuple[int, list[str]]:
    """The place that is kept, and what reading back came to before."""
    with world.organisation.bound():
        return find_progress().size, [entry.action for entry in list_latest(VERDICTS, KILLS)]
