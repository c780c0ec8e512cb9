"""The outbox: what waits is done, at least once, and what fails is tried again."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.cli import working
from portal.outbox.models import Job
from portal.outbox.service import FIRST_WAIT, MAX_ATTEMPTS, enqueue, run_due
from portal.tenancy.binding import bound
from portal.tenancy.session import db
from tests.conftest import on_sqlite
from tests.harness.ports import free_port
from tests.harness.smtp import MailSink, mail_sink
from tests.installation import Installation, Organisation
from tests.serving import TOP, command, environment


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


def invite(organisation: Organisation, email: str = "new@acme.example") -> None:
    form = {"name": "Nea Ñ", "email": email, "role": "member", "folder": ""}
    assert organisation.visit("admin").post("/members/new", form).status_code == 200


def work(portal: Installation, smtp_url: str, jobs_at_once: int = working.JOBS_AT_ONCE) -> None:
    """One round of `portal worker`, in this process."""
    portal.use(smtp_url=smtp_url)
    with portal.app.app_context():
        working.go_round(sweeping=False, jobs_at_once=jobs_at_once)


def jobs_of(organisation: Organisation) -> list[dict]:
    rows = organisation.portal.rows("job")
    return [row for row in rows if row["tenant_id"] == organisation.id]


@pytest.fixture(autouse=True)
def no_old_mail(portal) -> None:
    """The invitations of the set-up wait in the outbox; they are not what is looked at here."""
    portal.execute_everywhere("DELETE FROM job")


def test_an_invitation_arrives_by_mail(portal, acme, sink, present) -> None:
    """By the operator's own command, in a process of its own."""
    invite(acme)
    env = environment(portal.settings, PORTAL_SMTP_URL=f"smtp://{sink.host}:{sink.port}",
                      PORTAL_MAIL_FROM="portal@portal.example")  # fmt: skip
    said = command(env, "worker", "--once")
    assert said.returncode == 0, said.stderr
    [mail] = sink.mails
    assert (mail.sender, mail.recipients) == ("portal@portal.example", ["new@acme.example"])
    assert mail.message["Subject"] == "Your invitation to Acme"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    text = mail.text
    assert "Nea Ñ" in text
    [path] = re.findall(r"http://acme\.localhost:8000(/auth/invitations/\S+)", text)
    assert acme.visit().get(path).status_code == 200
    [job] = jobs_of(acme)
    assert (job["attempts"], job["failure"], bytes(job["payload"])) == (1, None, b"")
    assert job["done_at"]
    assert acme.told()[-1] == ("mail.sent", "success")
    work(portal, env["PORTAL_SMTP_URL"])
    assert len(sink.mails) == 1


def test_every_tenants_mail_goes_out_under_its_own_key(portal, acme, globex, sink) -> None:
    for organisation in (acme, globex):
        invite(organisation, f"new@{organisation.record.slug}.example")
    work(portal, f"smtp://{sink.host}:{sink.port}")
    assert sorted(mail.recipients[0] for mail in sink.mails) == [
        "new@acme.example",
        "new@globex.example",
    ]


def test_without_a_mail_server_mail_waits(portal, acme) -> None:
    invite(acme)
    work(portal, "")
    [job] = jobs_of(acme)
    assert (job["attempts"], job["done_at"]) == (0, None)


def test_a_waiting_mail_is_sealed(acme) -> None:
    invite(acme)
    [job] = jobs_of(acme)
    for secret in (b"new@acme", b"invitations", b"Subject", b"Your invitation"):
        assert secret not in bytes(job["payload"])


def test_a_mail_server_that_is_down_is_tried_again_ever_more_slowly(
    portal, acme, clock, sink
) -> None:
    invite(acme)
    nobody = f"smtp://127.0.0.1:{free_port()}"
    work(portal, nobody)
    [job] = jobs_of(acme)
    assert (job["attempts"], job["failure"], job["done_at"]) == (1, "ConnectionRefusedError", None)
    assert acme.log()[-1]["action"] == "mail.failed"
    assert acme.log()[-1]["detail"] == {"error": "ConnectionRefusedError"}
    work(portal, nobody)
    assert jobs_of(acme)[0]["attempts"] == 1, "it did not wait"
    clock.advance(seconds=FIRST_WAIT.total_seconds() + 1)
    work(portal, nobody)
    clock.advance(seconds=FIRST_WAIT.total_seconds() + 1)
    work(portal, nobody)
    assert jobs_of(acme)[0]["attempts"] == 2, "the second wait is longer"
    clock.advance(seconds=FIRST_WAIT.total_seconds() + 1)
    work(portal, f"smtp://{sink.host}:{sink.port}")
    assert len(sink.mails) == 1
    assert jobs_of(acme)[0]["failure"] is None
    assert [a for a, _ in acme.told()][-3:] == ["mail.failed", "mail.failed", "mail.sent"]


