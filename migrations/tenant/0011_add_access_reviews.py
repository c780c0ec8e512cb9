"""Keep access reviews with their lines and signed results, and the keys that tenants sign with."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = (
    "access_review",
    "access_reviewer",
    "review_answer",
    "review_line",
    "review_result_part",
    "signing_key",
)


def upgrade() -> None:
    _create_signing_keys()
    _create_reviews()
    _create_reviewers()
    _create_lines()
    _create_answers()
    _create_results()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def _create_signing_keys() -> None:
    op.create_table(
        "signing_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_signing_key")),
    )
    op.create_index(
        "uq_signing_key_live",
        "signing_key",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )


def _create_reviews() -> None:
    op.create_table(
        "access_review",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("on_unanswered", sa.String(length=10), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("follows_id", sa.Uuid(), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalation_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("result_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'closed', 'cancelled')", name=op.f("ck_access_review_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "follows_id"],
            ["access_review.tenant_id", "access_review.id"],
            name=op.f("fk_access_review_tenant_id_follows_id_access_review"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "key_id"],
            ["signing_key.tenant_id", "signing_key.id"],
            name=op.f("fk_access_review_tenant_id_key_id_signing_key"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_access_review")),
    )
    op.create_index(
        "ix_access_review_due_at", "access_review", ["tenant_id", "state", "due_at"], unique=False
    )
    op.create_index(
        "ix_access_review_next_at", "access_review", ["tenant_id", "next_at"], unique=False
    )


def _create_reviewers() -> None:
    op.create_table(
        "access_reviewer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "review_id"],
            ["access_review.tenant_id", "access_review.id"],
            name=op.f("fk_access_reviewer_tenant_id_review_id_access_review"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_access_reviewer_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_access_reviewer")),
        sa.UniqueConstraint(
            "tenant_id",
            "review_id",
            "user_id",
            name=op.f("uq_access_reviewer_tenant_id_review_id_user_id"),
        ),
    )
    op.create_index(
        "ix_access_reviewer_user_id", "access_reviewer", ["tenant_id", "user_id"], unique=False
    )


def _create_lines() -> None:
    op.create_table(
        "review_line",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("holder_name", sa.String(length=200), nullable=False),
        sa.Column("group_name", sa.String(length=60), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=True),
        sa.Column("role_names", sa.JSON(), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("folder_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granter_name", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("is_fed", sa.Boolean(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("is_escalated", sa.Boolean(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=True),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "review_id"],
            ["access_review.tenant_id", "access_review.id"],
            name=op.f("fk_review_line_tenant_id_review_id_access_review"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_review_line")),
        sa.UniqueConstraint(
            "tenant_id",
            "review_id",
            "number",
            name=op.f("uq_review_line_tenant_id_review_id_number"),
        ),
    )
    op.create_index(
        "ix_review_line_reviewer_id",
        "review_line",
        ["tenant_id", "review_id", "reviewer_id", "number"],
        unique=False,
    )


def _create_answers() -> None:
    op.create_table(
        "review_answer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["review_line.tenant_id", "review_line.id"],
            name=op.f("fk_review_answer_tenant_id_line_id_review_line"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_review_answer")),
    )
    op.create_index(
        "ix_review_answer_line_id", "review_answer", ["tenant_id", "line_id", "id"], unique=False
    )


def _create_results() -> None:
    op.create_table(
        "review_result_part",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "review_id"],
            ["access_review.tenant_id", "access_review.id"],
            name=op.f("fk_review_result_part_tenant_id_review_id_access_review"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_review_result_part")),
        sa.UniqueConstraint(
            "tenant_id",
            "review_id",
            "number",
            name=op.f("uq_review_result_part_tenant_id_review_id_number"),
        ),
    )


def downgrade() -> None:
    for table in (
        "review_result_part",
        "review_answer",
        "review_line",
        "access_reviewer",
        "access_review",
        "signing_key",
    ):
        op.drop_table(table)
