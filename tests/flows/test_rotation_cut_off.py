"""A rotation is killed in the middle, again and again, while people work; nothing is ever lost."""

import os
import random
import signal
from collections.abc import Callable

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.audit.actor import OPERATOR
from portal.cli.rewrapping import finish_rotation
from portal.keys import hierarchy, rewrapping
from portal.keys.queries import list_tenant_keys
from portal.keys.rotation import KEPT_FOR, rotate_key
from portal.tenancy.session import db
from tests.installation import Installation, Organisation

KILLS, MANY_KILLS = 5, int(os.environ.get("KILLS", "200"))  # on each database
STATEMENTS = 60  # that a rotation takes here, about


def in_a_process_killed_at(portal: Installation, nth: int, work: Callable[[], object]) -> int:
    """Fork, and kill the child at its nth statement, where it gets so far; gives its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        sent = []

        def count(*_: object) -> None:
            sent.append(1)
            if len(sent) == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        with portal.app.app_context():
            for engine in db.engines.values():
                engine.dispose(close=False)  # the connections are the parent's
        event.listen(Engine, "before_cursor_execute", count)
        work()
        status = 0
    finally:
        os._exit(status)


def end_of(pid: int) -> str:
    """How the child ended."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return "killed"
    return "done" if os.waitstatus_to_exitcode(status) == 0 else "failed"


def rotate_all(organisation: Organisation) -> None:
    """As the command does, and as the worker goes on with it."""
    with organisation.bound(writes=True) as session:
        if len(list_tenant_keys()) == 1:
            rotate_key(OPERATOR)
            session.commit()
        finish_rotation()


@pytest.fixture
def kill_rotations(portal, acme, clock, monkeypatch) -> Callable[[int], None]:
    """Begin rotations, or go on with them, and kill each somewhere, while the member works."""
    monkeypatch.setattr(rewrapping, "BATCH_ROWS", 2)
    chance = random.Random(20261126)  # noqa: S311  # no secret
    member = acme.visit("member")

    def kill(count: int) -> None:
        ends = set()
        names = {}
        for number in range(count):
            nth = chance.randrange(1, STATEMENTS)
            pid = in_a_process_killed_at(portal, nth, lambda: rotate_all(acme))
            name, content = f"Number {number}.txt", f"{number}".encode()
            made = member.upload(name, content).json["id"]
            names[made] = (f"Renamed {number}.txt", content)
            assert member.post(f"/documents/{made}/rename", {"name": names[made][0]}).status_code
            ends.add(end_of(pid))
            clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
            hierarchy.purge()
            check(names)
        assert ends <= {"killed", "done"}
        assert "killed" in ends
        for _ in range(2):
            rotate_all(acme)
            clock.advance(seconds=KEPT_FOR.total_seconds() + 1)
        with acme.bound(writes=True):
            assert finish_rotation().renewed == 0
            [key] = list_tenant_keys()
            assert set(rewrapping.count_references()) == {key.version}
        hierarchy.purge()
        check(names)

    def check(names: dict[str, tuple[str, bytes]]) -> None:
        portal.renew_sessions()  # or the last of many hours would find the member signed out
        for document_id, (name, content) in list(names.items())[-3:]:
            assert name in member.get(f"/documents/{document_id}").text
            assert member.get(f"/documents/{document_id}/download").data == content

    return kill


def test_a_rotation_that_is_killed_loses_nothing_and_is_gone_on_with(kill_rotations) -> None:
    kill_rotations(KILLS)


@pytest.mark.chaos
def test_a_rotation_is_killed_many_times(kill_rotations) -> None:
    kill_rotations(MANY_KILLS)
