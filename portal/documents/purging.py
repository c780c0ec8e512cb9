"""Destroying documents, older versions and empty folders: the one way in which anything goes for
good.

What goes is decided by `retention.decision` and by nothing else. A batch is one transaction: locked
first, then read, decided and deleted, with an entry for each document and one with the sums. Only
when it is committed are the contents destroyed; if that is cut off, no row names them any more and
the sweep of orphans takes them. Once the organisation closes nothing goes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update

from portal.access.locking import lock_access
from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.auth.closing.queries import find_end
from portal.core import clock
from portal.documents.gone import gone_folders
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.places import subtree_of
from portal.documents.retention.decision import Fate
from portal.documents.retention.facts import Judged, judge, list_rules
from portal.documents.retention.locking import lock_retention
from portal.documents.retention.models import Anchor, LegalHold, RetentionRule
from portal.documents.retention.plan import next_batch
from portal.documents.stripping import strip_gone
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

BATCH = 100
FOLDERS_AT_ONCE = 500
TOLD_AT_ONCE = 400  # versions, by one entry of the log: some 100 bytes each, of 65,535
MOST_BINDS = 5000  # of one statement, well below what any database takes

Item = TypeVar("Item")
_version, _folder = DocumentVersion.__table__, Folder.__table__


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step of a run has done: the blobs that no row names any more.

    `destroy_contents` is for after the commit.
    """

    blob_ids: Sequence[UUID]

    def destroy_contents(self) -> None:
        """Delete the contents."""
        store = blobs()
        for blob_id in self.blob_ids:
            store.delete(bound_tenant_id(), blob_id)


def list_to_purge(after: UUID | None = None) -> Sequence[UUID]:
    """The documents that a run looks at next, behind one; none behind the last."""
    return next_batch(list_rules(), after, BATCH)


def purge_documents(ids: Sequence[UUID]) -> Batch:
    """Delete the rows of what is due among these documents.

    A document that is being changed at this moment is left to the next run.
    """
    lock_retention()
    if find_end() is not None:
        return Batch(())
    free = select(Document.id).where(Document.id.in_(ids)).order_by(Document.id)
    locked = db.session.scalars(free.with_for_update(skip_locked=True)).all()
    judged = judge(locked)
    _hide([facts.document_id for facts, fate in judged if fate.is_gone and fate.holds])
    _hide_versions([version_id for _, fate in judged for version_id in fate.hidden])
    judged = [one for one in judged if one.fate.is_due or one.fate.prunable]
    gone = _versions_of(judged)
    _delete(DocumentVersion, [row.id for row in gone])
    _delete(Document, [facts.document_id for facts, fate in judged if fate.is_due])
    _record(judged, gone)
    return Batch([row.id for row in gone])


def purge_folders() -> int:
    """Remove some of the folders whose time in the trash is over and that hold nothing any more;
    gives how many, and none once all are gone.

    One that a hold or a rule names stays, and so does all beneath a held one.
    """
    lock_access()
    lock_retention()
    if find_end() is not None:
        return 0
    now = clock.now()
    strip_gone(now)
    ids = db.session.scalars(_empty_folders(now)).all()
    _delete(Folder, ids)
    for folder_id in ids:
        record(SYSTEM, Action.FOLDER_PURGED, f"folder:{folder_id}")
    return len(ids)


def _hide(ids: Sequence[UUID]) -> None:
    """Have people find gone what would be destroyed by now if no hold were on it.

    No entry tells of it: that would tell what is held.
    """
    now = clock.now()
    for column, value in ((Document.trashed_at, now), (Document.purge_at, now)):
        shown = or_(column.is_(None), column > now)
        hiding = update(Document).where(Document.id.in_(ids), shown).values({column: value})
        db.session.execute(hiding.execution_options(synchronize_session=False))


