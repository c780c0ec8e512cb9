"""a decision against Casbin and Cedar; pages with many people, groups, folders against few."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from bench.measures import access_pages
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.workbench import Workbench
from bench.yardsticks.policies import casbin_check, cedar_check
from portal.access.decision import Grant, Member, Target, decide
from portal.access.explanation import explain
from portal.access.permissions import DOCUMENTS, Permission

DEPTH = 10  # folders on the way up
OTHERS = 20  # grants on folders elsewhere
ASKED = Permission.DOCUMENT_READ
MICROSECONDS = 1e6


def measure(bench: Workbench) -> Iterator[Line]:
    """What is held everywhere, and what is held at the top of a chain of folders."""
    chain = tuple(uuid4() for _ in range(DEPTH))
    elsewhere = [(uuid4(), ASKED.value) for _ in range(OTHERS)]
    granted = [*elsewhere, (chain[-1], ASKED.value)]
    here = Target("document", chain)
    everywhere = _member(Grant(DOCUMENTS))
    in_folders = _member(*(Grant(frozenset({ASKED}), folder) for folder, _ in granted))
    refused = _member(*(Grant(frozenset({ASKED}), folder) for folder, _ in elsewhere))
    casbin, cedar = casbin_check(granted, chain, ASKED), cedar_check(granted, chain, ASKED)
    answers = (casbin(), cedar(), decide(in_folders, ASKED, here), decide(everywhere, ASKED, here))
    assert all(answers), answers
    assert not decide(refused, ASKED, here)
    asked: dict[str, tuple[Callable[[], object], int]] = {
        "everywhere": (partial(decide, everywhere, ASKED), 50_000),
        "in folders": (partial(decide, in_folders, ASKED, here), 20_000),
        "refused": (partial(decide, refused, ASKED, here), 20_000),
        "explained": (
            partial(explain, in_folders.grants, ASKED, chain, datetime.now(UTC)),
            5_000,
        ),
        "casbin": (casbin, 100),
        "cedar": (cedar, 500),
        "again": (cedar, 500),
    }
    costs = side_by_side(
        {name: partial(_each, ask, bench.effort.times(n)) for name, (ask, n) in asked.items()},
        bench.effort.rounds,
    )
    yield Line("a permission held everywhere, microseconds", _median(costs["everywhere"]), 1.0)
    yield Line(f"one held {DEPTH} folders up, microseconds", _median(costs["in folders"]), 20.0)
    yield Line("one that is not held, microseconds", _median(costs["refused"]), 20.0)
    yield Line("the chain behind it, microseconds", _median(costs["explained"]))
    for yardstick in ("casbin", "cedar"):
        yield Line(f"{yardstick}, microseconds", _median(costs[yardstick]))
        yield Line(f"ours against {yardstick}", ratio(costs, "in folders", yardstick), 1.0)
    yield control(ratio(costs, "again", "cedar"))
    yield from access_pages.measure(bench)


def _member(*grants: Grant) -> Member:
    return Member(
        session_id=uuid4(),
        user_id=uuid4(),
        name="Somebody",
        email="s@acme.example",
        proved_at=datetime.now(UTC),
        grants=grants,
    )


def _each(ask: Callable[[], object], times: int) -> float:
    """CPU microseconds for one answer."""
    before = time.process_time()
    for _ in range(times):
        ask()
    return (time.process_time() - before) / times * MICROSECONDS


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
