"""What a scanner is asked about, and what becomes of what it refuses."""

import pytest

from portal.auth.notices import Notice
from portal.documents.cipher import PART
from tests.conftest import on_sqlite
from tests.documents.resuming import Sender
from tests.harness.clamd import EICAR, clamd
from tests.installation import Installation

pytestmark = on_sqlite
CLEAN = b"Nothing to be afraid of. " * 40_000


@pytest.fixture
def scanner(portal):
    with clamd() as running:
        portal.use(clamd=running.address)
        yield running


def files(portal: Installation) -> set[str]:
    return {str(p) for p in (portal.settings.instance / "blobs").rglob("*") if p.is_file()}


def test_the_scanner_sees_all_of_it_before_anybody_else(acme, scanner) -> None:
    assert acme.visit("member").upload("a.txt", CLEAN).status_code == 201
    sender = Sender(acme)
    sender.begin(len(CLEAN))
    sender.send_all(CLEAN, 400_000)
    assert scanner.streams == [CLEAN, CLEAN]
    assert sender.content() == CLEAN


def test_over_a_socket_of_the_file_system_too(portal, acme, tmp_path) -> None:
    with clamd(tmp_path / "clamd.ctl") as running:
        portal.use(clamd=running.address)
        assert acme.visit("member").upload("a.txt", CLEAN).status_code == 201
        assert acme.visit("member").upload("b.txt", b"").status_code == 201
        assert running.streams == [CLEAN, b""]


@pytest.mark.parametrize("place", ["first", "last"])
def test_what_is_infected_is_not_kept_and_the_officers_are_told(
    portal, acme, scanner, place
) -> None:
    body = EICAR + CLEAN if place == "first" else CLEAN + EICAR
    before, rows = files(portal), portal.rows("document")
    answer = acme.visit("member").upload("a.txt", body)
    assert answer.status_code == 422
    assert "harmful" in answer.text
    assert (files(portal), portal.rows("document")) == (before, rows)
    assert portal.rows("storage_hold") == []
    [entry] = acme.log()
    assert (entry["action"], entry["outcome"]) == ("upload.infected", "refused")
    assert entry["detail"] == {"found": "Eicar-Test-Signature"}
    assert entry["actor_id"] == acme["member"].id
    subject = Notice.UPLOAD_INFECTED.subject
    told = {mail["to"] for mail in acme.mails() if mail["subject"] == subject}
    assert {acme["officer"].email, acme["auditor"].email} == told


def test_whoever_sends_malware_again_and_again_floods_nobody_with_mail(
    acme, scanner, clock
) -> None:
    for minutes, mails in ((0, 2), (1, 2), (10, 4)):
        clock.advance(minutes=minutes)
        assert acme.visit("member").upload("a.txt", EICAR).status_code == 422
        subjects = [mail["subject"] for mail in acme.mails()]
        assert subjects.count(Notice.UPLOAD_INFECTED.subject) == mails
    assert acme.told().count(("upload.infected", "refused")) == 3


def test_a_resumed_upload_that_is_infected_is_discarded(portal, acme, scanner) -> None:
    body, before, sender = CLEAN + EICAR, files(portal), Sender(acme)
    sender.begin(len(body))
    assert sender.send(0, body[:-30]).status_code == 204
    assert sender.send(len(body) - 30, body[-30:]).status_code == 422
    assert sender.ask("HEAD").status_code == 404
    assert files(portal) == before
    assert portal.rows("upload") == portal.rows("storage_hold") == []
    assert acme.told()[-1] == ("upload.infected", "refused")


def test_where_the_scanner_is_away_nothing_is_taken_in(portal, acme) -> None:
    portal.use(clamd="127.0.0.1:9")  # discard: nothing listens there
    before = files(portal)
    assert acme.visit("member").upload("a.txt", CLEAN).status_code == 503
    path = f"/documents/{acme.documents['plan']}/versions"
    assert acme.visit("member").put(path, CLEAN).status_code == 503
    assert files(portal) == before
    sender = Sender(acme)
    sender.begin(10)
    assert sender.send(0, bytes(5)).status_code == 204
    assert sender.send(5, bytes(5)).status_code == 503
    with clamd() as running:  # and when it is back, so is the upload
        portal.use(clamd=running.address)
        assert sender.send(5, bytes(5)).status_code == 204
        assert running.streams == [bytes(10)]


def test_an_upload_of_whole_parts_ends_once_the_scanner_is_back(portal, acme) -> None:
    """Its blob is made by then, and its last part comes again."""
    content, sender = (CLEAN * 9)[:PART], Sender(acme)
    portal.use(clamd="127.0.0.1:9")
    sender.begin(PART)
    assert sender.send(0, content).status_code == 503
    with clamd() as running:
        portal.use(clamd=running.address)
        offset = sender.offset()
        assert sender.send(offset, content[offset:]).status_code == 204
        assert running.streams == [content]
    assert sender.content() == content


def test_what_the_scanner_can_not_take_is_not_taken_in(acme, scanner) -> None:
    scanner.limit_bytes = 1000
    assert acme.visit("member").upload("a.txt", CLEAN).status_code == 503
    assert acme.visit("member").upload("b.txt", CLEAN[:900]).status_code == 201


def test_an_answer_that_makes_no_sense_is_no_yes(acme, scanner, monkeypatch) -> None:
    for answer in (b"", b"stream: OK?\0", b"OK\0", b"stream: Win.Test FOUND ERROR\0"):
        monkeypatch.setattr(type(scanner), "_scan", lambda *_, answer=answer: answer)
        assert acme.visit("member").upload("a.txt", b"short").status_code == 503, answer
