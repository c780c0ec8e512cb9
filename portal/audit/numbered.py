"""Entries by their numbers, as they are streamed: whoever gets them can tell if one is missing."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from portal.audit.actions import SEVERITIES
from portal.audit.entries import COLUMNS, Entry, entry_from
from portal.audit.export import Form, line_of
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.severity import Severity
from portal.audit.tlog.models import AuditLeaf
from portal.tenancy.session import db

_leaf, _entry, _aside = AuditLeaf.__table__, AuditEntry.__table__, AuditAside.__table__


class Numbered(NamedTuple):
    """An entry as a line that tells its number, and what whoever carries it needs to know."""

    number: int
    at: datetime
    severity: Severity
    line: str


def read_numbered(first: int, limit: int, form: Form) -> Sequence[Numbered]:
    """So many entries at most, by their numbers, from `first` on."""
    found = (
        select(_leaf.c.number, *COLUMNS)
        .join_from(_leaf, _entry, _entry.c.id == _leaf.c.id)
        .outerjoin(_aside, _aside.c.id == _leaf.c.id)
        .where(_leaf.c.number >= first)
        .order_by(_leaf.c.number)
        .limit(limit)
    )
    return [_numbered(number, entry_from(row), form) for number, *row in db.session.execute(found)]


def _numbered(number: int, entry: Entry, form: Form) -> Numbered:
    severity = SEVERITIES.get(entry.action, Severity.INFORMATIONAL)
    line = line_of({"number": number, **entry._asdict()}, form)
    return Numbered(number, entry.at, severity, line)
