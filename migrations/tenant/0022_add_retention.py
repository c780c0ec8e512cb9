"""Keep retention rules, legal holds and requests for erasure, and say when the trash is emptied.

What lies in the trash already gets thirty days from now: nobody was told that it would go.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl, wall_lifted

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLES = ("retention_rule", "legal_hold", "retention_anchor", "erasure_request")
TRASH_DAYS = 30


def upgrade() -> None:
    for table in ("folder", "document"):
        op.add_column(table, sa.Column("purge_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(f"ix_{table}_purge_at", table, ["tenant_id", "purge_at"], unique=False)
        _give_time(table)
    _add_trash_days()
    _create_rules()
    _create_holds()
    _create_anchors()
    _create_erasures()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def _give_time(table: str) -> None:
    rows = sa.table(
        table,
        sa.column("trashed_at", sa.DateTime(timezone=True)),
        sa.column("purge_at", sa.DateTime(timezone=True)),
    )
    purge_at = datetime.now(UTC) + timedelta(days=TRASH_DAYS)
    with wall_lifted(op.get_bind(), table):
        op.execute(rows.update().where(rows.c.trashed_at.is_not(None)).values(purge_at=purge_at))


def _add_trash_days() -> None:
    days = sa.Column("trash_days", sa.Integer(), nullable=False, server_default=str(TRASH_DAYS))
    op.add_column("document_policy", days)
    with op.batch_alter_table("document_policy") as table:
        table.alter_column("trash_days", server_default=None)


def _create_rules() -> None:
    op.create_table(
        "retention_rule",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=True),
        sa.Column("delete_days", sa.Integer(), nullable=True),
        sa.Column("prune_days", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "keep_days IS NOT NULL OR delete_days IS NOT NULL OR prune_days IS NOT NULL",
            name=op.f("ck_retention_rule_says_something"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "folder_id"],
            ["folder.tenant_id", "folder.id"],
            name=op.f("fk_retention_rule_tenant_id_folder_id_folder"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_retention_rule")),
    )
    table = "retention_rule"
    _once("uq_retention_rule_on_folder", table, "folder_id IS NOT NULL", "folder_id", "media_type")
    _once("uq_retention_rule_tenant_wide", table, "folder_id IS NULL", "media_type")


def _create_holds() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("matter_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("placed_by", sa.Uuid(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_legal_hold")),
    )
    op.create_index("ix_legal_hold_released_at", "legal_hold", ["tenant_id", "released_at"])


def _create_anchors() -> None:
    table = "retention_anchor"
    op.create_table(
        table,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("is_carried", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(hold_id IS NULL) <> (rule_id IS NULL)", name=op.f("ck_retention_anchor_of_one")
        ),
        sa.CheckConstraint(
            "kind IN ('user', 'folder', 'document')", name=op.f("ck_retention_anchor_kind")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "hold_id"],
            ["legal_hold.tenant_id", "legal_hold.id"],
            name=op.f("fk_retention_anchor_tenant_id_hold_id_legal_hold"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "rule_id"],
            ["retention_rule.tenant_id", "retention_rule.id"],
            name=op.f("fk_retention_anchor_tenant_id_rule_id_retention_rule"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_retention_anchor")),
    )
    for column in ("thing_id", "hold_id", "rule_id"):
        op.create_index(f"ix_retention_anchor_{column}", table, ["tenant_id", column])


def _create_erasures() -> None:
    op.create_table(
        "erasure_request",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("wants_documents", sa.Boolean(), nullable=False),
        sa.Column("wants_account", sa.Boolean(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("account_erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'granted', 'refused')", name=op.f("ck_erasure_request_state")
        ),
        sa.CheckConstraint(
            "wants_documents OR wants_account", name=op.f("ck_erasure_request_wants_something")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_erasure_request_tenant_id_user_id_user_account"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erasure_request")),
    )
    _once("uq_erasure_request_open", "erasure_request", "state = 'open'", "user_id")
    op.create_index("ix_erasure_request_state", "erasure_request", ["tenant_id", "state", "id"])


def _once(name: str, table: str, where: str, *columns: str) -> None:
    op.create_index(
        name,
        table,
        ["tenant_id", *columns],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column("document_policy", "trash_days")
    for table in ("document", "folder"):
        op.drop_index(f"ix_{table}_purge_at", table_name=table)
        op.drop_column(table, "purge_at")
