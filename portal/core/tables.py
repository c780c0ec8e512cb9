"""Tables as CSV, for other programs to open."""

import csv
import io
from collections.abc import Iterable, Sequence

# A spreadsheet takes a cell that begins like this for a formula (OWASP, CSV injection).
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def csv_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table (RFC 4180) with a line for its columns. No cell is taken for a formula."""
    return csv_lines([columns]) + csv_lines(rows)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Lines of a table that is put together piece by piece."""
    out = io.StringIO()
    csv.writer(out).writerows([_neutral(str(cell)) for cell in row] for row in rows)
    return out.getvalue()


def _neutral(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell
