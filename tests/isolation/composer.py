"""Composes random statements over the real models, reads and writes, by Core and by the ORM.

All choices come from a string of bytes, so that Hypothesis can look for a shorter one; the byte 0
always chooses what is simplest. A statement is deterministic: where it orders or limits, it orders
by everything that it selects.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    TextClause,
    Uuid,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased, joinedload, selectinload, subqueryload

from tests.isolation.rows import free_columns
from tests.isolation.subjects import Subject, subjects

T = TypeVar("T")
RAW = ["1=1 OR 1=0", "1=0", "1=1", "(1=1) OR (1=1)", "NOT 1=0", "'x' = 'x' OR 1=1"]


@dataclass(frozen=True)
class Composed:
    """A statement, and whether it writes."""

    statement: Any
    writes: bool = False
    has_collections: bool = False


class Composer:
    """Makes one statement of a string of bytes, for one dialect."""

    def __init__(self, choices: bytes, dialect: str) -> None:
        self._choices = iter(choices)
        self._dialect = postgresql if dialect == "postgresql" else sqlite

    def statement(self) -> Composed:
        kind = self._choose(["read", "read", "read", "entities", "update", "delete", "insert"])
        if kind == "read":
            return Composed(self._select(depth=2))
        if kind == "entities":
            return Composed(self._entities(), has_collections=True)
        return Composed(getattr(self, f"_{kind}")(), writes=True)

    # ------------------------------------------------------------------------------------- choices

    def _number(self, below: int) -> int:
        return next(self._choices, 0) % below

    def _choose(self, options: Sequence[T]) -> T:
        return options[self._number(len(options))]

    def _maybe(self, times_in_four: int = 1) -> bool:
        return self._number(4) >= 4 - times_in_four

    def _subject(self) -> Subject:
        return self._choose(subjects())

    # --------------------------------------------------------------------------------------- reads

    def _select(self, depth: int, width: int | None = None, scope: Sequence[Any] = ()) -> Any:
        """A SELECT of `width` ids, or of anything. `scope` holds columns of what is around it."""
        source, columns = self._from(depth)
        if width is not None:
            statement = select(*(self._uuid(columns) for _ in range(width)))
        elif self._maybe():
            return self._grouped(source, columns, depth)
        else:
            statement = select(*self._selected(columns, depth))
        statement = statement.select_from(source)
        if self._maybe(3):
            statement = statement.where(self._condition([*columns, *scope], depth))
        if self._maybe():
            statement = statement.distinct()
        if width is None and self._maybe():
            statement = self._limited(statement)
        return statement

    def _selected(self, columns: Sequence[Any], depth: int) -> list[Any]:
        chosen = [self._choose(columns) for _ in range(1 + self._number(4))]
        if depth and self._maybe():
            chosen.append(self._count(depth - 1, columns))
        if self._maybe():
            chosen.append(literal_column("1").label("one"))
        return [column.label(f"c{n}") for n, column in enumerate(chosen)]

    def _grouped(self, source: Any, columns: Sequence[Any], depth: int) -> Any:
        by = self._choose(columns)
        counted = func.count(self._choose(columns)) if self._maybe() else func.count()
        statement = select(by.label("c0"), counted.label("c1")).select_from(source).group_by(by)
        if self._maybe():
            statement = statement.where(self._condition(columns, depth))
        if self._maybe():
            statement = statement.having(func.count() > self._number(3))
        return statement

    def _limited(self, statement: Any) -> Any:
        ordered = statement.order_by(*statement.selected_columns)
        return ordered.limit(1 + self._number(4)).offset(self._number(2))

    def _from(self, depth: int) -> tuple[Any, list[Any]]:
        """What is selected from, and its columns."""
        source, columns = self._source(depth)
        for to_come in reversed(range(self._choose([0, 0, 1, 1, 2]))):
            right, more = self._source(depth)
            if depth and self._maybe():
                third, most = self._source(depth - 1)
                nested = [*more, *most]
                right, more = right.join(third, self._condition(nested, 0)), nested
            # SQLite 3.40 keeps rows that an inner join after a full one has to drop, if the full
            # one's right side is a union of subselects: a wrong answer, of own rows only.
            is_full_sound = self._dialect is postgresql or not to_come
            kind = self._choose(["", "", "left", "full" if is_full_sound else "left"])
            if kind == "full":  # PostgreSQL takes no other condition
                on = self._uuid(columns) == self._uuid(more)
            else:
                on = self._condition([*columns, *more], depth and 1)
            source = source.join(right, on, isouter=kind == "left", full=kind == "full")
            columns = [*columns, *more]
        return source, columns

    def _source(self, depth: int) -> tuple[Any, list[Any]]:
        kinds = ["table", "alias", "entity", "twin"] + ["subquery", "cte", "union"] * bool(depth)
        kind = self._choose(kinds)
        if kind in ("table", "alias", "entity", "twin"):
            return self._plain(self._subject(), kind)
        if kind == "union":
            combine = self._choose([union_all, union])
            parts = (self._select(depth - 1, width=2) for _ in range(2))
            inner = combine(*parts).subquery()
        else:
            inner = getattr(self._select(depth - 1), kind)()
        return inner, list(inner.c)

    def _plain(self, subject: Subject, kind: str) -> tuple[Any, list[Any]]:
        if kind == "entity":
            entity = aliased(subject.model)
            selectable = entity._aliased_insp.selectable
            return selectable, _usable(selectable.c)
        table = subject.twin.__mapper__.local_table if kind == "twin" else subject.table
        found = table if kind == "table" and not self._was_used(table) else subject.table.alias()
        return found, _usable(found.c)

    def _was_used(self, table: Any) -> bool:
        """A table stands under its own name once at most in a statement."""
        used = self.__dict__.setdefault("_used", set())
        return table in used or used.add(table) is not None

    # ---------------------------------------------------------------------------------- conditions

    def _condition(self, columns: Sequence[Any], depth: int) -> Any:
        kinds = ["equal", "compare", "null", "raw", "in"]
        kinds += ["and", "or", "not", "exists", "in_select", "count"] * bool(depth)
        kind = self._choose(kinds)
        if kind in ("and", "or"):
            parts = [self._condition(columns, depth - 1) for _ in range(2)]
            return and_(*parts) if kind == "and" else or_(*parts)
        if kind == "not":
            inner = self._condition(columns, depth - 1)
            is_text = isinstance(inner, TextClause)
            return not_(literal_column(f"({inner})", Boolean()) if is_text else inner)
        if kind == "exists":
            inner = self._select(depth - 1, width=1, scope=columns)
            return self._choose([inner.exists(), ~inner.exists()])
        if kind == "in_select":
            return self._uuid(columns).in_(self._select(depth - 1, width=1, scope=columns))
        if kind == "count":
            return self._count(depth - 1, columns) > self._number(4)
        return getattr(self, f"_{kind}")(columns)

    def _equal(self, columns: Sequence[Any]) -> Any:
        return self._uuid(columns) == self._uuid(columns)

    def _compare(self, columns: Sequence[Any]) -> Any:
        left = self._choose(columns)
        right = self._choose([c for c in columns if _kind(c) is _kind(left)])
        compare = self._choose([type(left).__eq__, type(left).__ne__, type(left).__lt__])
        return compare(left, right)

    def _null(self, columns: Sequence[Any]) -> Any:
        column = self._choose(columns)
        return self._choose([column.is_(None), column.is_not(None)])

    def _raw(self, _columns: Sequence[Any]) -> Any:
        raw = self._choose(RAW)
        return self._choose([text(raw), literal_column(f"({raw})", Boolean())])

    def _in(self, columns: Sequence[Any]) -> Any:
        subject = self._subject()
        ids = [subject.own_id, subject.foreign_id][: 1 + self._number(2)]
        return self._uuid(columns).in_(ids)

    def _uuid(self, columns: Sequence[Any]) -> Any:
        ids = [c for c in columns if isinstance(c.type, Uuid)]
        return self._choose(ids or [literal(subjects()[0].own_id, Uuid())])

    def _count(self, depth: int, columns: Sequence[Any]) -> Any:
        source, inner = self._from(depth)
        counted = select(func.count()).select_from(source)
        return counted.where(self._condition([*inner, *columns], 0)).scalar_subquery()

    # ----------------------------------------------------------------------------------------- ORM

    def _entities(self) -> Any:
        subject = self._subject()
        mapped = subject.mapped
        load = self._choose([None, joinedload, selectinload, subqueryload])
        statement = select(mapped)
        if self._maybe(2):
            a = aliased(subject.twin)
            statement = statement.join(mapped.x_twins.of_type(a), isouter=self._maybe(2))
        if self._maybe(2):
            columns = _usable(subject.table.c)
            statement = statement.where(self._condition(columns, 1))
        if load is not None:
            path = self._choose([mapped.x_twins, mapped.x_linked])
            statement = statement.options(load(path))
        return statement

    # -------------------------------------------------------------------------------------- writes

    def _target(self) -> tuple[Subject, Any]:
        subject = self._subject()
        while not free_columns(subject.table):
            subject = self._subject()
        self._was_used(subject.table)
        return subject, self._choose([subject.table, subject.model])

    def _bounded(self, statement: Any, subject: Subject) -> Any:
        if self._maybe(3):
            statement = statement.where(self._condition(_usable(subject.table.c), 1))
        if self._maybe():
            other = subject.table.alias()
            statement = statement.where(exists().where(other.c.id == subject.table.c.id))
        if self._maybe(2):
            statement = statement.returning(subject.table.c.id, subject.table.c.tenant_id)
        return statement

    def _update(self) -> Any:
        subject, target = self._target()
        column = self._choose(free_columns(subject.table))
        changed = update(target).values({column.name: self._value(subject, column)})
        if self._maybe():
            twin = subject.table.alias()
            changed = changed.where(twin.c.id == subject.table.c.id)
        return self._bounded(changed, subject).execution_options(synchronize_session=False)

    def _value(self, subject: Subject, column: Any) -> Any:
        other = subject.table.alias()
        peers = [c for c in free_columns(subject.table) if _kind(c) is _kind(column)]
        peer = self._choose([c for c in peers if column.nullable or not c.nullable])
        return self._choose(
            [
                literal(subject.new(1, "x")[column.name], column.type),
                peer,
                select(other.c[column.name])
                .where(other.c[column.name].is_not(None))
                .order_by(other.c[column.name])
                .limit(1)
                .scalar_subquery(),
            ]
        )

    def _delete(self) -> Any:
        subject, target = self._target()
        gone = self._bounded(delete(target), subject)
        return gone.execution_options(synchronize_session=False)

    def _insert(self) -> Any:
        subject, target = self._target()
        kind = self._choose(["values", "rows", "select", "upsert", "nothing"])
        new = subject.new()
        if kind == "rows":
            return insert(target).values([new, subject.new(1)])
        if kind == "select":
            chosen = select(*(literal(new[name], subject.table.c[name].type) for name in new))
            chosen = chosen.where(self._select(1, width=1).exists())
            return insert(target).from_select(list(new), chosen)
        if kind == "values":
            return insert(target).values(**new).returning(subject.table.c.id)
        return self._conflicting(subject, target, kind)

    def _conflicting(self, subject: Subject, target: Any, kind: str) -> Any:
        row_id = self._choose([subject.own_id, subject.foreign_id])
        made = self._dialect.insert(target).values(**{**subject.new(), "id": row_id})
        if kind == "nothing":
            return made.on_conflict_do_nothing()
        column = self._choose(free_columns(subject.table))
        given = self._choose([made.excluded[column.name], subject.table.c[column.name]])
        return made.on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_={column.name: given}
        )


def _usable(columns: Any) -> list[Any]:
    """The columns that every database can compare, group and order by."""
    return [c for c in columns if type(c.type).__name__ != "JSON"]


def _kind(column: Any) -> type:
    kind: type = getattr(column.type, "impl_instance", column.type).python_type
    return kind
