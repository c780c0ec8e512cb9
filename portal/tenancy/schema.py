"""Wall 3: whether every table obeys the rules that the other walls rely on.

`check_models` reads the models, when the portal starts; `check_catalogue` reads a database as it
is, so that a table, key, view or function that somebody planted there by hand is found as well.
"""

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from sqlalchemy import (
    Connection,
    ForeignKeyConstraint,
    Index,
    Table,
    UniqueConstraint,
    inspect,
    text,
)

from portal.core.db import Base
from portal.tenancy.errors import SchemaNotIsolated
from portal.tenancy.guard import tenant_table_names, tenant_tables
from portal.tenancy.log_wall import is_wall
from portal.tenancy.models import GLOBAL_TABLES, TenantId
from portal.tenancy.postgres import SETTING

VERSION_TABLES = frozenset({"schema_version_control", "schema_version_tenant"})
# The tables with triggers: they forbid UPDATE and DELETE, and prune (`log_wall`).
APPEND_ONLY = frozenset(
    {
        "audit_checkpoint",
        "audit_entry",
        "audit_leaf",
        "audit_node",
        "audit_pruning",
        "known_checkpoint",
    }
)
WORD = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Reference:
    """A foreign key: its pairs are (own column, column referred to)."""

    table: str
    pairs: frozenset[tuple[str | None, str | None]]
    on_delete: str | None


@dataclass(frozen=True)
class Shape:
    """What the rules look at of a table, be it of the models or of a database."""

    name: str
    is_nullable: dict[str, bool]  # by column
    primary_key: tuple[str, ...]
    unique_keys: dict[str, frozenset[str | None]]  # columns by the key's name
    references: tuple[Reference, ...]


def check_models() -> None:
    """Check the models' tables. Raises `SchemaNotIsolated`."""
    faults: list[str] = []
    for table in Base.metadata.tables.values():
        faults += broken_rules(_shape_of(table), tenant_table_names())
        if table.name not in GLOBAL_TABLES:
            if table not in tenant_tables():
                faults.append(f"{table.name}: was made after the query filter had been set up")
            if table.schema is not None or not WORD.fullmatch(table.name):
                faults.append(f"{table.name}: must have a plain name in lower case, and no schema")
            if "tenant_id" in table.c and not isinstance(table.c.tenant_id.type, TenantId):
                faults.append(f"{table.name}: tenant_id must be of the type TenantId")
    _refuse(faults)


def check_catalogue(connection: Connection) -> None:
    """Check the database at `connection` (of a system engine). Raises `SchemaNotIsolated`."""
    is_postgres = connection.dialect.name == "postgresql"
    faults = [*(_postgres_faults if is_postgres else _sqlite_faults)(connection)]
    for shape in _shapes_in(connection, _POSTGRES_KEYS if is_postgres else _SQLITE_KEYS):
        faults += broken_rules(shape, tenant_table_names())
    _refuse(faults)


def broken_rules(table: Shape, tenants: Set[str]) -> Iterator[str]:
    """What is wrong with `table`, where `tenants` are the names of the tenants' tables."""
    for reference in table.references:
        if reference.table in tenants:
            yield from _broken_by_reference(table.name, reference)
    if table.name not in tenants:
        return
    if table.is_nullable.get("tenant_id", True):
        yield f"{table.name}: tenant_id must be there and NOT NULL"
    if table.primary_key[:1] != ("tenant_id",):
        yield f"{table.name}: tenant_id must come first in the primary key"
    for key, columns in table.unique_keys.items():
        if "tenant_id" not in columns:
            yield f"{table.name}: the unique key {key} does not contain tenant_id"
    for column in tenants & table.is_nullable.keys():
        yield f"{table.name}: the column {column} has the name of a tenant's table"


def _broken_by_reference(name: str, reference: Reference) -> Iterator[str]:
    if ("tenant_id", "tenant_id") not in reference.pairs:
        yield f"{name}: a foreign key to {reference.table} does not pair tenant_id"
    if (reference.on_delete or "").upper() in ("SET NULL", "SET DEFAULT"):
        yield f"{name}: ON DELETE {reference.on_delete} would change tenant_id"


def _refuse(faults: list[str]) -> None:
    if faults:
        raise SchemaNotIsolated("; ".join(sorted(faults)))


def _shape_of(table: Table) -> Shape:
    keys: list[UniqueConstraint | Index] = [
        key for key in table.constraints if isinstance(key, UniqueConstraint)
    ]
    keys += [index for index in table.indexes if index.unique]
    return Shape(
        table.name,
        {column.name: bool(column.nullable) for column in table.c},
        tuple(column.name for column in table.primary_key),
        {str(key.name): frozenset(_plain_columns(key)) for key in keys},
        tuple(_references_of(table)),
    )


def _plain_columns(key: UniqueConstraint | Index) -> Iterator[str]:
    parts: Iterable[object] = key.expressions if isinstance(key, Index) else key.columns
    return (column.name for column in key.columns if any(part is column for part in parts))


