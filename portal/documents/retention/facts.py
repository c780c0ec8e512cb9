"""What the decision is made on, as the database has it now: rules, live holds, and documents."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, select

from portal.core import clock
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.places import MAX_DEPTH, chains_to
from portal.documents.retention.decision import Facts, Fate, Hold, Rule, Version, decide_fate
from portal.documents.retention.models import (
    Anchor,
    ErasureRequest,
    ErasureState,
    LegalHold,
    RetentionRule,
)
from portal.tenancy.session import db

_document, _version, _folder = (m.__table__ for m in (Document, DocumentVersion, Folder))

DocumentIds = Collection[UUID] | Select[UUID]


class Judged(NamedTuple):
    """A document and what becomes of it."""

    facts: Facts
    fate: Fate


def judge(documents: DocumentIds, rules: Sequence[Rule] | None = None) -> Sequence[Judged]:
    """The fates of these documents, in the order of their ids, in as many statements for few as
    for many. `rules` are handed in by who has just read them.
    """
    rules = list_rules() if rules is None else rules
    holds, now = list_live_holds(), clock.now()
    return [Judged(facts, decide_fate(facts, rules, holds, now)) for facts in list_facts(documents)]


def list_rules() -> Sequence[Rule]:
    """Every rule, oldest first."""
    carried = defaultdict(set)
    rows = db.session.execute(
        select(RetentionRule, Anchor.thing_id)
        .outerjoin(Anchor, Anchor.rule_id == RetentionRule.id)
        .order_by(RetentionRule.id)
    ).all()
    for rule, thing_id in rows:
        if thing_id is not None:
            carried[rule.id].add(thing_id)
    found = {rule.id: rule for rule, _ in rows}
    return [_rule(rule, frozenset(carried[rule.id])) for rule in found.values()]


def ends_by_rules(documents: DocumentIds) -> Mapping[UUID, datetime]:
    """When rules have documents be gone, by id, for those that they do. A hold makes no difference,
    as it makes none to what people see.
    """
    rules = list_rules()
    if all(rule.delete_days is None for rule in rules):
        return {}
    return {
        facts.document_id: max(wanted.at, fate.keep_until or wanted.at)
        for facts, fate in judge(documents, rules)
        if (wanted := next((one for one in fate.wanted if one.rule), None))
    }


def list_live_holds() -> Sequence[Hold]:
    """Every hold that was not released, oldest first."""
    on = defaultdict(set)
    rows = db.session.execute(
        select(LegalHold, Anchor.thing_id)
        .join(Anchor, Anchor.hold_id == LegalHold.id)
        .where(LegalHold.released_at.is_(None))
        .order_by(LegalHold.id)
    ).all()
    for hold, thing_id in rows:
        on[hold.id].add(thing_id)
    live = {hold.id: hold for hold, _ in rows}
    return [Hold(hold.id, hold.matter, frozenset(on[hold.id])) for hold in live.values()]


def list_facts(documents: DocumentIds) -> Sequence[Facts]:
    """Documents, in the trash or not, as the decision sees them."""
    which = _document.c.id.in_(documents)
    rows = db.session.execute(
        select(
            _document.c.id,
            _document.c.folder_id,
            _document.c.created_by,
            _document.c.created_at,
            _document.c.purge_at,
        )
        .where(which)
        .order_by(_document.c.id)
    ).all()
    versions = _versions(documents)
    above = _folders_above(select(_document.c.folder_id).where(which))
    erasures = _granted_erasures(select(_document.c.created_by).where(which))
    return [_facts(row, versions[row.id], above, erasures) for row in rows if row.id in versions]


def _rule(row: RetentionRule, carried_by: frozenset[UUID]) -> Rule:
    return Rule(
        id=row.id,
        name=row.name,
        folder_id=row.folder_id,
        media_type=row.media_type,
        keep_days=row.keep_days,
        delete_days=row.delete_days,
        prune_days=row.prune_days,
        carried_by=carried_by,
    )


def _facts(
    row: Any,
    versions: Sequence[Any],
    above: Mapping[UUID, tuple[UUID | None, datetime | None]],
    erasures: Mapping[UUID, Sequence[datetime]],
) -> Facts:
    folders: list[UUID] = []
    times = [row.purge_at]
    at = row.folder_id
    while at in above and len(folders) <= MAX_DEPTH:
        folders.append(at)
        at, purge_at = above[at]
        times.append(purge_at)
    # A request is about what was there when it was granted.
    granted = [at for at in erasures.get(row.created_by, ()) if row.created_at <= at]
    return Facts(
        document_id=row.id,
        folders=tuple(folders),
        people=frozenset({row.created_by, *(version.created_by for version in versions)}),
        versions=[Version(v.id, v.created_at, v.media_type, v.gone_at) for v in versions],
        purge_at=min((at for at in times if at), default=None),
        erase_at=min(granted, default=None),
    )


def _versions(documents: DocumentIds) -> Mapping[UUID, Sequence[Any]]:
    found = defaultdict(list)
    rows = db.session.execute(
        select(
            _version.c.document_id,
            _version.c.id,
            _version.c.created_at,
            _version.c.media_type,
            _version.c.created_by,
            _version.c.gone_at,
        )
        .where(_version.c.document_id.in_(documents))
        .order_by(_version.c.document_id, _version.c.number)
    )
    for row in rows:
        found[row.document_id].append(row)
    return dict(found)


def _folders_above(folder_ids: Select[Any]) -> Mapping[UUID, tuple[UUID | None, datetime | None]]:
    """The parents of folders and of all above them, and when each leaves the trash for good."""
    chain = select(chains_to(folder_ids).c.id)
    rows = db.session.execute(
        select(_folder.c.id, _folder.c.parent_id, _folder.c.purge_at).where(_folder.c.id.in_(chain))
    )
    return {folder_id: (parent_id, purge_at) for folder_id, parent_id, purge_at in rows}


def _granted_erasures(people: Select[Any]) -> Mapping[UUID, Sequence[datetime]]:
    found = defaultdict(list)
    rows = db.session.execute(
        select(ErasureRequest.user_id, ErasureRequest.decided_at).where(
            ErasureRequest.state == ErasureState.GRANTED,
            ErasureRequest.wants_documents,
            ErasureRequest.user_id.in_(people),
        )
    )
    for user_id, decided_at in rows:
        if decided_at is not None:
            found[user_id].append(decided_at)
    return found
