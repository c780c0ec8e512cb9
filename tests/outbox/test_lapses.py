"""What nobody answered lapses by the worker as well, and is told once."""

from datetime import timedelta

from sqlalchemy import update

from portal.access.approvals.models import PendingAct
from portal.access.requests.models import AccessRequest
from portal.core import clock as portal_clock
from tests.access.asked import act_row, newest_act
from tests.installation import Organisation
from tests.serving import command, environment


def age(organisation: Organisation, **ago: float) -> None:
    with organisation.bound(writes=True) as session:
        at = portal_clock.now() - timedelta(**ago)
        for model in (PendingAct, AccessRequest):
            session.execute(update(model).values(expires_at=at, decided_at=None))


def test_the_worker_ends_what_is_due_and_tells_of_each_once(portal, acme, globex) -> None:
    age(acme, minutes=1)
    for _ in range(2):
        done = command(environment(portal.settings), "worker", "--once")
        assert done.returncode == 0, done.stderr
    requests = [r for r in portal.rows("access_request") if r["tenant_id"] == acme.id]
    assert {row["decision"] for row in requests} == {"expired"}
    assert act_row(acme, newest_act(acme))["decision"] == "expired"
    assert sorted(acme.told()) == [("access.expired", "success")] * len(requests) + [
        ("act.expired", "success")
    ]
    assert {entry["actor_kind"] for entry in acme.log()} == {"system"}
    assert act_row(globex, newest_act(globex))["decision"] is None


def test_what_ended_long_ago_is_swept(portal, acme) -> None:
    with acme.bound(writes=True) as session:
        long_ago = portal_clock.now() - timedelta(days=31)
        for model in (PendingAct, AccessRequest):
            session.execute(update(model).values(decision="declined", decided_at=long_ago))
    done = command(environment(portal.settings), "worker", "--once")
    assert done.returncode == 0, done.stderr
    for table in ("pending_act", "access_request"):
        assert [row for row in portal.rows(table) if row["tenant_id"] == acme.id] == []
