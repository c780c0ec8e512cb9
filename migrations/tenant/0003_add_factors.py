"""Let people have several factors, and sessions tell which they have given."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    "passkey",
    "recovery_code",
    "ceremony",
    "pending_reset",
)


def upgrade() -> None:
    with op.batch_alter_table("totp_device") as table:
        table.add_column(
            sa.Column("name", sa.String(length=60), nullable=False, server_default="Authenticator")
        )
        table.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
        table.drop_constraint(op.f("uq_totp_device_tenant_id_user_id"), type_="unique")
        table.create_index("ix_totp_device_user_id", ["tenant_id", "user_id"])
    with op.batch_alter_table("user_session") as table:
        # Sessions that are open have to give their second factor once more.
        table.add_column(
            sa.Column(
                "first_factor", sa.String(length=20), nullable=False, server_default="password"
            )
        )
        table.add_column(sa.Column("second_factor", sa.String(length=20), nullable=True))
        table.add_column(
            sa.Column(
                "proved_at",
                sa.DateTime(timezone=True),
                nullable=False,
                server_default="1970-01-01 00:00:00",
            )
        )
        table.drop_column("assurance")
        table.drop_column("factor_at")
    with op.batch_alter_table("totp_device") as table:
        table.alter_column("name", server_default=None)
    with op.batch_alter_table("user_session") as table:
        table.alter_column("first_factor", server_default=None)
        table.alter_column("proved_at", server_default=None)
    op.create_table(
        "passkey",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("is_synced", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_passkey_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_passkey")),
        sa.UniqueConstraint(
            "tenant_id", "credential_id", name=op.f("uq_passkey_tenant_id_credential_id")
        ),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "recovery_code",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("time_cost", sa.Integer(), nullable=False),
        sa.Column("memory_kib", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_recovery_code_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint(
            "tenant_id",
            "user_id",
            "code_hash",
            name=op.f("uq_recovery_code_tenant_id_user_id_code_hash"),
        ),
    )
    op.create_table(
        "ceremony",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("payload_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "session_id"],
            ["user_session.tenant_id", "user_session.id"],
            name=op.f("fk_ceremony_tenant_id_session_id_user_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_ceremony")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_ceremony_tenant_id_token_hash")
        ),
    )
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
    op.create_index(
        "uq_pending_reset_waiting",
        "pending_reset",
        ["tenant_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("decision IS NULL"),
        postgresql_where=sa.text("decision IS NULL"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("user_session") as table:
        table.add_column(sa.Column("factor_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(
            sa.Column("assurance", sa.String(length=40), nullable=False, server_default="password")
        )
        table.drop_column("proved_at")
        table.drop_column("second_factor")
        table.drop_column("first_factor")
    with op.batch_alter_table("user_session") as table:
        table.alter_column("assurance", server_default=None)
    with op.batch_alter_table("totp_device") as table:
        table.drop_index("ix_totp_device_user_id")
        table.create_unique_constraint(
            op.f("uq_totp_device_tenant_id_user_id"), ["tenant_id", "user_id"]
        )
        table.drop_column("last_used_at")
        table.drop_column("name")
    for table in reversed(TABLES):
        op.drop_table(table)
