"""Give every entry of the log its place in a Merkle tree, and keep what is personal apart from it.

Entries that are there already are treated as new ones are: the address and what is personal of the
details go to `audit_aside`, in the entry's bytes there is a commitment to them instead. They are
numbered in the order of their ids. What was changed in them before nothing shows.
"""

import secrets
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.audit.tlog.bodies import SALT_BYTES, body_of, commitment_to, opened, part
from portal.audit.tlog.hashes import leaf_hash
from portal.core.db import UtcDateTime
from portal.tenancy.postgres import policy_ddl, wall_lifted

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ADDED_ONLY = ("audit_leaf", "audit_node", "audit_checkpoint")
BATCH_SIZE = 1000
NEW_OR_GONE = ("address", "commitment", "leaf_hash")

# On PostgreSQL the sequencer does it: see portal.audit.tlog.numbering.
NUMBER_AT_ONCE = """
CREATE TRIGGER audit_entry_number AFTER INSERT ON audit_entry BEGIN
INSERT INTO audit_leaf (tenant_id, id, number, hash) VALUES (NEW.tenant_id, NEW.id, coalesce((
SELECT number + 1 FROM audit_leaf WHERE tenant_id = NEW.tenant_id ORDER BY number DESC LIMIT 1
), 0), NEW.leaf_hash); END
"""

ENTRY = sa.table(
    "audit_entry",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("id", sa.Uuid()),
    sa.column("at", UtcDateTime()),
    sa.column("action", sa.String()),
    sa.column("outcome", sa.String()),
    sa.column("actor_kind", sa.String()),
    sa.column("actor_id", sa.Uuid()),
    sa.column("target", sa.String()),
    sa.column("request_id", sa.Uuid()),
    sa.column("told", sa.JSON()),
    sa.column("address", sa.String()),
    sa.column("commitment", sa.LargeBinary()),
    sa.column("leaf_hash", sa.LargeBinary()),
)
ASIDE = sa.table(
    "audit_aside",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("id", sa.Uuid()),
    sa.column("is_waiting", sa.Boolean()),
    sa.column("salt", sa.LargeBinary()),
    sa.column("personal", sa.JSON(none_as_null=True)),
)
LEAF = sa.table(
    "audit_leaf",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("id", sa.Uuid()),
    sa.column("number", sa.BigInteger()),
    sa.column("hash", sa.LargeBinary()),
)
KEY = sa.tuple_(ENTRY.c.tenant_id, ENTRY.c.id)


def upgrade() -> None:
    _create_tables()
    op.execute("ALTER TABLE audit_entry RENAME COLUMN detail TO told")
    op.add_column("audit_entry", sa.Column("commitment", sa.LargeBinary(length=32), nullable=True))
    op.add_column("audit_entry", sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=True))
    _let_entries_change()
    with wall_lifted(op.get_bind(), "audit_entry"):
        _number_entries()
    with op.batch_alter_table("audit_entry") as table:  # on SQLite a new one, without triggers
        table.alter_column("leaf_hash", nullable=False)
        table.drop_column("address")
    _let_nothing_change("audit_entry", "UPDATE", "DELETE")
    for table in ADDED_ONLY:
        _let_nothing_change(table, "UPDATE", "DELETE")
    if op.get_bind().dialect.name == "sqlite":
        _let_no_entry_be_replaced()
        op.execute(NUMBER_AT_ONCE)
    if op.get_bind().dialect.name == "postgresql":
        for table in ("audit_aside", *ADDED_ONLY):
            for statement in policy_ddl(table):
                op.execute(statement)


def _create_tables() -> None:
    _create(
        "audit_aside",
        sa.Column("is_waiting", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=32), nullable=True),
        sa.Column("personal", sa.JSON(none_as_null=True), nullable=True),
    )
    op.create_index(
        "ix_audit_aside_is_waiting",
        "audit_aside",
        ["tenant_id", "id"],
        sqlite_where=sa.text("is_waiting"),
        postgresql_where=sa.text("is_waiting"),
    )
    _create(
        "audit_leaf",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_audit_leaf_tenant_id_number")),
    )
    _create(
        "audit_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.UniqueConstraint(
            "tenant_id", "level", "position", name=op.f("uq_audit_node_tenant_id_level_position")
        ),
    )
    _create(
        "audit_checkpoint",
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signing_key_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "tenant_id", "origin", "size", name=op.f("uq_audit_checkpoint_tenant_id_origin_size")
        ),
    )


