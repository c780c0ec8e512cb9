"""Identifiers of rows, and what names a row by one."""

from collections.abc import Iterable
from uuid import UUID

from uuid_utils import compat


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique, never reused, and sorted by time of making."""
    return compat.uuid7()


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
