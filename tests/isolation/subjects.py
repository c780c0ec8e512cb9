"""What the shapes of statements are tried on: each model, and classes of our own over its table.

The portal's models declare few relationships, so `Mapped` maps every tenant's table once more with
all that SQLAlchemy can hang on a class. Its relationships are as careless as a developer can be:
they join by id alone, which several tenants share.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table, func, literal_column, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    column_property,
    configure_mappers,
    deferred,
    foreign,
    query_expression,
    registry,
    relationship,
)

from portal.core.db import Base
from tests.isolation.rows import count_of, free_columns, new_row, row_id, tables_in_order
from tests.isolation.worlds import tenant

classes = registry()


class NotApplicable(Exception):
    """A shape that a model has no use for."""


@dataclass(frozen=True)
class Subject:
    """A model, its table, and the classes over it."""

    model: Any
    table: Table
    mapped: Any
    twin: Any
    other: Any  # another model

    @property
    def own_id(self) -> UUID:
        """The id of a row of the bound tenant, and of a row of each other tenant."""
        return row_id(self.table, 1)

    @property
    def key(self) -> tuple[UUID, UUID]:
        return (tenant("own").id, self.own_id)

    @property
    def foreign_id(self) -> UUID:
        """The id of a row that only the other tenants have."""
        return row_id(self.table, count_of(self.table))

    @property
    def foreign_key(self) -> tuple[UUID, UUID]:
        return (tenant("before").id, self.foreign_id)

    @property
    def column(self) -> Column[Any]:
        """A column that an UPDATE may set to anything."""
        if not free_columns(self.table):
            raise NotApplicable("every column is part of a key")
        return free_columns(self.table)[-1]

    @property
    def value(self) -> Any:
        """A new value of `column`."""
        return self.new(1, "changed")[self.column.name]

    def new(self, nth: int = 0, marker: str = "own") -> dict[str, Any]:
        """A row that is not there yet; the first has the id of a row of the other tenants."""
        return new_row(self.table, count_of(self.table) + nth, marker)

    def parents(self) -> list[str]:
        """The names of the mapped class's relationships that follow a foreign key."""
        names = [name for name in vars(self.mapped) if name.startswith("x_parent_")]
        if not names:
            raise NotApplicable("the table refers to no other")
        return names

    def children(self) -> list[str]:
        """The names of the mapped class's relationships that come the other way."""
        names = [name for name in vars(self.mapped) if name.startswith("x_children_")]
        if not names:
            raise NotApplicable("no other table refers to this one")
        return names


@cache
def subjects() -> list[Subject]:
    """All models, be they written today or the day after tomorrow."""
    tables = tables_in_order()
    models = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    twins = {table: _map_twin(table) for table in tables}
    mapped = {table: _map(table, twins[table]) for table in tables}
    for table in tables:
        _relate(table, mapped)
    configure_mappers()
    following = [*tables[1:], tables[0]]
    return [
        Subject(models[table], table, mapped[table], twins[table], models[other])
        for table, other in zip(tables, following, strict=True)
    ]


def _map_twin(table: Table) -> Any:
    twin = type(f"Twin_{table.name}", (), {})
    classes.map_imperatively(twin, table.alias(f"{table.name}_twin"))
    return twin


def _map(table: Table, twin: Any) -> Any:
    """Join by id alone, in every way there is."""
    other = twin.__mapper__.local_table
    link = table.alias(f"{table.name}_link")
    counted = table.alias(f"{table.name}_counted")
    by_id: dict[str, Any] = {
        "primaryjoin": table.c.id == foreign(other.c.id),
        "viewonly": True,
        "order_by": other.c.id,
    }
    hybrid = hybrid_property(_count_hybrid, expr=lambda cls: _counted_by_hybrid(table, cls))
    mapped = type(f"Mapped_{table.name}", (), {"x_hybrid": hybrid})
    classes.map_imperatively(
        mapped,
        table,
        properties={
            "x_twins": relationship(twin, **by_id),
            "x_twins_written": relationship(twin, lazy="write_only", **by_id),
            "x_twins_queried": relationship(twin, lazy="dynamic", **by_id),
            "x_linked": relationship(
                twin,
                secondary=link,
                primaryjoin=table.c.id == link.c.id,
                secondaryjoin=link.c.id == other.c.id,
                viewonly=True,
            ),
            "x_count": column_property(
                select(func.count())
                .select_from(counted)
                .where(counted.c.id == table.c.id)
                .scalar_subquery()
            ),
            "x_count_later": deferred(select(func.count()).select_from(counted).scalar_subquery()),
            "x_count_asked": query_expression(literal_column("0").label("x_zero")),
        },
    )
    return mapped


def _count_hybrid(self: Any) -> int:
    return len(self.x_twins)


def _counted_by_hybrid(table: Table, cls: Any) -> Any:
    counted = table.alias()
    return select(func.count()).where(counted.c.id == cls.id).scalar_subquery()


def _relate(table: Table, mapped: dict[Table, Any]) -> None:
    """Follow each foreign key to another table, both ways."""
    for number, key in enumerate(
        sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    ):
        parent = key.referred_table
        join = {
            "foreign_keys": list(key.columns),
            "primaryjoin": _paired(key),
            "viewonly": True,
        }
        up = relationship(
            mapped[parent], remote_side=[e.column for e in key.elements], uselist=False, **join
        )
        mapped[table].__mapper__.add_property(f"x_parent_{number}", up)
        if parent is not table:
            down = relationship(mapped[table], **join)
            mapped[parent].__mapper__.add_property(f"x_children_{table.name}_{number}", down)


def _paired(key: Any) -> Any:
    pairs = [pair.parent == pair.column for pair in key.elements]
    return pairs[0] & pairs[1]
