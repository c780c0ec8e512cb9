"""`portal worker` as it runs beside a portal: killed, with a tenant that is away, with a mail
server that does not answer, and on the broom.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from portal.storage import chosen as storage
from portal.tenancy.placement import file_of
from tests.alerts.watching import watch
from tests.audit.reading import entry, write
from tests.cli.operators import Operator
from tests.conftest import on_sqlite
from tests.destinations.setting_up import started
from tests.harness.collectors import hook
from tests.harness.files import content_of
from tests.harness.smtp import MailSink, mail_sink
from tests.installation import Installation, Organisation
from tests.serving import START_SECONDS, TOP, environment

BREAK_GLASS = "A break-glass code was used"


@pytest.fixture(autouse=True)
def no_old_mail(portal, present) -> None:
    """The invitations of the set-up wait in the outbox; they are not what is looked at here."""
    portal.execute_everywhere("DELETE FROM job")


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as sink:
        yield sink


@pytest.fixture
def work(portal) -> Callable[[MailSink], str]:
    """Run `portal worker --once` against a mail server; gives its log."""

    def once(sink: MailSink) -> str:
        url = f"smtp://{sink.host}:{sink.port}"
        return Operator(portal.settings).do("worker", "--once", PORTAL_SMTP_URL=url).err

    return once


def invite(organisation: Organisation, name: str) -> str:
    """Have the admin invite somebody; gives the link that the admin sees."""
    form = {"name": name.title(), "email": f"{name}@x.example", "role": "member", "folder": ""}
    answer = organisation.visit("admin").post("/members/new", form)
    [link] = re.findall(r'value="(http[^"]+/auth/invitations/[^"]+)"', answer.text)
    return link


def job_of(organisation: Organisation) -> dict:
    [job] = [r for r in organisation.portal.rows("job") if r["tenant_id"] == organisation.id]
    return job


def until(is_so: Callable[[], object], seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def worker(portal: Installation, smtp_url: str) -> Iterator[subprocess.Popen[str]]:
    """A worker in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", "worker"],
        env=environment(portal.settings, PORTAL_SMTP_URL=smtp_url),
        cwd=TOP,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@on_sqlite
def test_a_worker_that_is_killed_at_it_delays_the_mail_and_loses_nothing(
    portal, acme, clock, sink, work
) -> None:
    link = invite(acme, "nea")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the call and says nothing
        port = silent.getsockname()[1]
        with worker(portal, f"smtp://127.0.0.1:{port}") as process:
            silent.settimeout(START_SECONDS)
            call, _ = silent.accept()
            began = time.monotonic()
            invite(acme, "someone-else")  # nobody has to wait for the mail server
            assert time.monotonic() - began < 10
            process.kill()
            process.wait()
            call.close()
    portal.execute("DELETE FROM job WHERE attempts = 0", acme)
    assert (job_of(acme)["attempts"], job_of(acme)["done_at"]) == (1, None)
    work(sink)
    assert sink.mails == [], "perhaps the other worker is still at it"
    clock.advance(minutes=10)
    work(sink)
    [mail] = sink.mails
    assert link in mail.text
    work(sink)
    assert len(sink.mails) == 1
    told = [entry["action"] for entry in acme.log() if entry["action"].startswith("mail.")]
    assert told == ["mail.sent"]


@on_sqlite
def test_a_running_worker_delivers_what_comes_in_and_stops_on_ctrl_c(portal, acme, sink) -> None:
    """Alerts come within seconds: no part of their way waits for a round of minutes."""
    watch(portal)
    with hook() as webhook, worker(portal, f"smtp://{sink.host}:{sink.port}") as process:
        hooked = {"address": webhook.address, "rhythm": "never", "wants_alerts": "y"}
        started(acme, "webhook", **hooked)
        link = invite(acme, "nea")
        until(lambda: any(link in mail.text for mail in sink.mails))
        write(acme, entry(action="break-glass.used"))
        until(lambda: BREAK_GLASS in acme.visit("officer").get("/alerts").text, seconds=20)
        until(lambda: any(BREAK_GLASS in mail.text for mail in sink.mails), seconds=20)
        until(lambda: any(BREAK_GLASS in line for line in webhook.lines), seconds=20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)  # some of its threads look once a minute
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "nea" not in said.lower()
    assert link not in said


def test_a_tenant_whose_database_is_away_keeps_no_other_waiting(
    portal, acme, globex, sink, work
) -> None:
    invite(acme, "nea")
    link = invite(globex, "gil")
    with away(acme):
        log = work(sink)
        assert [mail.recipients for mail in sink.mails] == [["gil@x.example"]]
        assert link in sink.mails[0].text
        assert "worker failed" in log
        assert "acme" in log
    work(sink)
    assert [mail.recipients for mail in sink.mails[1:]] == [["nea@x.example"]]


@contextmanager
def away(organisation: Organisation) -> Iterator[None]:
    """The organisation's database can't be reached."""
    portal = organisation.portal
    if portal.name == "postgresql":  # to one that nobody has made
        change = "UPDATE tenant SET placement = '{}' WHERE slug = 'acme'"
        portal.execute(change.format("database"))
        yield
        portal.execute(change.format("pooled"))
        return
    file = file_of(organisation.record, make_url(portal.settings.database_url))
    hidden = file.rename(file.with_suffix(".away"))
    try:
        yield
        assert not file.exists(), "a new and empty one was made"
    finally:
        hidden.rename(file)


def test_a_link_that_waits_lies_nowhere_in_clear(portal, acme) -> None:
    token = invite(acme, "nea").rpartition("/")[2]
    assert job_of(acme)["payload"]
    everything = repr([portal.rows(name) for name in ("job", "invitation", "audit_entry")])
    assert token not in everything
    assert "auth/invitations" not in everything
    for path in portal.settings.instance.rglob("*"):
        if path.is_file():
            assert token.encode() not in content_of(path), path.name


def test_the_worker_sweeps_old_orphans_of_every_tenant_and_nothing_else(
    portal, acme, globex, sink, work
) -> None:
    def files() -> set[Path]:
        return {p for p in (portal.settings.instance / "blobs").rglob("*") if p.is_file()}

    def orphan(organisation: Organisation) -> Path:
        before = files()
        with storage.get_store(storage.LOCAL).create(organisation.id, uuid4()) as writer:
            writer.write(b"its row was never written")
            writer.commit()
        [made] = files() - before
        return made

    def unfinished(organisation: Organisation) -> Path:
        folder = portal.settings.instance / "blobs" / str(organisation.id) / "incoming"
        path = folder / f"{uuid4()}.{uuid4().hex[:16]}"
        path.write_bytes(b"its upload broke off")
        return path

    kept = files()
    old = [make(of) for make in (orphan, unfinished) for of in (acme, globex)]
    hours_ago = time.time() - 3 * 3600
    for path in [*kept, *old]:
        os.utime(path, (hours_ago, hours_ago))
    young = {orphan(acme), unfinished(globex)}
    work(sink)
    assert files() == kept | young
    for name in acme.documents:
        address = f"/documents/{acme.documents[name]}/download"
        assert acme.visit("member").get(address).status_code == 200
