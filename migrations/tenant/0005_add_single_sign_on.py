"""Add identity providers, and what has to be remembered of them."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    "identity_provider",
    "external_identity",
    "sso_session",
    "seen_logout_token",
    "break_glass_code",
)


def upgrade() -> None:
    with op.batch_alter_table("role_assignment") as table:
        table.add_column(
            sa.Column("is_from_claim", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("role_assignment") as table:
        table.alter_column("is_from_claim", server_default=None)
    op.create_table(
        "identity_provider",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("client_id", sa.String(length=300), nullable=False),
        sa.Column("client_secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("allowed_domains", sa.JSON(), nullable=False),
        sa.Column("default_role", sa.String(length=60), nullable=True),
        sa.Column("groups_claim", sa.String(length=60), nullable=False),
        sa.Column("group_roles", sa.JSON(), nullable=False),
        sa.Column("trusts_mfa", sa.Boolean(), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'tested', 'offered')", name=op.f("ck_identity_provider_state")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_identity_provider")),
        sa.UniqueConstraint(
            "tenant_id", "issuer", name=op.f("uq_identity_provider_tenant_id_issuer")
        ),
    )
    op.create_table(
        "external_identity",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider_id"],
            ["identity_provider.tenant_id", "identity_provider.id"],
            name=op.f("fk_external_identity_tenant_id_provider_id_identity_provider"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_external_identity_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_external_identity")),
        sa.UniqueConstraint(
            "tenant_id",
            "issuer",
            "subject",
            name=op.f("uq_external_identity_tenant_id_issuer_subject"),
        ),
    )
    op.create_index(
        "ix_external_identity_user_id", "external_identity", ["tenant_id", "user_id"], unique=False
    )
    op.create_table(
        "sso_session",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("provider_session", sa.String(length=255), nullable=True),
        sa.Column("id_token_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider_id"],
            ["identity_provider.tenant_id", "identity_provider.id"],
            name=op.f("fk_sso_session_tenant_id_provider_id_identity_provider"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["user_session.tenant_id", "user_session.id"],
            name=op.f("fk_sso_session_tenant_id_session_id_user_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sso_session")),
        sa.UniqueConstraint(
            "tenant_id", "session_id", name=op.f("uq_sso_session_tenant_id_session_id")
        ),
    )
    op.create_index(
        "ix_sso_session_subject",
        "sso_session",
        ["tenant_id", "provider_id", "subject"],
        unique=False,
    )
    op.create_table(
        "seen_logout_token",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_seen_logout_token")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_seen_logout_token_tenant_id_token_hash")
        ),
    )
    op.create_table(
        "break_glass_code",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_break_glass_code")),
        sa.UniqueConstraint(
            "tenant_id", "code_hash", name=op.f("uq_break_glass_code_tenant_id_code_hash")
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("role_assignment") as table:
        table.drop_column("is_from_claim")
    for table in reversed(TABLES):
        op.drop_table(table)
