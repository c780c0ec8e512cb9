"""Noting what is wrong with contents, once each, and telling the officers."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.auth.notices import Notice, tell
from portal.core import clock
from portal.core.errors import NotFound
from portal.documents.cipher import DamagedDocument
from portal.documents.integrity.models import Fault, Finding
from portal.documents.models import DocumentVersion
from portal.tenancy.session import change, db


class DamageFound(RecordedRefusal, DamagedDocument):
    """Somebody wanted a content that is damaged or gone. Being recorded, it is noted as well.

    Of one that was rightly deleted meanwhile nothing is recorded: it is not found by then.
    """

    action = Action.DOCUMENT_DAMAGED
    outcome = Outcome.FAILURE

    def __init__(self, document_id: UUID, version_id: UUID, fault: Fault) -> None:
        super().__init__(f"document:{document_id}", version=str(version_id), fault=fault)
        self._about = document_id, version_id, fault

    def record(self, actor: Actor) -> None:
        document_id, version_id, fault = self._about
        if not has_version(version_id):
            self.status, self.args = NotFound.status, (NotFound.message,)
            return
        super().record(actor)
        note(version_id, document_id, fault)


def has_version(version_id: UUID) -> bool:
    """Whether it is still there: with a document that was deleted its blob goes rightly."""
    statement = select(DocumentVersion.id).where(DocumentVersion.id == version_id)
    return db.session.scalars(statement).one_or_none() is not None


def note(blob_id: UUID, document_id: UUID | None, fault: Fault) -> bool:
    """Note a fault; gives whether it is a new one."""
    again = (
        update(Finding)
        .where(Finding.id == blob_id, Finding.settled_at.is_(None))
        .values(seen_at=clock.now(), fault=fault)
    )
    if change(again):
        return False
    now = clock.now()
    values: dict[str, Any] = {"fault": fault, "found_at": now, "seen_at": now, "told_at": None}
    if change(update(Finding).where(Finding.id == blob_id).values(settled_at=None, **values)):
        return True
    try:
        with db.session.begin_nested():
            db.session.add(Finding(id=blob_id, document_id=document_id, **values))
    except IntegrityError:  # another reader came upon it at the same time
        return False
    return True


def keep_open(blob_id: UUID) -> None:
    """Have the round that goes on not settle a finding, as it could not look."""
    found = update(Finding).where(Finding.id == blob_id, Finding.settled_at.is_(None))
    db.session.execute(found.values(seen_at=clock.now()))


def tell_of_findings() -> None:
    """Put one mail for each officer into the outbox, where something was found since the last."""
    untold = db.session.scalars(
        select(Finding.id).where(Finding.told_at.is_(None), Finding.settled_at.is_(None))
    ).all()
    count = sum(map(_mark_as_told, untold))
    if count:
        for user_id in sorted(list_people_with(Permission.AUDIT_READ)):
            tell(user_id, Notice.CONTENTS_DAMAGED, found=count)


def _mark_as_told(finding_id: UUID) -> int:
    marked = update(Finding).where(Finding.id == finding_id, Finding.told_at.is_(None))
    return change(marked.values(told_at=clock.now()))
