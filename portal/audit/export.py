"""The audit log for other programs: its entries in the order of the log, a batch at a time."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select

from portal.audit import copied
from portal.audit.entries import COLUMNS, Entry, entry_from
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.queries import Filters, between, matching
from portal.audit.siem import cef, ocsf
from portal.core.tables import csv_lines
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

BATCH_SIZE = 1000

_entry, _aside = AuditEntry.__table__, AuditAside.__table__


class Form(StrEnum):
    """In which form entries are written."""

    JSON_LINES = "jsonl"
    CSV = "csv"
    OCSF = "ocsf"
    CEF = "cef"


MEDIA_TYPES = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.JSON_LINES: "application/jsonl",
    Form.OCSF: "application/jsonl",
    Form.CEF: "text/plain; charset=utf-8",
}
ENDINGS = {Form.CSV: "csv", Form.JSON_LINES: "jsonl", Form.OCSF: "ocsf.jsonl", Form.CEF: "cef"}


def newest_entry_id() -> UUID:
    """The id of the log's newest entry; of a log without any, one that is before all others."""
    newest = db.session.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1))
    return newest or UUID(int=0)


def read_batch(
    filters: Filters, form: Form, *, after: UUID | None, up_to: UUID
) -> tuple[str, UUID | None]:
    """The next entries that match, oldest first, up to and with `up_to`, as text; and the last
    one's id, None at the end.
    """
    found = _next(filters, after, up_to)
    if form == Form.CSV and db.session.get_bind().dialect.name == "postgresql":
        return copied.copy_entries(found.limit(copied.BATCH_SIZE))
    rows = db.session.execute(found.limit(BATCH_SIZE)).all()
    return _written(rows, form), rows[-1].id if rows else None


def _next(filters: Filters, after: UUID | None, up_to: UUID) -> Select[*tuple[Any, ...]]:
    """Both tables are narrowed, so that neither is gone through from its beginning."""

    def narrowed(row_id: Any) -> Iterator[ColumnElement[bool]]:
        yield row_id <= up_to
        if after is not None:
            yield row_id > after

    is_beside = and_(
        _entry.c.id == _aside.c.id, *narrowed(_aside.c.id), *between(_aside.c.id, filters)
    )
    found = matching(select(*COLUMNS).outerjoin_from(_entry, _aside, is_beside), filters)
    return found.where(*narrowed(_entry.c.id)).order_by(_entry.c.id)


def heading(form: Form) -> str:
    """What stands before the first entry."""
    return csv_lines([Entry._fields]) if form == Form.CSV else ""


def line_of(entry: Mapping[str, Any], form: Form) -> str:
    """An entry in one of the forms that have a line for each, without the end of the line."""
    return _LINES[form](entry, bound_tenant_id())


def _written(rows: Sequence[Any], form: Form) -> str:
    """Entries as text, one to a line. In CSV no cell is taken for a formula."""
    if form == Form.CSV:
        return csv_lines([_cell(value) for value in entry_from(row)] for row in rows)
    return "".join(f"{line_of(entry_from(row)._asdict(), form)}\n" for row in rows)


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | dict):
        return value
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value)


def _cell(value: object) -> object:
    plain = _plain(value)
    return "" if plain is None else _json(plain) if isinstance(plain, dict) else plain


def _json(value: object) -> str:
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain
    )


_LINES: Mapping[Form, Callable[[Mapping[str, Any], UUID], str]] = {
    Form.JSON_LINES: lambda entry, _: _json(entry),
    Form.OCSF: lambda entry, tenant_id: _json(ocsf.event_of(entry, tenant_id)),
    Form.CEF: cef.line_of,
}
