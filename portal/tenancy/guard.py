"""Wall 1, the query filter: it works where SQLAlchemy makes SQL, so no statement goes round it.

A dialect's statement compiler gets `TenantGuard` mixed in. Every base relation R of a tenant is
rendered as its slice σ(tenant_id = bound)(R); substitution in relational algebra is compositional,
so joins, subqueries, CTEs, set operations, EXISTS and eager loads need no cases of their own.
Targets of UPDATE and DELETE get the predicate in their WHERE. The predicate's value is a bind
parameter read at execution: a cached statement serves all tenants and carries none. Nothing here
is trusted: `gate` has `scan` prove every statement that goes out.
"""

from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, select
from sqlalchemy.engine import Engine
from sqlalchemy.sql import and_, elements
from sqlalchemy.sql.compiler import SQLCompiler

from portal.core.db import Base
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.models import GLOBAL_TABLES, TenantId

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
    """Mix-in over a dialect's statement compiler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.own_parameters = self._own_parameters()

    def visit_table(self, table: Any, *args: Any, **kwargs: Any) -> Any:
        rendered = super().visit_table(table, *args, **kwargs)
        if table not in tenant_tables() or not kwargs.get("asfrom") or kwargs.get("iscrud"):
            return rendered
        name = self.preparer.quote(table.name)
        own = self.process(_is_own(table))
        subselect = f"(SELECT * FROM {name} WHERE {own})"  # noqa: S608  # both rendered here
        enclosing_alias = kwargs.get("enclosing_alias")
        if enclosing_alias is not None and enclosing_alias.element is table:
            return subselect
        alias = rendered.removeprefix(name) or self.get_render_as_alias_suffix(name)
        return subselect + alias

    def visit_insert(self, insert_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        """INSERT FROM SELECT reads a subselect, to which SQLAlchemy adds the tenant's column."""
        if insert_stmt.table in tenant_tables() and insert_stmt.select is not None:
            insert_stmt = insert_stmt._clone()
            insert_stmt.select = select(*insert_stmt.select.subquery().c)
        return super().visit_insert(insert_stmt, *args, **kwargs)

    def visit_update(self, update_stmt: Any, *args: Any, **kwargs: Any) -> str:
        return super().visit_update(_bounded(update_stmt), *args, **kwargs)

    def visit_delete(self, delete_stmt: Any, *args: Any, **kwargs: Any) -> Any:
        return super().visit_delete(_bounded(delete_stmt), *args, **kwargs)

    def _own_parameters(self) -> frozenset[str]:
        """The placeholders that can hold nothing but the bound tenant's id, as `TenantId` compares.

        One whose name is also somebody else's, or could become so, is not among them.
        """
        own: set[str] = set()
        others = {*self.escaped_bind_names, *self.escaped_bind_names.values()}
        for parameter, name in self.bind_names.items():
            is_own = type(parameter.type.dialect_impl(self.dialect)) is TenantId
            (own if is_own else others).add(name)
        return frozenset(
            name for name in own - others if not any(o.startswith(f"{name}__") for o in others)
        )


def _bounded(statement: Any) -> Any:
    """An UPDATE or DELETE with the predicate before its own criteria, those in parentheses."""
    if statement.table not in tenant_tables():
        return statement
    bounded = statement._clone()
    bounded._where_criteria = (_is_own(statement.table),)
    if statement._where_criteria:
        bounded._where_criteria += (elements.Grouping(and_(*statement._where_criteria)),)
    return bounded


def _is_own(table: Any) -> elements.ColumnElement[bool]:
    own = bindparam(PARAMETER, callable_=bound_tenant_id, type_=TenantId())
    predicate: elements.ColumnElement[bool] = table.c.tenant_id == own
    return predicate


def guard_engine(engine: Engine) -> None:
    """Have every statement that `engine` compiles carry the bound tenant."""
    dialect = engine.dialect
    base = dialect.statement_compiler
    dialect.statement_compiler = type(f"Guarded{base.__name__}", (TenantGuard, base), {})
    if dialect.positional:  # only placeholders with names can be told from each other
        dialect.paramstyle, dialect.positional = "named", False
