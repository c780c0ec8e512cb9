"""Create the tables of tenants, each behind its wall."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "attempt_window",
    "audit_entry",
    "document",
    "document_version",
    "folder",
    "invitation",
    "job",
    "password_credential",
    "role_assignment",
    "tenant_key",
    "totp_device",
    "user_account",
    "user_session",
)


def upgrade() -> None:
    op.create_table(
        "attempt_window",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attempt_window")),
        sa.UniqueConstraint(
            "tenant_id",
            "subject_hash",
            "window",
            name=op.f("uq_attempt_window_tenant_id_subject_hash_window"),
        ),
    )
    op.create_table(
        "audit_entry",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_action", "audit_entry", ["tenant_id", "action", "id"], unique=False
    )
    op.create_index(
        "ix_audit_entry_actor_id", "audit_entry", ["tenant_id", "actor_id", "id"], unique=False
    )
    op.create_index(
        "ix_audit_entry_outcome", "audit_entry", ["tenant_id", "outcome", "id"], unique=False
    )
    op.create_index(
        "ix_audit_entry_target", "audit_entry", ["tenant_id", "target", "id"], unique=False
    )
    op.create_table(
        "folder",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trashed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "parent_id"],
            ["folder.tenant_id", "folder.id"],
            name=op.f("fk_folder_tenant_id_parent_id_folder"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_folder")),
    )
    op.create_index(
        "ix_folder_parent_id", "folder", ["tenant_id", "parent_id", "trashed_at"], unique=False
    )
    op.create_table(
        "job",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due_at", "job", ["tenant_id", "done_at", "due_at"], unique=False)
    op.create_table(
        "tenant_key",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped_seed", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tenant_key")),
        sa.UniqueConstraint("tenant_id", "version", name=op.f("uq_tenant_key_tenant_id_version")),
    )
    op.create_table(
        "user_account",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('invited', 'active', 'deactivated')", name=op.f("ck_user_account_state")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_user_account_tenant_id_email")),
    )
    op.create_table(
        "document",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("trashed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trashed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "created_by"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_document_tenant_id_created_by_user_account"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "folder_id"],
            ["folder.tenant_id", "folder.id"],
            name=op.f("fk_document_tenant_id_folder_id_folder"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_document")),
    )
    op.create_index("ix_document_created_by", "document", ["tenant_id", "created_by"], unique=False)
    op.create_index(
        "ix_document_folder_id",
        "document",
        ["tenant_id", "folder_id", "trashed_at", "updated_at", "id"],
        unique=False,
    )
    op.create_table(
        "invitation",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_invitation_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_invitation")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_invitation_tenant_id_token_hash")
        ),
    )
    op.create_index("ix_invitation_user_id", "invitation", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "password_credential",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_password_credential_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_password_credential")),
        sa.UniqueConstraint(
            "tenant_id", "user_id", name=op.f("uq_password_credential_tenant_id_user_id")
        ),
    )
    op.create_table(
        "role_assignment",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("folder_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "folder_id"],
            ["folder.tenant_id", "folder.id"],
            name=op.f("fk_role_assignment_tenant_id_folder_id_folder"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_role_assignment_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_role_assignment")),
    )
    op.create_index(
        "ix_role_assignment_folder_id", "role_assignment", ["tenant_id", "folder_id"], unique=False
    )
    op.create_index(
        "ix_role_assignment_role", "role_assignment", ["tenant_id", "role"], unique=False
    )
    op.create_index(
        "uq_role_assignment_scoped",
        "role_assignment",
        ["tenant_id", "user_id", "role", "folder_id"],
        unique=True,
    )
    op.create_index(
        "uq_role_assignment_tenant_wide",
        "role_assignment",
        ["tenant_id", "user_id", "role"],
        unique=True,
        sqlite_where=sa.text("folder_id IS NULL"),
        postgresql_where=sa.text("folder_id IS NULL"),
    )
    op.create_table(
        "totp_device",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_totp_device_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_totp_device")),
        sa.UniqueConstraint("tenant_id", "user_id", name=op.f("uq_totp_device_tenant_id_user_id")),
    )
    op.create_table(
        "user_session",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("assurance", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("totp_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_user_session_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_user_session")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_user_session_tenant_id_token_hash")
        ),
    )
    op.create_index(
        "ix_user_session_user_id", "user_session", ["tenant_id", "user_id"], unique=False
    )
    op.create_table(
        "document_version",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("mode", sa.String(length=1), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "document_id"],
            ["document.tenant_id", "document.id"],
            name=op.f("fk_document_version_tenant_id_document_id_document"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_document_version")),
        sa.UniqueConstraint(
            "tenant_id",
            "document_id",
            "number",
            name=op.f("uq_document_version_tenant_id_document_id_number"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)
    else:
        _keep_the_log_as_it_is()


def downgrade() -> None:
    op.drop_table("document_version")
    op.drop_index("ix_user_session_user_id", table_name="user_session")
    op.drop_table("user_session")
    op.drop_table("totp_device")
    op.drop_index(
        "uq_role_assignment_tenant_wide",
        table_name="role_assignment",
        sqlite_where=sa.text("folder_id IS NULL"),
        postgresql_where=sa.text("folder_id IS NULL"),
    )
    op.drop_index("uq_role_assignment_scoped", table_name="role_assignment")
    op.drop_index("ix_role_assignment_role", table_name="role_assignment")
    op.drop_index("ix_role_assignment_folder_id", table_name="role_assignment")
    op.drop_table("role_assignment")
    op.drop_table("password_credential")
    op.drop_index("ix_invitation_user_id", table_name="invitation")
    op.drop_table("invitation")
    op.drop_index("ix_document_folder_id", table_name="document")
    op.drop_index("ix_document_created_by", table_name="document")
    op.drop_table("document")
    op.drop_table("user_account")
    op.drop_table("tenant_key")
    op.drop_index("ix_job_due_at", table_name="job")
    op.drop_table("job")
    op.drop_index("ix_folder_parent_id", table_name="folder")
    op.drop_table("folder")
    op.drop_index("ix_audit_entry_target", table_name="audit_entry")
    op.drop_index("ix_audit_entry_outcome", table_name="audit_entry")
    op.drop_index("ix_audit_entry_actor_id", table_name="audit_entry")
    op.drop_index("ix_audit_entry_action", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_table("attempt_window")


def _keep_the_log_as_it_is() -> None:
    """Entries are added and read. On PostgreSQL the portal's role lacks the rights for more."""
    op.execute(
        "CREATE TRIGGER audit_entry_no_replace BEFORE INSERT ON audit_entry "
        "WHEN EXISTS (SELECT 1 FROM audit_entry "
        "WHERE tenant_id = NEW.tenant_id AND id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_entry_no_{act.lower()} BEFORE {act} ON audit_entry "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        )
