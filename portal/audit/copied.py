"""Entries as CSV that PostgreSQL writes itself: row by row it would take several times as long.

Cell by cell it is what `export` writes; details as the database has them: in another order, and
with blanks.
"""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, ColumnElement, Select, Text, case, func, literal, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB

from portal.audit.models import ADDRESS
from portal.audit.readable import Readable
from portal.core.tables import FORMULA_SIGNS
from portal.tenancy.session import csv_lines

BATCH_SIZE = 10_000

_TIME = 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'


def copy_entries(found: Select[*tuple[Any, ...]]) -> tuple[str, UUID | None]:
    """Entries as text, from a limited statement over `export.COLUMNS`, and the last one's id."""
    lines = csv_lines(_cells_of(found))
    if not lines:
        return "", None
    last_id = UUID(lines[-1].partition(",")[0])
    return "\r\n".join([*lines, ""]), last_id  # RFC 4180


def _cells_of(found: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Over a subselect, whose limit keeps what it works out from being worked out again."""
    entry = found.with_only_columns(*map(_parsed, found.selected_columns)).subquery()
    personal = cast("ColumnElement[Any]", entry.c.personal)
    return select(
        entry.c.id,
        func.to_char(func.timezone("UTC", entry.c.at), _TIME),
        *(_neutral(cell) for cell in (entry.c.action, entry.c.outcome, entry.c.actor_kind)),
        entry.c.actor_id,
        _neutral(entry.c.target),
        _neutral(personal[ADDRESS].astext),
        entry.c.request_id,
        _detail(cast("ColumnElement[Any]", entry.c.told), personal),
    ).order_by(entry.c.id)


def _parsed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if not isinstance(column.type, JSON):
        return column
    readable = Readable(column)
    is_looked_into = column.key == "personal"
    return (sql_cast(readable, JSONB) if is_looked_into else readable).label(column.key)


def _detail(told: ColumnElement[Any], personal: ColumnElement[Any]) -> ColumnElement[Any]:
    """As `models.merged` has it. Beside most entries stands an address only: parse no more then."""
    nothing = sql_cast({}, JSONB)
    others = func.coalesce(personal.op("-", return_type=JSONB())(literal(ADDRESS)), nothing)
    both = sql_cast(told, JSONB).concat(others)
    return case((others == nothing, sql_cast(told, Text)), else_=sql_cast(both, Text))


def _neutral(cell: ColumnElement[Any]) -> ColumnElement[Any]:
    """As `core.tables` has it: no cell is taken for a formula."""
    begins = func.ascii(cell).in_([ord(sign) for sign in FORMULA_SIGNS])
    return case((begins, literal("'").concat(cell)), else_=cell)
