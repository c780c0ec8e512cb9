"""An officer who makes rules and holds, and the worker that destroys what is due."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import update

from portal.access.decision import Member
from portal.access.people import find_actor
from portal.audit.actor import OPERATOR
from portal.auth.closing.service import ask_as_operator
from portal.cli import working
from portal.core import clock
from portal.documents.closing import agree_with_operator
from portal.documents.retention.holding import place_hold
from portal.documents.retention.models import AnchorKind, LegalHold
from portal.documents.retention.rules import Choices, create_rule
from portal.documents.retention.things import Thing
from portal.storage.blobs import BlobMissing
from portal.storage.chosen import blobs
from tests.harness.statements import sending
from tests.installation import Organisation


def acting(acme: Organisation, who: str = "officer") -> Member:
    """Somebody who has just proved who they are. Their organisation has to be bound."""
    member = find_actor(acme[who].id)
    assert member is not None
    return replace(member, proved_at=clock.now())


def done_by(acme: Organisation, who: str, act: Callable[..., Any], *about: Any, **more: Any) -> Any:
    with acme.bound(writes=True):
        return act(acting(acme, who), *about, **more)


def rule(acme: Organisation, name: str = "A rule", folder: str | None = None, **days: int) -> UUID:
    """A rule on a folder, by the name that tests use, or on all documents."""
    media_type = days.pop("media_type", "")
    given = {"keep_days": None, "delete_days": None, "prune_days": None} | days
    choices = Choices(
        name=name,
        folder_id=acme.folders[folder] if folder else None,
        media_type=media_type,
        **given,
    )
    return done_by(acme, "officer", create_rule, choices).id


def hold(acme: Organisation, kind: str, thing_id: UUID) -> UUID:
    thing = Thing(AnchorKind(kind), thing_id)
    return done_by(acme, "officer", place_hold, thing, "Lighthouse", "A letter of the court").id


def end_holds(acme: Organisation) -> None:
    """As if all holds had been released."""
    with acme.bound(writes=True) as session:
        session.execute(update(LegalHold).values(released_at=clock.now()))


def while_a_closing_begins(acme: Organisation, waiting_for: str, act: Callable[[], Any]) -> Any:
    """What `act` is answered that comes, and waits for that lock, before the closing is there."""
    with acme.bound(writes=True):
        ask_as_operator(OPERATOR, "not paid")
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True):
            agree_with_operator(acting(acme, "admin"))
            with sending(waiting_for) as waits:
                answer = pool.submit(act)
                assert waits.wait(20)
        return answer.result(timeout=20)


def later(acme: Organisation, clock: Any, **time: float) -> None:
    """So much later, with everybody signed in anew."""
    clock.advance(**time)
    acme.portal.renew_sessions()


def work(acme: Organisation) -> None:
    """One visit of the worker, with the broom."""
    with acme.portal.app.app_context():
        working.visit(acme.record, sweeping=True)


def versions_of(acme: Organisation, document_id: UUID) -> list[Any]:
    rows = acme.portal.rows("document_version")
    mine = [row for row in rows if row["document_id"] == document_id]
    return sorted(mine, key=lambda row: row["number"])


def is_there(acme: Organisation, document_id: UUID) -> bool:
    """Whether the document exists, on a page or not. A content without rows is no document."""
    return document_id in {row["id"] for row in acme.portal.rows("document")}


def has_content(acme: Organisation, version_id: UUID) -> bool:
    with acme.bound():
        try:
            blobs().open(acme.id, version_id).close()
        except BlobMissing:
            return False
    return True


def told(acme: Organisation, action: str) -> list[Any]:
    return [entry for entry in acme.log() if entry["action"] == action]


def trash(acme: Organisation, thing: str, who: str = "member") -> None:
    """Delete "documents/<id>" or "folders/<id>" by its page."""
    assert acme.visit(who).post(f"/{thing}/delete", {}).status_code == 302
