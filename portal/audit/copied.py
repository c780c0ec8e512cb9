"""Entries as CSV that PostgreSQL writes itself: row by row it would take several times as long.

Cell by cell it is what `export` writes; details as the database has them, so in another order.
"""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Select, case, func, literal, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB

from portal.audit.models import ADDRESS
from portal.audit.readable import Readable
from portal.core.tables import FORMULA_SIGNS
from portal.tenancy.session import csv_lines

BATCH_SIZE = 5_000

_TIME = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'


def copy_entries(found: Select[*tuple[Any, ...]]) -> tuple[str, UUID | None]:
    """Entries as text, from a limited statement over `export.COLUMNS`, and the last one's id."""
    lines = csv_lines(_cells_of(found))
    if not lines:
        return "", None
    last_id = UUID(lines[-1].partition(b",")[0].decode())
    return b"\r\n".join([*lines, b""]).decode(), last_id  # RFC 4180


def _cells_of(found: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Over a subselect, whose limit keeps what it works out from being worked out again."""
    entry = found.with_only_columns(*map(_parsed, found.selected_columns)).subquery()
    personal = cast("ColumnElement[Any]", entry.c.personal)
    without_address = personal.op("-", return_type=JSONB())(literal(ADDRESS))
    return select(
        entry.c.id,
        func.to_char(func.timezone("UTC", entry.c.at), _TIME),
        *(_neutral(cell) for cell in (entry.c.action, entry.c.outcome, entry.c.actor_kind)),
        entry.c.actor_id,
        _neutral(entry.c.target),
        _neutral(personal[ADDRESS].astext),
        entry.c.request_id,
        entry.c.told.concat(func.coalesce(without_address, sql_cast({}, JSONB))),
    ).order_by(entry.c.id)


def _parsed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    is_json = isinstance(column.type, JSON)
    return sql_cast(Readable(column), JSONB).label(column.key) if is_json else column


def _neutral(cell: ColumnElement[Any]) -> ColumnElement[Any]:
    """As `core.tables` has it: no cell is taken for a formula."""
    begins = func.ascii(cell).in_([ord(sign) for sign in FORMULA_SIGNS])
    return case((begins, literal("'").concat(cell)), else_=cell)