def _create(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{name}")),
    )


def _number_entries() -> None:
    connection, tenant_id, number = op.get_bind(), None, 0
    for rows in _batches(ENTRY.c.address):
        asides, leaves = [], []
        for row in rows:
            number = number + 1 if row.tenant_id == tenant_id else 0
            tenant_id = row.tenant_id
            owner = {"tenant_id": row.tenant_id, "id": row.id}
            told, words = part(row.told)
            personal = opened(row.address, words)
            salt = secrets.token_bytes(SALT_BYTES) if personal else None
            new = {"told": told, "commitment": commitment_to(salt, personal) if salt else None}
            new["leaf_hash"] = leaf_hash(body_of(SimpleNamespace(**{**as_dict(row), **new})))
            change = ENTRY.update().where(ENTRY.c.tenant_id == row.tenant_id)
            connection.execute(change.where(ENTRY.c.id == row.id).values(new))
            asides.append(
                {**owner, "is_waiting": False, "salt": salt, "personal": personal or None}
            )
            leaves.append({**owner, "number": number, "hash": new["leaf_hash"]})
        connection.execute(ASIDE.insert(), asides)
        connection.execute(LEAF.insert(), leaves)


def as_dict(row: Any) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001  # public despite its name


def _batches(*more: Any) -> Iterator[Sequence[Any]]:
    """All entries, tenant by tenant, in the order of their ids."""
    columns = [*(c for c in ENTRY.c if c.name not in NEW_OR_GONE), *more]
    after = None
    while True:
        statement = sa.select(*columns).order_by(ENTRY.c.tenant_id, ENTRY.c.id).limit(BATCH_SIZE)
        if after is not None:
            given = (sa.literal(value, sa.Uuid()) for value in after)
            statement = statement.where(sa.tuple_(*given) < KEY)
        rows = op.get_bind().execute(statement).all()
        if not rows:
            return
        yield rows
        after = rows[-1].tenant_id, rows[-1].id


def _let_entries_change() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_entry_no_update")


def _let_nothing_change(table: str, *acts: str) -> None:
    """On PostgreSQL the portal's role lacks the rights for it."""
    if op.get_bind().dialect.name == "sqlite":
        for act in acts:
            op.execute(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )


def _let_no_entry_be_replaced() -> None:
    """As 0001 has it."""
    op.execute(
        "CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry "
        "WHEN EXISTS (SELECT 1 FROM audit_entry "
        "WHERE tenant_id = NEW.tenant_id AND id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )


def downgrade() -> None:
    """What was erased stays so."""
    op.add_column("audit_entry", sa.Column("address", sa.String(length=45), nullable=True))
    _let_entries_change()
    with wall_lifted(op.get_bind(), "audit_entry"), wall_lifted(op.get_bind(), "audit_aside"):
        _merge_entries()
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_entry_number")
    op.drop_column("audit_entry", "commitment")
    op.drop_column("audit_entry", "leaf_hash")
    op.execute("ALTER TABLE audit_entry RENAME COLUMN told TO detail")
    _let_nothing_change("audit_entry", "UPDATE")
    for table in ("audit_aside", *ADDED_ONLY):
        op.drop_table(table)


def _merge_entries() -> None:
    connection = op.get_bind()
    kept = sa.select(ASIDE.c.personal).where(
        ASIDE.c.tenant_id == ENTRY.c.tenant_id, ASIDE.c.id == ENTRY.c.id
    )
    for rows in _batches(kept.scalar_subquery().label("personal")):
        for row in rows:
            change = ENTRY.update().where(ENTRY.c.tenant_id == row.tenant_id)
            personal = dict(row.personal or {})
            values = {"address": personal.pop("address", None), "told": {**row.told, **personal}}
            connection.execute(change.where(ENTRY.c.id == row.id).values(values))
