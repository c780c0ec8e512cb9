"""Sealing anew, under a tenant's newest KEK, all that its rows hold under earlier ones.

It goes batch by batch, each of them a transaction. Every value says itself which version it needs,
so there is nothing to remember: a run that is cut off at any line is gone on with by the next.
People go on working meanwhile. A batch locks its rows without waiting for those that others hold,
so it is never a part of a deadlock, and changes a value only where it is still the one it read:
what somebody writes at the same time stays, and is left to the next pass if it needs to be.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Select,
    bindparam,
    func,
    literal,
    select,
    union_all,
    update,
)

from portal.core.db import Base
from portal.keys import cells, hierarchy, queries
from portal.keys.cells import Cell, WrappedKey
from portal.keys.columns import reseal, version_bytes
from portal.keys.data_keys import WrappedDataKey, rewrap_data_key
from portal.keys.hierarchy import TenantKek
from portal.keys.models import TenantKey
from portal.keys.providers import KeyDamaged
from portal.tenancy.session import change, db

BATCH_ROWS = 500


class Batch(NamedTuple):
    """What one transaction did, and what it found that can't be opened: `table.column id`."""

    renewed: int
    damaged: Sequence[str]


class SealedCells:
    """The values of a sealed column.

    `columns` are what is needed to make one anew, the id first. `version` is the version that one
    needs, as the database sees it: `as_stored` and `as_number` go to that and back.
    """

    def __init__(self, cell: Cell) -> None:
        self.name = ".".join(cell)
        self._cell = cell
        self.table = Base.metadata.tables[cell.table]
        self.value = self.table.c[cell.column]
        self.columns = (self.table.c.id, self.value)
        self.version = func.substr(self.value, 2, 4, type_=LargeBinary())

    def as_stored(self, version: int) -> Any:
        return version_bytes(version)

    def as_number(self, stored: Any) -> int:
        return int.from_bytes(stored, "big")

    def renewed(self, kek: TenantKek, row: Any) -> dict[str, Any]:
        row_id, sealed = row
        return {self.value.name: reseal(kek, *self._cell, row_id, sealed)}


class WrappedKeys:
    """The wrapped data keys of a table, with the same face."""

    def __init__(self, at: WrappedKey) -> None:
        self.name = f"{at.table}.{at.wrapped}"
        self.table = Base.metadata.tables[at.table]
        self.value = self.table.c[at.wrapped]
        self.version = self.table.c[at.key_version]
        named = (at.document_id, at.version_id, at.mode, at.wrapped, at.key_version)
        self.columns = (self.table.c.id, *(self.table.c[name] for name in named))

    def as_stored(self, version: int) -> Any:
        return version

    def as_number(self, stored: Any) -> int:
        return int(stored)

    def renewed(self, kek: TenantKek, row: Any) -> dict[str, Any]:
        return {
            self.value.name: rewrap_data_key(kek, WrappedDataKey(*row[1:])),
            self.version.name: kek.version,
        }


Kind = SealedCells | WrappedKeys


def kinds() -> list[Kind]:
    """Everything that is on the list of `cells`."""
    return [
        *(WrappedKeys(at) for at in cells.list_wrapped_keys()),
        *(SealedCells(cell) for cell in cells.list_cells()),
    ]


def count_references() -> Mapping[int, Mapping[str, int]]:
    """How many values of the bound tenant need each version of its KEK, by the kind's name."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for form in (SealedCells, WrappedKeys):  # two statements: each stores versions in its own way
        alike = [kind for kind in kinds() if isinstance(kind, form)]
        rows = db.session.execute(union_all(*map(_count_by_version, alike)))
        for name, stored, count in rows:
            counts[alike[0].as_number(stored)][name] = count
    return counts


def _count_by_version(kind: Kind) -> Select[Any]:
    counted = select(literal(kind.name), kind.version, func.count()).where(_is_there(kind))
    return counted.group_by(kind.version)


def rewrap() -> Iterator[Batch]:
    """Make everything of the bound tenant anew that needs another version than the newest.

    Whoever steps this commits after each batch. Raises `KeyUnavailable`.
    """
    seed = queries.find_wrapped_seed()
    if seed is None:
        return
    for kind in kinds():
        after: UUID | None = None
        while rows := _next_rows(kind, seed.version, after):
            after = rows[-1][0]
            _note_use()
            yield _renew(kind, hierarchy.key_of(seed.version), rows)


def _note_use() -> None:
    """That earlier seeds are still in use: the time for which they are kept begins anew."""
    change(
        update(TenantKey)
        .where(TenantKey.unused_since.is_not(None))
        .values(unused_since=None)
        .execution_options(synchronize_session=False)
    )


def _next_rows(kind: Kind, newest: int, after: UUID | None) -> Sequence[Any]:
    stale = select(*kind.columns).where(_is_there(kind), kind.version != kind.as_stored(newest))
    if after is not None:
        stale = stale.where(kind.table.c.id > after)
    return db.session.execute(
        stale.order_by(kind.table.c.id)
        .limit(BATCH_ROWS)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()


def _renew(kind: Kind, kek: TenantKek, rows: Sequence[Any]) -> Batch:
    changes, damaged = [], []
    for row in rows:
        row_id, old = row[0], getattr(row, kind.value.name)
        try:
            changes.append({"row": row_id, "old": old, **kind.renewed(kek, row)})
        except KeyDamaged:
            damaged.append(f"{kind.name} {row_id}")
    if changes:
        names = changes[0].keys() - {"row", "old"}
        statement = (
            update(kind.table)
            .where(kind.table.c.id == bindparam("row"), kind.value == bindparam("old"))
            .values({name: bindparam(name) for name in names})
        )
        db.session.execute(statement, changes)
    return Batch(len(changes), damaged)


def _is_there(kind: Kind) -> ColumnElement[bool]:
    """Whether a row holds a value: a column may be null, a job that is done keeps no payload."""
    return func.length(kind.value) > 0
