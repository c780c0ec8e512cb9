"""What the next run does: each document that something wants deleted by now, and its fate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.tables import csv_table
from portal.documents.models import Document
from portal.documents.retention.decision import Rule
from portal.documents.retention.explaining import chain_of
from portal.documents.retention.facts import Judged, judge, list_rules
from portal.documents.retention.reach import looked_at
from portal.documents.retention.things import names_of_documents, paths_of
from portal.tenancy.session import db

PAGE_SIZE = 100
EXPORT_SIZE = 5000  # at a time
HEADINGS = ("document", "name", "folder", "outcome", "versions", "why")


@dataclass(frozen=True, slots=True)
class Planned:
    """A document that the next run looks at: what it is called, where it lies, what becomes of it.

    `versions` is how many are destroyed: all, or older ones of a document that stays.
    """

    document_id: UUID
    name: str
    place: str
    is_deleted: bool
    versions: int
    why: Sequence[str]

    @property
    def outcome(self) -> str:
        """What becomes of it, in a word or two."""
        if self.is_deleted:
            return "deleted"
        return "older versions deleted" if self.versions else "stays"


@dataclass(frozen=True, slots=True)
class Plan:
    """A page of it, and where the next one begins."""

    rows: Sequence[Planned]
    after: UUID | None


def next_batch(rules: Sequence[Rule], after: UUID | None, size: int) -> Sequence[UUID]:
    """The documents that a run looks at next, in the order of their ids."""
    statement = looked_at(rules, clock.now()).order_by(Document.id).limit(size)
    if after is not None:
        statement = statement.where(Document.id > after)
    return db.session.scalars(statement).all()


def show_plan(actor: Actor, after: UUID | None = None) -> Plan:
    """A page of what the next run looks at. It tells of holds. Raises `Forbidden`."""
    require(actor, Permission.HOLD_EDIT)
    rules = list_rules()
    ids = next_batch(rules, after, PAGE_SIZE + 1)
    rows = _planned(judge(ids[:PAGE_SIZE], rules)) if ids else ()
    return Plan(rows, ids[PAGE_SIZE - 1] if len(ids) > PAGE_SIZE else None)


def export_plan(actor: Actor) -> str:
    """All of it as a table for a spreadsheet; the log tells who has fetched it.

    Raises `Forbidden`.
    """
    require(actor, Permission.HOLD_EDIT)
    rows = [
        (row.document_id, row.name, row.place, row.outcome, row.versions, " ".join(row.why))
        for row in _all()
    ]
    record(actor, Action.RETENTION_PLAN_READ, "documents", documents=len(rows))
    return csv_table(HEADINGS, rows)


def _all() -> Iterator[Planned]:
    rules = list_rules()
    ids = next_batch(rules, None, EXPORT_SIZE)
    while ids:
        yield from _planned(judge(ids, rules))
        ids = next_batch(rules, ids[-1], EXPORT_SIZE) if len(ids) == EXPORT_SIZE else ()


def _planned(judged: Sequence[Judged]) -> Sequence[Planned]:
    concerned = [(f, fate) for f, fate in judged if fate.is_due or fate.prunable or fate.is_wanted]
    ids = [facts.document_id for facts, _ in concerned]
    names = names_of_documents(ids)
    paths = paths_of([facts.folders[0] for facts, _ in concerned if facts.folders])
    return [
        Planned(
            facts.document_id,
            names[facts.document_id],
            paths.get(facts.folders[0], "") if facts.folders else "",
            fate.is_due,
            len(facts.versions) if fate.is_due else len(fate.prunable),
            chain_of(fate),
        )
        for facts, fate in concerned
    ]
