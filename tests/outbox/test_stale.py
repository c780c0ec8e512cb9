"""Notices that waited too long for a mail server are dropped and not sent; links wait on."""

import pytest

from portal.auth import mail
from portal.auth.notices import Notice, tell
from portal.cli import working
from portal.outbox.models import Job
from portal.outbox.service import STALE, run_due
from tests.harness.smtp import mail_sink
from tests.installation import Installation, Organisation


@pytest.fixture(autouse=True)
def no_old_mail(portal) -> None:
    portal.execute_everywhere("DELETE FROM job")


@pytest.fixture
def sink():
    with mail_sink() as sink:
        yield sink


def notify(organisation: Organisation, notice: Notice) -> None:
    with organisation.bound(writes=True):
        tell(organisation["member"].id, notice)


def invite(organisation: Organisation) -> None:
    form = {"name": "New", "email": "new@acme.example", "role": "member", "folder": ""}
    assert organisation.visit("admin").post("/members/new", form).status_code == 200


def work(portal: Installation, smtp_url: str = "") -> None:
    """What the worker does when it has just been started."""
    portal.use(smtp_url=smtp_url)
    with portal.app.app_context():
        working.go_round(sweeping=True)


def dropped(organisation: Organisation) -> list[dict]:
    return [row["detail"] for row in organisation.log() if row["action"] == "mail.dropped"]


def test_when_a_mail_server_comes_late_only_what_is_young_is_told(
    portal, acme, globex, clock, sink
) -> None:
    notify(acme, Notice.NEW_DEVICE)
    notify(acme, Notice.FACTOR_ADDED)
    invite(acme)
    clock.advance(days=2)
    notify(acme, Notice.PASSWORD_CHANGED)
    notify(globex, Notice.PASSWORD_CHANGED)
    clock.advance(days=1, minutes=1)
    work(portal, f"smtp://{sink.host}:{sink.port}")
    subjects = sorted(arrived.message["Subject"] for arrived in sink.mails)
    changed = Notice.PASSWORD_CHANGED.subject
    assert subjects == sorted([changed, changed, "Your invitation to Acme"])
    assert (dropped(acme), dropped(globex)) == ([{"count": 2}], [])


def test_what_is_dropped_says_so_and_holds_nothing_any_more(portal, acme, clock) -> None:
    """Without a mail server as well: what nobody will read is not kept."""
    notify(acme, Notice.NEW_DEVICE)
    clock.advance(days=2, hours=23)
    work(portal)
    [waiting] = portal.rows("job")
    assert (waiting["done_at"], waiting["failure"]) == (None, None)
    clock.advance(hours=2)
    work(portal)
    [job] = portal.rows("job")
    assert bytes(job["payload"]) == b""
    assert (job["done_at"] is not None, job["failure"]) == (True, STALE)
    work(portal)
    assert dropped(acme) == [{"count": 1}], "once, however often the worker comes by"
    clock.advance(days=8)
    work(portal)
    assert portal.rows("job") == []


def test_what_another_worker_is_sending_is_let_be(portal, acme, clock) -> None:
    """It has been claimed: its turn is put off until that worker must have ended."""
    notify(acme, Notice.NEW_DEVICE)
    clock.advance(days=4)
    seen = []

    def sweep_meanwhile(job: Job) -> None:
        mail.drop_stale_notices()
        [row] = portal.rows("job")
        seen.append(row["failure"])

    with acme.bound(writes=True):
        assert run_due({mail.NOTICE_KIND: sweep_meanwhile}, pytest.fail) == 1
    assert seen == [None]
    assert dropped(acme) == []