def test_it_is_given_up_in_the_end(portal, acme, clock) -> None:
    invite(acme)
    nobody = f"smtp://127.0.0.1:{free_port()}"
    for _ in range(MAX_ATTEMPTS + 2):
        work(portal, nobody)
        clock.advance(days=1)
    assert jobs_of(acme)[0]["attempts"] == MAX_ATTEMPTS


def test_what_fails_for_one_tenant_keeps_no_other_waiting(
    portal, acme, globex, sink, monkeypatch
) -> None:
    invite(acme)
    invite(globex, "new@globex.example")

    def fail_for_acme(*args: object) -> int:
        if bound().tenant.slug == "acme":
            raise RuntimeError("acme's database is away")
        return run_due(*args)

    monkeypatch.setattr(working, "run_due", fail_for_acme)
    work(portal, f"smtp://{sink.host}:{sink.port}")
    assert [mail.recipients for mail in sink.mails] == [["new@globex.example"]]


class Killed(BaseException):
    """What ends a process, and no handler catches."""


@on_sqlite
def test_what_one_tenant_has_a_lot_of_keeps_no_other_waiting(portal, acme, globex, sink) -> None:
    for number in range(3):
        invite(acme, f"new{number}@acme.example")
    invite(globex, "new@globex.example")
    work(portal, f"smtp://{sink.host}:{sink.port}", jobs_at_once=2)
    domains = [mail.recipients[0].partition("@")[2] for mail in sink.mails]
    assert domains == ["acme.example", "acme.example", "globex.example"]
    work(portal, f"smtp://{sink.host}:{sink.port}", jobs_at_once=2)
    assert sink.mails[-1].recipients == ["new2@acme.example"]


@on_sqlite
def test_one_run_does_all_that_is_due_also_where_some_of_it_fails(
    portal, acme, sink, present
) -> None:
    for number in range(working.JOBS_AT_ONCE + 1):
        invite(acme, f"new{number}@acme.example")
    first = min(jobs_of(acme), key=lambda job: job["due_at"])
    portal.execute_everywhere(f"UPDATE job SET payload = x'00' WHERE id = '{first['id'].hex}'")
    env = environment(portal.settings, PORTAL_SMTP_URL=f"smtp://{sink.host}:{sink.port}")
    said = command(env, "worker", "--once")
    assert said.returncode == 0, said.stderr
    assert len(sink.mails) == working.JOBS_AT_ONCE


def test_killed_between_claim_and_done_it_is_tried_again(portal, acme, clock) -> None:
    done = []

    def killed(job: Job) -> None:
        raise Killed

    with acme.bound(writes=True):
        enqueue("test", lambda job: b"payload")
    with pytest.raises(Killed), acme.bound(writes=True):
        run_due({"test": killed}, on_failure=lambda job, error: None)
    with acme.bound(writes=True):
        assert run_due({"test": done.append}, on_failure=lambda job, error: None) == 0
    clock.advance(seconds=FIRST_WAIT.total_seconds() + 1)
    with acme.bound(writes=True):
        assert (
            run_due({"test": lambda job: done.append(bytes(job.payload))}, lambda j, e: None) == 1
        )
    assert done == [b"payload"]


def test_two_workers_do_not_take_the_same_job(portal, acme) -> None:
    with acme.bound(writes=True):
        for _ in range(12):
            enqueue("test", lambda job: b"x")
    done, start = [], Barrier(3)

    def worker(_n: int) -> int:
        start.wait()
        with acme.bound(writes=True):
            return run_due({"test": lambda job: done.append(job.id)}, lambda job, error: None)

    with ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(worker, range(3)))
    assert sum(counts) == 12
    assert len(done) == len(set(done)) == 12


def test_a_change_that_is_undone_sends_nothing(portal, acme) -> None:
    """The job lies in the transaction of what wants it."""
    with acme.bound() as session:
        enqueue("test", lambda job: b"x")
        session.flush()
        session.rollback()
    assert jobs_of(acme) == []


def test_a_handlers_own_changes_come_with_its_being_done_or_not_at_all(portal, acme) -> None:
    def half_done(job: Job) -> None:
        record(SYSTEM, Action.MAIL_SENT, f"job:{job.id}")
        db.session.flush()
        raise RuntimeError("too late")

    with acme.bound(writes=True):
        enqueue("test", lambda job: b"x")
    with acme.bound(writes=True):
        assert run_due({"test": half_done}, lambda job, error: None) == 0
    assert acme.log() == []
    assert jobs_of(acme)[0]["failure"] == "RuntimeError"


@on_sqlite
def test_the_worker_stops_when_it_is_told_to(portal) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", "worker"],
        env=environment(portal.settings), cwd=TOP, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    assert "mail waits" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
