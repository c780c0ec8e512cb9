"""Keep sharing links, the visits by which they are used, and what a tenant allows of them."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("link_policy", "sharing_link", "link_visit", "link_code", "link_use")


def upgrade() -> None:
    _create_policy()
    _create_links()
    _create_visits()
    _create_codes()
    _create_uses()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def _create_policy() -> None:
    op.create_table(
        "link_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("max_days", sa.Integer(), nullable=False),
        sa.Column("is_lock_required", sa.Boolean(), nullable=False),
        sa.Column("is_view_only", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_link_policy")),
    )


def _create_links() -> None:
    op.create_table(
        "sharing_link",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("version_number", sa.Integer(), nullable=True),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("note_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("audience", sa.String(length=10), nullable=False),
        sa.Column("recipients_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("max_file_mib", sa.Integer(), nullable=True),
        sa.Column("endings", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(document_id IS NULL) <> (folder_id IS NULL)", name=op.f("ck_sharing_link_target")
        ),
        sa.CheckConstraint(
            "max_uses IS NULL OR uses <= max_uses", name=op.f("ck_sharing_link_uses")
        ),
        _within("sharing_link", "document_id", "document"),
        _within("sharing_link", "folder_id", "folder"),
        _within("sharing_link", "created_by", "user_account"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sharing_link")),
        sa.UniqueConstraint(
            "tenant_id", "secret_hash", name=op.f("uq_sharing_link_tenant_id_secret_hash")
        ),
    )
    _index("sharing_link", "created_by", "id")
    for column in ("document_id", "folder_id", "expires_at"):
        _index("sharing_link", column)


def _create_visits() -> None:
    op.create_table(
        "link_visit",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("has_password", sa.Boolean(), nullable=False),
        sa.Column("recipient_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _within("link_visit", "link_id", "sharing_link"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_link_visit")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_link_visit_tenant_id_token_hash")
        ),
    )
    for column in ("link_id", "expires_at"):
        _index("link_visit", column)


def _create_codes() -> None:
    op.create_table(
        "link_code",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _within("link_code", "link_id", "sharing_link"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_link_code")),
    )
    for column in ("link_id", "expires_at"):
        _index("link_code", column)


def _create_uses() -> None:
    op.create_table(
        "link_use",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deed", sa.String(length=10), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("who_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        _within("link_use", "link_id", "sharing_link"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_link_use")),
    )
    _index("link_use", "link_id", "id")


def _within(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{other}.tenant_id", f"{other}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}_{other}"),
        ondelete="CASCADE",
    )


def _index(table: str, column: str, *more: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, ["tenant_id", column, *more], unique=False)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
