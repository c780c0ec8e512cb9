"""Let acts of several kinds wait for a second person, and people ask for access.

What waited before has to be asked for anew: it lapses in three days anyway. The choice that two
admins agree to remove factors stays.
"""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl, wall_lifted

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = ("access_policy", "pending_act", "access_request")
WAITING = "decision IS NULL"


def upgrade() -> None:
    _create_access_policy()
    _create_pending_act()
    _create_access_request()
    with wall_lifted(op.get_bind(), "sign_in_policy"):
        op.execute(
            "INSERT INTO access_policy (tenant_id, id, needs_two, changed_at, changed_by)"
            " SELECT tenant_id, id, '[\"reset-factors\"]', changed_at, changed_by"
            " FROM sign_in_policy WHERE resets_need_two"
        )
    with op.batch_alter_table("sign_in_policy") as table:
        table.drop_column("resets_need_two")
    op.drop_table("pending_reset")
    _wall_in(*TABLES)


def _create_access_policy() -> None:
    op.create_table(
        "access_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("needs_two", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_access_policy")),
    )


def _create_pending_act() -> None:
    op.create_table(
        "pending_act",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pending_act")),
    )
    _once("uq_pending_act_waiting", "pending_act", WAITING, "kind", "target")


def _create_access_request() -> None:
    op.create_table(
        "access_request",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("permission", sa.String(length=60), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "folder_id"],
            ["folder.tenant_id", "folder.id"],
            name=op.f("fk_access_request_tenant_id_folder_id_folder"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_access_request_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_access_request")),
    )
    what, table = ("user_id", "permission"), "access_request"
    on_folder, nowhere = f"{WAITING} AND folder_id IS NOT NULL", f"{WAITING} AND folder_id IS NULL"
    _once("uq_access_request_on_folder", table, on_folder, *what, "folder_id")
    _once("uq_access_request_tenant_wide", table, nowhere, *what)
    op.create_index("ix_access_request_user_id", table, ["tenant_id", "user_id", "asked_at"])
    op.create_index("ix_access_request_decision", table, ["tenant_id", "decision", "id"])


def _once(name: str, table: str, where: str, *columns: str) -> None:
    op.create_index(
        name,
        table,
        ["tenant_id", *columns],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _wall_in(*tables: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            for statement in policy_ddl(table):
                op.execute(statement)


def downgrade() -> None:
    """Of the choice only what was known before stays."""
    with op.batch_alter_table("sign_in_policy") as table:
        table.add_column(
            sa.Column("resets_need_two", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("sign_in_policy") as table:
        table.alter_column("resets_need_two", server_default=None)
    with wall_lifted(op.get_bind(), "access_policy"), wall_lifted(op.get_bind(), "sign_in_policy"):
        op.execute(
            "UPDATE sign_in_policy SET resets_need_two = true WHERE EXISTS (SELECT 1"
            " FROM access_policy WHERE access_policy.tenant_id = sign_in_policy.tenant_id"
            " AND CAST(access_policy.needs_two AS TEXT) LIKE '%reset-factors%')"
        )
    for table in reversed(TABLES):
        op.drop_table(table)
    _create_pending_reset()
    _wall_in("pending_reset")


def _create_pending_reset() -> None:
    op.create_table(
        "pending_reset",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_pending_reset_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pending_reset")),
    )
    _once("uq_pending_reset_waiting", "pending_reset", WAITING, "user_id")