def _references_of(table: Table) -> Iterator[Reference]:
    for key in table.constraints:
        if isinstance(key, ForeignKeyConstraint):
            pairs = frozenset((pair.parent.name, pair.column.name) for pair in key.elements)
            yield Reference(key.referred_table.name, pairs, key.ondelete)


_SQLITE_KEYS = """
    SELECT t.name, i.name, c.name
    FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
    WHERE t.type = 'table' AND i."unique"
"""
_POSTGRES_KEYS = """
    SELECT t.relname, i.relname, a.attname
    FROM pg_index x
    JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_class i ON i.oid = x.indexrelid
    CROSS JOIN unnest(x.indkey[0:x.indnkeyatts - 1]) AS part (number)
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part.number
    WHERE (x.indisunique OR x.indisexclusion) AND t.relnamespace = current_schema()::regnamespace
"""


def _shapes_in(connection: Connection, keys: str) -> Iterator[Shape]:
    inspector = inspect(connection)
    unique: dict[str, dict[str, set[str | None]]] = {}
    for table, key, column in connection.execute(text(keys)):
        unique.setdefault(table, {}).setdefault(key, set()).add(column)
    primary = inspector.get_multi_pk_constraint()
    references = inspector.get_multi_foreign_keys()
    for at, columns in inspector.get_multi_columns().items():
        yield Shape(
            at[1],
            {column["name"]: column["nullable"] for column in columns},
            tuple(primary[at]["constrained_columns"]),
            {key: frozenset(names) for key, names in unique.get(at[1], {}).items()},
            tuple(
                Reference(
                    key["referred_table"],
                    frozenset(
                        zip(key["constrained_columns"], key["referred_columns"], strict=True)
                    ),
                    key.get("options", {}).get("ondelete"),
                )
                for key in references[at]
            ),
        )


def _sqlite_faults(connection: Connection) -> Iterator[str]:
    objects = "SELECT type, name, tbl_name FROM sqlite_schema WHERE type <> 'index'"
    for kind, name, table in connection.execute(text(objects)):
        is_known = name.startswith("sqlite_") or (
            (kind == "table" and name in _known_tables())
            or (kind == "trigger" and _is_ours(name, table))
        )
        if not is_known:
            yield f"{name}: an unknown {kind}"


# Everything below looks at the schemas that are not PostgreSQL's own, less what came with an
# extension, which only a superuser can install.
_USERS_OWN = """
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {0}.oid AND d.deptype = 'e')
"""
_RELATIONS = f"""
    SELECT n.nspname = current_schema(), c.relname, c.relkind, r.relname,
           c.relrowsecurity AND c.relforcerowsecurity,
           ARRAY(SELECT concat_ws(' ', polname, polcmd, polpermissive, polroles,
                                  pg_get_expr(polqual, polrelid),
                                  pg_get_expr(polwithcheck, polrelid))
                 FROM pg_policy WHERE polrelid = c.oid)
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class r ON c.relispartition AND r.oid = pg_partition_root(c.oid)
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_USERS_OWN.format("c")}
"""
_FUNCTIONS = f"""
    SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef AND {_USERS_OWN.format("p")}
"""
_TRIGGERS = f"""
    SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND {_USERS_OWN.format("c")}
"""
_RULES = f"""
    SELECT w.rulename, c.relname FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE w.rulename <> '_RETURN' AND {_USERS_OWN.format("c")}
"""
_OWNED = f"(tenant_id = (current_setting('{SETTING}'::text))::uuid)"
_WALL = [f"tenant_wall * t {{0}} {_OWNED} {_OWNED}"]  # for all commands, permissive, for everybody
_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}


def _postgres_faults(connection: Connection) -> Iterator[str]:
    for is_ours, name, kind, root, is_forced, policies in connection.execute(text(_RELATIONS)):
        if kind not in ("r", "p") or not is_ours or (root or name) not in _known_tables():
            yield f"{name}: an unknown {_KINDS[kind]}"
        elif (root or name) in tenant_table_names() and not (is_forced and policies == _WALL):
            yield f"{name}: its row-level security is not the tenant's wall, and forced"
    for function, source in connection.execute(text(_FUNCTIONS)):
        if not is_wall(function, source):
            yield f"{function}: a SECURITY DEFINER function"
    for trigger, table in connection.execute(text(_TRIGGERS)):
        if not _is_ours(trigger, table):
            yield f"{trigger}: an unknown trigger"
    for rule, table in connection.execute(text(_RULES)):
        yield f"{table}: an unknown rule {rule}"


def _known_tables() -> Set[str]:
    return tenant_table_names() | GLOBAL_TABLES | VERSION_TABLES


def _is_ours(trigger: str, table: str) -> bool:
    return table in APPEND_ONLY and trigger.startswith(f"{table}_")
