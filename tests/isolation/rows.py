"""Rows for every table that belongs to tenants, made from its columns and foreign keys alone.

They are as mean as they can be: the same row number has the same id and the same unique values in
every tenant, so that whatever forgets the tenant finds several rows where there should be one;
everything else differs from tenant to tenant, so that a foreign row shows.
"""

import importlib
import pkgutil
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import Column, Table, UniqueConstraint

import portal
from portal.core.db import Base
from portal.tenancy.guard import tenant_tables

# Of these columns a check wants exactly one to be filled in: they take turns.
EITHER = {
    "role_assignment": ("user_id", "group_id"),
    "retention_anchor": ("hold_id", "rule_id"),
    "sharing_link": ("document_id", "folder_id"),
}

# What a check wants of these, and so can't be told apart by tenant.
FIXED: dict[tuple[str, str], Any] = {
    ("erasure_request", "wants_account"): True,
    ("integrity_finding", "fault"): "missing",
    ("alert_rule", "kind"): "match",
    ("log_destination", "kind"): "webhook",
    ("retention_anchor", "kind"): "folder",
    ("retention_rule", "keep_days"): 30,
}


def import_all_models() -> None:
    """Import every module of models there is, so that a new one is covered the day it is made."""
    for module in pkgutil.walk_packages(portal.__path__, "portal."):
        if module.name.endswith(".models"):
            importlib.import_module(module.name)


@cache
def tables_in_order() -> list[Table]:
    """The tenants' tables, each after those it refers to."""
    return [table for table in Base.metadata.sorted_tables if table in tenant_tables()]


def row_id(table: Table, number: int) -> UUID:
    """The id of a table's row of that number, in whichever tenant."""
    return uuid5(NAMESPACE_OID, f"{table.name}.{number}")


@cache
def count_of(table: Table, *, is_own: bool = True) -> int:
    """How many rows a tenant has. The one that is bound in the tests has one less than the others.

    A table that others refer to has two rows more than they, so that two more rows of theirs find
    what they refer to.
    """
    below = [t for t in tenant_tables() if t is not table and _refers(t, table)]
    return 3 + (not is_own) + max((count_of(t) - 1 for t in below), default=0)


def new_row(table: Table, number: int, marker: str) -> dict[str, Any]:
    """All values of a row but tenant_id. `marker` tells tenants apart."""
    return {
        column.name: _value(column, number, marker)
        for column in table.c
        if column.name != "tenant_id"
    }


def free_columns(table: Table) -> list[Column[Any]]:
    """The columns that may hold any value: no key of any kind, no check, no fixed set."""
    return [
        column
        for column in table.c
        if not column.primary_key
        and not column.foreign_keys
        and not _is_unique(column)
        and (table.name, column.name) not in FIXED
        and not (column.default is not None and column.default.is_scalar)
        and type(column.type).__name__ != "JSON"  # PostgreSQL can't compare or group it
    ]


def stands_alone(table: Table) -> bool:
    """Whether no foreign key leads from the table or to it."""
    return not table.foreign_keys and not any(_refers(other, table) for other in tenant_tables())


def _refers(table: Table, to: Table) -> bool:
    return any(key.column.table is to for key in table.foreign_keys)


def _value(column: Column[Any], number: int, marker: str) -> Any:
    table = column.table
    if column.name == "id":
        return row_id(table, number)
    if column.name in (either := EITHER.get(table.name, ())):
        is_its_turn = column.name == either[number % len(either)]
        return row_id(_target(column), number) if is_its_turn else None
    if column.foreign_keys:
        return _reference(column, number)
    if (table.name, column.name) in FIXED:
        return FIXED[table.name, column.name]
    return _plain(column, number, marker)


def _plain(column: Column[Any], number: int, marker: str) -> Any:
    if number == 0 and column.nullable:
        return None
    if column.default is not None and column.default.is_scalar:
        return column.default.arg
    if _is_unique(column):
        marker = ""
    return _of_type(column, number, marker)


def _reference(column: Column[Any], number: int) -> UUID | None:
    """Row n refers to row n, or in its own table to the one before; a nullable first to none."""
    target = _target(column)
    if target is column.table:
        number -= 1
    is_none = number < 0 or (number == 0 and column.nullable)
    return None if is_none else row_id(target, number)


def _target(column: Column[Any]) -> Table:
    return next(iter(column.foreign_keys)).column.table


def _of_type(column: Column[Any], number: int, marker: str) -> Any:
    words = f"{column.name} {number} {marker}".strip()
    of_type: dict[type, Any] = {
        UUID: uuid5(NAMESPACE_OID, words),
        str: words[: getattr(column.type, "length", None)],
        bytes: words.encode(),
        int: number * 10 + len(marker),
        bool: bool(number % 2),
        float: number + 0.5,
        datetime: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number, hours=len(marker)),
        object: {"words": words},  # JSON
    }
    return of_type[getattr(column.type, "impl_instance", column.type).python_type]


def _is_unique(column: Column[Any]) -> bool:
    keys = [c for c in column.table.constraints if isinstance(c, UniqueConstraint)]
    keys += [index for index in column.table.indexes if index.unique]
    return any(column.name in key.columns for key in keys)
