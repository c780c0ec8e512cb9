"""Who waits for a run decides by what they hold when it is their turn."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete

from portal.access.models import RoleAssignment
from portal.documents.retention.erasing import ask_erasure
from portal.documents.retention.locking import lock_retention
from tests.access.waiting import locks_waited_for, wait_until
from tests.conftest import on_postgresql
from tests.documents.retention.keeping import done_by, end_holds, rule
from tests.documents.sharers import give
from tests.installation import Organisation

Asked = tuple[str, dict[str, str]]


def decide(acme: Organisation) -> Asked:
    said = {"documents": True, "account": False}
    asked = done_by(acme, "admin", ask_erasure, acme["guest"].email, "they wrote", **said)
    return f"/retention/erasures/{asked.id}/decide", {"answer": "yes", "decision": "grant"}


def hold(acme: Organisation) -> Asked:
    about = {"kind": "user", "email": acme["guest"].email}
    return "/retention/holds/new", {**about, "matter": "m", "reason": "r"}


def delete_rule(acme: Organisation) -> Asked:
    return f"/retention/rules/{rule(acme, keep_days=9)}/delete", {}


@on_postgresql
@pytest.mark.parametrize("ask", [decide, hold, delete_rule])
def test_an_officer_who_is_none_any_more_decides_nothing(portal, acme, ask) -> None:
    end_holds(acme)
    give(acme, "auditor", "compliance-officer")
    path, form = ask(acme)
    before = len(acme.log())
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True):
            lock_retention()
            answer = pool.submit(acme.visit("officer").post, path, form)
            wait_until(lambda: locks_waited_for(portal) == 1)
            with ThreadPoolExecutor(1) as other:
                other.submit(take_role, acme).result()
        assert answer.result(timeout=20).status_code == 403
    assert [entry["outcome"] for entry in acme.log()[before:]] == ["refused"]


def take_role(acme: Organisation) -> None:
    with acme.bound(writes=True) as session:
        mine = RoleAssignment.user_id == acme["officer"].id
        session.execute(delete(RoleAssignment).where(mine))
