"""What a report is: a table, and what it takes to have it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.access.permissions import Permission
from portal.audit.actor import Actor

BATCH_SIZE = 500  # rows that are read at once

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Report:
    """A table that is read anew whenever it is asked for. `rows` gives as many cells as there are
    columns, in as many statements for few people as for many, or one more for some hundreds.
    """

    key: str
    name: str
    sentence: str
    permission: Permission
    columns: Sequence[str]
    rows: Callable[[Actor], Iterable[Row]]


def moment(at: datetime | None) -> str:
    """A time as reports have it; "" for none."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""
