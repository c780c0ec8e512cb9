"""Which documents a rule is about, found in the database: those that are looked at, and how many.

These statements find candidates, quickly; what becomes of each is `decide_fate`'s to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true

from portal.core import clock
from portal.documents.gone import is_gone
from portal.documents.models import Document, DocumentVersion
from portal.documents.places import subtree_of
from portal.documents.retention.decision import Rule
from portal.documents.retention.models import ErasureRequest, ErasureState
from portal.tenancy.session import db

_document = Document.__table__
_newest = DocumentVersion.__table__.alias("newest")
_older = DocumentVersion.__table__.alias("older")
_any = DocumentVersion.__table__.alias("any_version")
_is_newest = and_(
    _newest.c.document_id == _document.c.id, _newest.c.number == _document.c.version_number
)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a rule comes down to: documents and their owners, and of the documents those that are
    older than it lets them become, with those of which it prunes versions.
    """

    documents: int
    people: int
    too_old: int
    with_old_versions: int


def count_reach(rule: Rule) -> Reach:
    """How much a rule is about, in one statement. Holds and other rules are left aside."""
    now = clock.now()

    def counted(which: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(_document.c.id).filter(which)

    statement = (
        select(
            func.count(_document.c.id),
            func.count(func.distinct(_document.c.created_by)),
            counted(_in_all_versions(rule) & _is_too_old(rule, now)),
            counted(_in_all_versions(rule) & _has_old_versions(rule, now)),
        )
        .join_from(_document, _newest, _is_newest)
        .where(_lies_in(rule, "reached"), _in_some_version(rule))
    )
    return Reach(*db.session.execute(statement).one())


def looked_at(rules: Iterable[Rule], now: datetime) -> Select[UUID]:
    """The documents that something wants deleted by now, or versions of; some of them stay."""
    erased = (
        select(ErasureRequest.id)
        .where(
            ErasureRequest.state == ErasureState.GRANTED,
            ErasureRequest.wants_documents,
            ErasureRequest.user_id == _document.c.created_by,
            ErasureRequest.decided_at >= _document.c.created_at,
        )
        .exists()
    )
    by_rules = [_wanted_by(rule, number, now) for number, rule in enumerate(rules)]
    return (
        select(_document.c.id)
        .join_from(_document, _newest, _is_newest)
        .where(or_(is_gone(now), erased, _has_gone_versions(), *by_rules))
    )


def _has_gone_versions() -> ColumnElement[bool]:
    """Whether a hold was in the way when a version was to be destroyed, whatever became of it."""
    return _has_version(_any.c.gone_at.is_not(None))


def _wanted_by(rule: Rule, number: int, now: datetime) -> ColumnElement[bool]:
    if rule.delete_days is None and rule.prune_days is None:
        return false()
    is_old = or_(_is_too_old(rule, now), _has_old_versions(rule, now))
    return and_(_lies_in(rule, f"under_{number}"), is_old, _in_all_versions(rule))


def _lies_in(rule: Rule, name: str) -> ColumnElement[bool]:
    if rule.folder_id is None:
        return true()
    return _document.c.folder_id.in_(select(subtree_of([rule.folder_id], name).c.id))


def _in_some_version(rule: Rule) -> ColumnElement[bool]:
    """Whether the rule is about a version of a document: that is what it keeps."""
    return _has_version(_is_about(rule))


def _in_all_versions(rule: Rule) -> ColumnElement[bool]:
    """Whether it is about every version: that is what it deletes."""
    return ~_has_version(~_is_about(rule))


def _has_version(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_any.c.id).where(_any.c.document_id == _document.c.id, which).exists()


def _is_about(rule: Rule) -> ColumnElement[bool]:
    if rule.media_type.endswith("/"):
        return _any.c.media_type.startswith(rule.media_type, autoescape=True)
    return _any.c.media_type == rule.media_type if rule.media_type else true()


def _is_too_old(rule: Rule, now: datetime) -> ColumnElement[bool]:
    if rule.delete_days is None:
        return false()
    return _newest.c.created_at <= now - timedelta(days=rule.delete_days)


def _has_old_versions(rule: Rule, now: datetime) -> ColumnElement[bool]:
    """Whether a version was uploaded before that: one that was replaced before it, among them."""
    if rule.prune_days is None:
        return false()
    return (
        select(_older.c.id)
        .where(
            _older.c.document_id == _document.c.id,
            _older.c.number < _document.c.version_number,
            _older.c.created_at <= now - timedelta(days=rule.prune_days),
        )
        .exists()
    )
