"""What nobody answered lapses by the worker as well, and is told once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import update

from portal.access.approvals.models import PendingAct
from portal.access.requests.models import AccessRequest
from portal.cli import working
from portal.core import clock as portal_clock
from tests.access.asked import act_row, newest_act
from tests.installation import Organisation


def work_at_once(organisation: Organisation, workers: int = 2) -> None:
    """What so many workers do at the same time, with the broom."""
    start = Barrier(workers)

    def work(_n: int) -> None:
        with organisation.portal.app.app_context():
            start.wait()
            working.visit(organisation.record, sweeping=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))


def age(organisation: Organisation, **changed: object) -> None:
    with organisation.bound(writes=True) as session:
        for model in (PendingAct, AccessRequest):
            session.execute(update(model).values(**changed))


def test_the_worker_ends_what_is_due_and_tells_of_each_once(portal, acme, globex) -> None:
    age(acme, expires_at=portal_clock.now() - timedelta(minutes=1))
    work_at_once(acme)
    work_at_once(acme)
    requests = [r for r in portal.rows("access_request") if r["tenant_id"] == acme.id]
    assert {row["decision"] for row in requests} == {"expired"}
    assert act_row(acme, newest_act(acme))["decision"] == "expired"
    lapses = [entry for entry in acme.log() if entry["action"].endswith(".expired")]
    told = sorted((entry["action"], entry["actor_kind"]) for entry in lapses)
    assert told == [("access.expired", "system")] * len(requests) + [("act.expired", "system")]
    assert act_row(globex, newest_act(globex))["decision"] is None


def test_what_ended_long_ago_is_swept(portal, acme) -> None:
    ended = portal_clock.now() - timedelta(days=29)
    age(acme, decision="declined", decided_at=ended)
    work_at_once(acme, 1)
    for table in ("pending_act", "access_request"):
        assert [row for row in portal.rows(table) if row["tenant_id"] == acme.id] != []
    age(acme, decided_at=ended - timedelta(days=2))
    work_at_once(acme, 1)
    for table in ("pending_act", "access_request"):
        assert [row for row in portal.rows(table) if row["tenant_id"] == acme.id] == []