def _hide_versions(ids: Sequence[UUID]) -> None:
    """The same, of versions of documents that stay."""
    for some in _parts(ids, MOST_BINDS):
        shown = DocumentVersion.gone_at.is_(None)
        hiding = update(DocumentVersion).where(DocumentVersion.id.in_(some), shown)
        values = hiding.values(gone_at=clock.now())
        db.session.execute(values.execution_options(synchronize_session=False))


def _delete(model: type[Document | DocumentVersion | Folder], ids: Sequence[UUID]) -> None:
    for some in _parts(ids, MOST_BINDS):
        statement = delete(model).where(model.id.in_(some))
        db.session.execute(statement.execution_options(synchronize_session=False))


def _parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _versions_of(judged: Sequence[Judged]) -> Sequence[Any]:
    ids = [
        version_id
        for facts, fate in judged
        for version_id in (
            [version.id for version in facts.versions] if fate.is_due else fate.prunable
        )
    ]
    columns = (
        _version.c.id,
        _version.c.document_id,
        _version.c.sealed_sha256,
        _version.c.sealed_bytes,
    )
    return [
        row
        for some in _parts(sorted(ids), MOST_BINDS)
        for row in db.session.execute(
            select(*columns).where(_version.c.id.in_(some)).order_by(_version.c.id)
        )
    ]


def _record(judged: Sequence[Judged], gone: Sequence[Any]) -> None:
    """An entry for each document, and one from which it can be told that none was left out.

    A document of very many versions has entries of its older ones before its own.
    """
    if not judged:
        return
    hashes: dict[UUID, dict[str, str]] = defaultdict(dict)
    for row in gone:
        hashes[row.document_id][str(row.id)] = row.sealed_sha256.hex()
    for facts, fate in judged:
        action = Action.DOCUMENT_PURGED if fate.is_due else Action.VERSION_PURGED
        target, why = f"document:{facts.document_id}", _why(fate)
        *others, last = _parts(list(hashes[facts.document_id].items()), TOLD_AT_ONCE)
        for some in others:
            record(SYSTEM, Action.VERSION_PURGED, target, versions=dict(some), **why)
        record(SYSTEM, action, target, versions=dict(last), **why)
    record(
        SYSTEM,
        Action.RETENTION_RUN,
        "documents",
        documents=sum(fate.is_due for _, fate in judged),
        versions=len(gone),
        sealed_bytes=sum(row.sealed_bytes for row in gone),
        sha256=digest_of(gone),
    )


def digest_of(versions: Sequence[Any]) -> str:
    """SHA-256 over document id, version id and SHA-256 of the sealed content of each version, one
    after another, by the id of the version.
    """
    digest = hashlib.sha256()
    for version in sorted(versions, key=lambda version: version.id):
        digest.update(version.document_id.bytes + version.id.bytes + version.sealed_sha256)
    return digest.hexdigest()


def _why(fate: Fate) -> dict[str, Any]:
    if not fate.is_due:
        return {"rule": str(fate.prune_rule.id) if fate.prune_rule else None}
    first = fate.wanted[0]
    return {"wish": first.wish, "rule": str(first.rule.id) if first.rule else None}


def _empty_folders(now: datetime) -> Any:
    gone = gone_folders(now)
    on = (
        select(Anchor.thing_id)
        .join(LegalHold, LegalHold.id == Anchor.hold_id)
        .where(LegalHold.released_at.is_(None))
    )
    held = subtree_of(on, "held")
    beneath = Folder.__table__.alias("beneath")
    return (
        select(_folder.c.id)
        .where(
            _folder.c.id.in_(select(gone.c.id)),
            _folder.c.id.not_in(select(held.c.id)),
            ~exists().where(beneath.c.parent_id == _folder.c.id),
            ~exists().where(Document.folder_id == _folder.c.id),
            ~exists().where(RetentionRule.folder_id == _folder.c.id),
        )
        .order_by(_folder.c.id)
        .limit(FOLDERS_AT_ONCE)
    )
