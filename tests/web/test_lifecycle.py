"""One commit for what changes something, none for what looks, and nothing half done."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import g
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.access import service as access
from portal.documents import service as documents
from portal.tenancy.binding import find_binding
from portal.tenancy.session import TenantSession, db
from portal.web.access import declared
from tests.installation import LOG
from tests.web.access_list import ACCESS, STRANGER
from tests.web.things import browser_of, own_address, without_log

# Whoever comes back from a provider finishes what was begun: docs/decisions/0009.
COMES_BACK = "sso.callback"
LOOKED_AT = sorted(
    endpoint
    for endpoint, entry in ACCESS.items()
    # A ZIP is told of document by document: tests/documents/test_archives.py.
    if entry.answers.get("GET", 400) < 400 and endpoint not in (COMES_BACK, "documents.archive")
)


@contextmanager
def commits() -> Iterator[list[object]]:
    """The transactions that are committed meanwhile."""
    seen: list[object] = []

    def commit(connection: object) -> None:
        seen.append(connection)

    event.listen(Engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(Engine, "commit", commit)


def somebody_let_in(endpoint: str) -> str:
    return min(ACCESS[endpoint].let_in - {STRANGER}, key=lambda who: (who != "member", who))


@pytest.mark.parametrize("endpoint", LOOKED_AT)
def test_looking_changes_nothing_but_the_log_of_disclosures(portal, acme, endpoint) -> None:
    who = somebody_let_in(endpoint)
    visitor, path, before = browser_of(acme, who), own_address(acme, endpoint, who), portal.dump()
    discloses = declared(portal.app.view_functions[endpoint]).discloses
    for method in ("GET", "HEAD", "OPTIONS"):
        with commits() as seen:
            assert visitor.open(path, method).status_code < 400
        entries = len(acme.log())
        if discloses and method != "OPTIONS":
            is_numbered = endpoint == "audit.download" and portal.name == "postgresql"
            assert (len(seen), entries) == (1 + is_numbered, 1), method
        else:
            assert (len(seen), entries) == (0, 0), method
        portal.reset()
    visitor.get(path)
    after = portal.dump()
    if discloses:
        before, after = ({t: kept[t] for t in kept.keys() - LOG} for kept in (before, after))
    assert after == before


def test_only_these_disclose(portal) -> None:
    views = portal.app.view_functions.items()
    found = {name for name, view in views if declared(view).discloses}
    assert found == {
        *("alerts.index", "alerts.show", "reports.statement"),
        *("audit.charts", "audit.document_timeline", "audit.download", "audit.index"),
        *("audit.live", "audit.person_timeline", "audit.prove", "audit.show"),
        *("documents.archive", "documents.compare", "documents.download", "documents.preview"),
        *("explain.export", "explain.index", "explain.reach", "retention.plan_table"),
        *("reviews.report_page", "reviews.report_signed", "reviews.report_table"),
        *("shared.download", "shared.picture"),
    }
    assert {name for name, view in views if declared(view).finishes_ceremony} == {COMES_BACK}


def test_a_page_that_tries_to_write_writes_nothing(portal, acme, monkeypatch, clock) -> None:
    def index() -> str:
        access.record(g.actor, access.Action.ROLE_ASSIGNED, "user:planted")
        db.session.flush()
        return "looks harmless"

    index.declared = declared(portal.app.view_functions["documents.index"])
    monkeypatch.setitem(portal.app.view_functions, "documents.index", index)
    before = portal.dump()
    assert acme.visit("member").get("/documents").text == "looks harmless"
    assert portal.dump() == before
    clock.advance(minutes=2)  # now last_seen_at is written, in a transaction of its own
    assert acme.visit("member").get("/documents").text == "looks harmless"
    assert acme.log() == []


def test_last_seen_is_written_once_a_minute_and_alone(portal, acme, clock) -> None:
    visitor, before = acme.visit("member"), portal.dump()
    clock.advance(seconds=50)
    with commits() as seen:
        visitor.get("/documents")
    assert (portal.dump(), len(seen)) == (before, 0)
    clock.advance(seconds=20)
    for expected in (1, 0):
        with commits() as seen:
            visitor.get("/documents")
        assert len(seen) == expected
    after = portal.dump()
    assert {name for name in after if after[name] != before[name]} == {"user_session"}
    assert len(set(after["user_session"]) - set(before["user_session"])) == 1


def test_what_changes_something_is_committed_once(portal, acme) -> None:
    for who, path, data in (
        ("member", "/folders", {"name": "New"}),
        ("member", f"/documents/{acme.documents['note']}/rename", {"name": "Other.txt"}),
        ("admin", f"/members/{acme['member'].id}/deactivate", {}),
    ):
        with commits() as seen:
            assert acme.visit(who).post(path, data).status_code == 302
        assert len(seen) == 1, path
        assert len(acme.log()) == 1
        portal.reset()


def test_an_exception_half_way_leaves_nothing(portal, acme, monkeypatch) -> None:
    before = portal.dump()

    def record(*args: object, **detail: object) -> None:
        db.session.flush()  # what was changed is in the database by now
        raise RuntimeError("out of disk")

    monkeypatch.setattr(documents, "record", record)
    answer = acme.visit("member").post(f"/documents/{acme.documents['note']}/delete")
    assert answer.status_code == 500
    assert "out of disk" not in answer.text
    assert portal.dump() == before
    assert find_binding() is None


def test_a_commit_that_fails_is_an_error_and_leaves_nothing(portal, acme) -> None:
    before = portal.dump()

    def fail(_session: object) -> None:
        raise RuntimeError("the disk is full")

    event.listen(TenantSession, "before_commit", fail)
    try:
        answer = acme.visit("member").post("/folders", {"name": "New"})
    finally:
        event.remove(TenantSession, "before_commit", fail)
    assert answer.status_code == 500
    assert "Set-Cookie" not in answer.headers or "session=" not in answer.headers["Set-Cookie"]
    assert portal.dump() == before
    assert acme.visit("member").post("/folders", {"name": "New"}).status_code == 302


def test_a_failed_answer_is_never_committed(portal, acme, monkeypatch) -> None:
    """A view that answers with an error by itself, without raising, has changed nothing either."""

    def create() -> tuple[str, int]:
        access.record(g.actor, access.Action.FOLDER_CREATED, "folder:planted")
        return "no", 409

    create.declared = declared(portal.app.view_functions["folders.create"])
    monkeypatch.setitem(portal.app.view_functions, "folders.create", create)
    assert acme.visit("member").post("/folders").status_code == 409
    assert acme.log() == []


def test_a_refusal_is_recorded_after_what_was_done_is_undone(portal, acme, monkeypatch) -> None:
    def create() -> str:
        access.record(g.actor, access.Action.FOLDER_CREATED, "folder:planted")
        db.session.flush()
        access.require(g.actor, access.Permission.ROLE_ASSIGN)
        return "never"

    create.declared = declared(portal.app.view_functions["folders.create"])
    monkeypatch.setitem(portal.app.view_functions, "folders.create", create)
    before = without_log(portal)
    assert acme.visit("member").post("/folders").status_code == 403
    [entry] = acme.log()
    assert (entry["action"], entry["outcome"]) == ("access.refused", "refused")
    assert entry["detail"] == {"permission": "role:assign"}
    assert without_log(portal) == before


def test_a_view_that_declares_nothing_is_not_run(portal, acme, monkeypatch) -> None:
    runs = []
    monkeypatch.setitem(portal.app.view_functions, "roles.index", lambda: runs.append(1) or "ran")
    for visitor in (acme.visit(), acme.visit("admin"), portal.visit("localhost")):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = visitor.open("/roles", method)
            assert answer.status_code == 500
            assert "Content-Security-Policy" in answer.headers
    assert runs == []
