"""Wall 1, the query filter: it works where SQLAlchemy makes SQL, so no statement goes round it.

A dialect's statement compiler gets `TenantGuard` mixed in. Every base relation R of a tenant is
rendered as its slice σ(tenant_id = bound)(R); substitution in relational algebra is compositional,
so joins, subqueries, CTEs, set operations, EXISTS and eager loads need no cases of their own.
Targets of UPDATE and DELETE get the predicate in their WHERE, INSERT takes no other tenant_id than
the bound one. The predicate's value is a bind parameter read at execution: a cached statement
serves all tenants and carries none. At the end `scan.check_guarded` proves the finished SQL.
"""

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import ClauseElement, Table, Uuid, bindparam
from sqlalchemy.engine import Engine
from sqlalchemy.sql import and_, elements
from sqlalchemy.sql.compiler import SQLCompiler

from portal.core.db import Base
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.errors import CrossTenantWrite, UnguardedSQL
from portal.tenancy.models import GLOBAL_TABLES
from portal.tenancy.scan import Rendered, check_guarded

PARAMETER = "bound_tenant"


@cache
def tenant_tables() -> frozenset[Table]:
    """All tables that belong to tenants: every one that is not listed as global.

    Asked for the first time once all models are imported; later ones would not be guarded, so
    `schema.check_models` compares.
    """
    return frozenset(t for t in Base.metadata.tables.values() if t.name not in GLOBAL_TABLES)


@cache
def tenant_table_names() -> frozenset[str]:
    """The names of `tenant_tables()`."""
    return frozenset(table.name for table in tenant_tables())


class TenantGuard(SQLCompiler):
    """Mix-in over a dialect's statement compiler. Raises `IsolationError`s while compiling."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._rendered = Rendered(Counter(), Counter(), Counter(), Counter())
        super().__init__(*args, **kwargs)
        self.touches_tenant = any(
            (self._rendered.subselects, self._rendered.inserted, self._rendered.changed)
        )
        if isinstance(getattr(self, "string", None), str):
            check_guarded(self.string, self.dialect.name, tenant_table_names(), self._final())

    def construct_params(self, *args: Any, **kwargs: Any) -> Any:
        """The statement's parameters; the guard's own is set last, whatever a caller passed."""
        params = super().construct_params(*args, **kwargs)
        if PARAMETER in self.binds:
            params[PARAMETER] = bound_tenant_id()
        return params

    def visit_table(self, table: Any, **kwargs: Any) -> str:
        rendered = super().visit_table(table, **kwargs)
        if table not in tenant_tables() or not kwargs.get("asfrom") or kwargs.get("iscrud"):
            return rendered
        name = self.preparer.quote(table.name)
        subselect = f"(SELECT * FROM {name} WHERE {self._predicate(name)})"
        self._rendered.subselects[subselect] += 1
        enclosing_alias = kwargs.get("enclosing_alias")
        if enclosing_alias is not None and enclosing_alias.element is table:
            return subselect
        alias = rendered.removeprefix(name) or self.get_render_as_alias_suffix(name)
        return subselect + alias

    def visit_insert(self, insert_stmt: Any, *args: Any, **kwargs: Any) -> str:
        if insert_stmt.table in tenant_tables():
            _check_insert(insert_stmt)
            self._rendered.inserted[insert_stmt.table.name] += 1
        return super().visit_insert(insert_stmt, *args, **kwargs)

    def visit_update(self, update_stmt: Any, *args: Any, **kwargs: Any) -> str:
        return super().visit_update(self._bounded(update_stmt), *args, **kwargs)

    def visit_delete(self, delete_stmt: Any, *args: Any, **kwargs: Any) -> str:
        return super().visit_delete(self._bounded(delete_stmt), *args, **kwargs)

    def _bounded(self, statement: Any) -> Any:
        """An UPDATE or DELETE with the predicate before its own criteria, those in parentheses."""
        if statement.table not in tenant_tables():
            return statement
        name = self.preparer.quote(statement.table.name)
        self._rendered.changed[statement.table.name] += 1
        self._rendered.predicates[self._predicate(name)] += 1
        bounded = statement._clone()
        bounded._where_criteria = (statement.table.c.tenant_id == _parameter(),)
        if statement._where_criteria:
            own = and_(*statement._where_criteria)
            bounded._where_criteria += (elements.Grouping(own),)
        return bounded

    def _predicate(self, name: str) -> str:
        value = self.process(_parameter())
        return f"{name}.tenant_id = {value}"

    def _final(self) -> Rendered:
        """What was rendered, as it reads now that placeholders have been made positional."""
        if not self.positional:
            return self._rendered
        named = self.compilation_bindtemplate % {"name": PARAMETER}
        subselects, predicates = (
            Counter({text.replace(named, "?"): n for text, n in texts.items()})
            for texts in (self._rendered.subselects, self._rendered.predicates)
        )
        return replace(self._rendered, subselects=subselects, predicates=predicates)


def _parameter() -> elements.BindParameter[Any]:
    return bindparam(PARAMETER, callable_=bound_tenant_id, type_=Uuid())


def _check_insert(statement: Any) -> None:
    """An INSERT may leave tenant_id out or give it as a plain value, which `TenantId` compares."""
    if statement._prefixes:
        raise UnguardedSQL("an INSERT of a tenant's rows takes no prefix such as OR REPLACE")
    if "tenant_id" in (statement._select_names or ()):
        raise CrossTenantWrite("INSERT FROM SELECT can't choose the tenant of its rows")
    given = [statement._values or {}]
    for rows in statement._multi_values:
        given += [
            row if isinstance(row, dict) else dict(zip(statement.table.c, row, strict=False))
            for row in rows
        ]
    for row in given:
        for column, value in row.items():
            if getattr(column, "key", column) == "tenant_id" and not _is_plain(value):
                raise CrossTenantWrite("tenant_id must be a plain value")


def _is_plain(value: Any) -> bool:
    """Whether `value` will pass through the column's own type: no expression, no typed bind."""
    if not isinstance(value, ClauseElement):
        return True
    return isinstance(value, elements.BindParameter) and value.unique and value.type._isnull


def guard_engine(engine: Engine) -> None:
    """Have every statement that `engine` compiles carry the bound tenant."""
    base = engine.dialect.statement_compiler
    engine.dialect.statement_compiler = type(f"Guarded{base.__name__}", (TenantGuard, base), {})
