"""how long entries wait for their numbers where many organisations share a database."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from statistics import median
from threading import Event, Thread
from time import monotonic

from sqlalchemy import insert, make_url

from bench.installations import Installation, on_postgres
from bench.report import Line
from bench.workbench import Workbench
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.audit.tlog.waiting import list_waiting
from portal.cli.keeping_log import keep_numbering
from portal.core.ids import new_id
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import Placement, Tenant, TenantState
from portal.tenancy.placement import system_engine
from portal.tenancy.queries import list_living_tenants
from portal.tenancy.session import db

TENANTS, BUSY, FLOOD = 2000, 20, 20_000
TIMES = 20
LAG_AIM_SECONDS, ASK_AIM_MS = 1.0, 100.0
WHY = "a round begins a quarter of a second after the last, and visits one after the other"


def measure(bench: Workbench) -> Iterator[Line]:
    """By the wall, on PostgreSQL; then beside one that writes more than anybody."""
    portal = on_postgres(bench.folder / "many", bench.postgres, "many")
    times = bench.effort.times(TIMES)
    portal.use()
    with portal.app.app_context():
        _add_tenants(portal)
        tenants = list_living_tenants()
        busy = [tenant for tenant in tenants if tenant.slug.startswith("busy")]
        name = f"milliseconds to ask after {TENANTS:,} organisations"
        yield Line(name, _ask(tenants, times), ASK_AIM_MS)
        with _sequencer(portal):
            lag = max(_lag(busy) for _ in range(times))
            name = f"seconds until the entries of {BUSY} of them are numbered"
            yield Line(name, lag, LAG_AIM_SECONDS, WHY)
            _write(portal.tenant, FLOOD)
            name = f"the same, while {FLOOD:,} of another organisation wait"
            yield Line(name, _lag(busy), LAG_AIM_SECONDS, WHY)


def _add_tenants(portal: Installation) -> None:
    """Rows alone: who numbers needs no keys."""
    rows = [
        {
            "slug": f"{'busy' if number < BUSY else 'quiet'}{number}",
            "name": "Quiet",
            "state": TenantState.ACTIVE,
            "placement": Placement.POOLED,
        }
        for number in range(TENANTS)
    ]
    owner = system_engine(make_url(portal.settings.owner_database_url))
    with owner.begin() as connection:
        connection.execute(insert(Tenant), rows)
    owner.dispose()


def _ask(tenants: Sequence[TenantRecord], times: int) -> float:
    waits = []
    for _ in range(times):
        began = monotonic()
        list_waiting(tenants)
        waits.append((monotonic() - began) * 1e3)
    return median(waits)


@contextmanager
def _sequencer(portal: Installation) -> Iterator[None]:
    """As the worker runs it."""
    stop = Event()

    def run() -> None:
        with portal.app.app_context():
            keep_numbering(stop)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _lag(busy: Sequence[TenantRecord]) -> float:
    """An entry for each, at any moment of the sequencer's rounds; how long until none waits."""
    time.sleep(Random().uniform(0, 1))  # noqa: S311  # no secret
    for tenant in busy:
        _write(tenant, 1)
    began = monotonic()
    while list_waiting(busy):
        time.sleep(0.01)
    return monotonic() - began


def _write(tenant: TenantRecord, count: int) -> None:
    with acting_for(tenant, writes=True):
        for _ in range(count):
            record(SYSTEM, Action.DOCUMENT_MOVED, f"document:{new_id()}")
        db.session.commit()
