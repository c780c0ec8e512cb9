"""what recording costs those who wait: a request that writes, and four writers at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from statistics import quantiles
from time import perf_counter
from unittest.mock import patch

from flask.testing import FlaskClient

from bench.installations import Installation
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.visiting import form_token
from bench.workbench import DATABASES, Workbench
from portal.audit import service
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.audit.tlog.numbering import commit
from portal.core.ids import new_id

REQUEST_AIM, WRITERS_AIM_MS = 1.20, 60.0
WRITERS = 4
WHY = "a request that makes a folder does little else"
WRITERS_WHY = "they wait for each other, and each for the disk"


def measure(bench: Workbench) -> Iterator[Line]:
    """By the wall, with the wait for the disk in it."""
    for database in DATABASES:
        portal, times = bench.on_disk.portal(database), bench.effort.times(100)
        with _browser(portal) as post:
            run = partial(_requests, post, times)
            variants = {"recorded": run, "bare": partial(run, is_recorded=False), "again": run}
            costs = side_by_side(variants, bench.effort.rounds)
        value = ratio(costs, "recorded", "bare")
        yield Line(f"{database}, a request that makes a folder", value, REQUEST_AIM, WHY)
        yield control(ratio(costs, "again", "recorded"))
        worst = _worst_of_writers(portal, times)
        name = f"{database}, milliseconds at p99, the worst of {WRITERS} writers"
        yield Line(name, worst, WRITERS_AIM_MS, WRITERS_WHY)


class _Post:
    """A browser that sends the form of a new folder."""

    def __init__(self, client: FlaskClient, base: str) -> None:
        self._client, self._base = client, base
        self._token = form_token(client, base, "/documents")

    def __call__(self) -> None:
        form = {"name": f"Folder {new_id()}", "csrf_token": self._token}
        answer = self._client.post("/folders", base_url=self._base, data=form)
        if answer.status_code != 302:
            raise RuntimeError(f"no folder was made: {answer.status}")


@contextmanager
def _browser(portal: Installation) -> Iterator[_Post]:
    portal.use()
    with portal.app.test_client() as client:
        client.set_cookie("session", portal.token, domain=portal.host)
        yield _Post(client, f"http://{portal.host}")


def _requests(post: _Post, times: int, *, is_recorded: bool = True) -> float:
    with nullcontext() if is_recorded else _nothing_is_recorded():
        began = perf_counter()
        for _ in range(times):
            post()
        return perf_counter() - began


def _nothing_is_recorded() -> AbstractContextManager[object]:
    return patch.object(service, "add_entry", lambda *_: None)


def _worst_of_writers(portal: Installation, times: int) -> float:
    with ThreadPoolExecutor(WRITERS) as pool:
        return max(pool.map(partial(_write, portal), [times] * WRITERS))


def _write(portal: Installation, times: int) -> float:
    """The 99th percentile of one writer's transactions, in milliseconds."""
    waits = []
    for _ in range(times):
        began = perf_counter()
        with portal.acting(writes=True):
            record(SYSTEM, Action.DOCUMENT_MOVED, f"document:{new_id()}")
            commit()
        waits.append((perf_counter() - began) * 1e3)
    return quantiles(waits, n=100)[-1]
