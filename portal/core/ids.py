"""Identifiers of rows, and what names a row by one."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils import compat

from portal.core.clock import milliseconds_of

_TIME_BITS, _OTHER_BITS = 48, 80  # of a UUIDv7 (RFC 9562, 5.7)
_LAST_MILLISECOND = milliseconds_of(datetime.max.replace(tzinfo=UTC))


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, never reused, and sorted by time of making."""
    return compat.uuid7()


def first_id_at(at: datetime, *, slack: timedelta = timedelta()) -> UUID:
    """An id that is before all that are made from `slack` after `at` on; a negative slack means
    earlier.
    """
    milliseconds = milliseconds_of(at) + slack // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), 2**_TIME_BITS - 1) << _OTHER_BITS)


def made_at(row_id: UUID) -> datetime:
    """When an id was made, to the millisecond. One that is none of ours may name a time that there
    is not: then the last that there is.
    """
    milliseconds = min(row_id.int >> _OTHER_BITS, _LAST_MILLISECOND)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def ids_named(kind: str, targets: Iterable[str]) -> list[UUID]:
    """The ids in those of the targets that are `kind:…`. What names no row is left out."""
    named = (target.partition(":") for target in targets)
    found = (_parsed(text) for prefix, _, text in named if prefix == kind)
    return [row_id for row_id in found if row_id is not None]


def _parsed(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
