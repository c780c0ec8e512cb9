"""The list of all that lies in a tenant's rows and that only its KEK opens.

Rewrapping goes by this list, and `columns.seal` refuses a cell that is not on it: so a new sealed
cell is rewrapped from the day it is there, and nobody has to think of it.
"""

from typing import NamedTuple

from portal.core.db import Base


class Cell(NamedTuple):
    """A column that holds sealed values, or holds none in some rows."""

    table: str
    column: str


class WrappedKey(NamedTuple):
    """A table whose rows each hold a wrapped data key, and the columns that it is bound to."""

    table: str
    wrapped: str = "wrapped_key"
    key_version: str = "key_version"
    document_id: str = "document_id"
    version_id: str = "id"
    mode: str = "mode"


class UndeclaredCell(Exception):
    """Something was to be sealed that no rewrapping would find: declare it by `sealed_cell`."""


_cells: set[Cell] = set()
_wrapped_keys: set[WrappedKey] = set()


def sealed_cell(table: str, column: str) -> Cell:
    """Declare that a column holds sealed values. `SealedText` does it by itself."""
    cell = Cell(table, column)
    _cells.add(cell)
    return cell


def wrapped_key(table: str, **columns: str) -> WrappedKey:
    """Declare that the rows of a table hold wrapped data keys."""
    declared = WrappedKey(table, **columns)
    _wrapped_keys.add(declared)
    return declared


def require_declared(table: str, column: str) -> None:
    """Raises `UndeclaredCell`."""
    if (table, column) not in _cells:
        raise UndeclaredCell(f"{table}.{column} is not declared as a sealed cell")


def list_cells() -> list[Cell]:
    """All sealed cells of the portal's tables."""
    return sorted(cell for cell in _cells if cell.table in Base.metadata.tables)


def list_wrapped_keys() -> list[WrappedKey]:
    """All tables of the portal's that hold wrapped data keys."""
    return sorted(_wrapped_keys)
