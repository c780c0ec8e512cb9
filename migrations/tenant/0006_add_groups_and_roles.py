"""Let tenants make roles of their own and groups, and give roles to groups."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl, wall_lifted

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("custom_role", "group_membership", "member_group")


def upgrade() -> None:
    _create_roles()
    _create_groups()
    with wall_lifted(op.get_bind(), "role_assignment"):
        _change_assignments()
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def _create_roles() -> None:
    op.create_table(
        "custom_role",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("sentence", sa.String(length=200), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("is_scoped", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_custom_role")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_custom_role_tenant_id_key")),
    )


def _create_groups() -> None:
    op.create_table(
        "member_group",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_key", sa.String(length=60), nullable=False),
        sa.Column("sentence", sa.String(length=200), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=True),
        sa.Column("claim", sa.String(length=200), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(provider_id IS NULL) = (claim IS NULL)", name=op.f("ck_member_group_feed")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "provider_id"],
            ["identity_provider.tenant_id", "identity_provider.id"],
            name=op.f("fk_member_group_tenant_id_provider_id_identity_provider"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_member_group")),
        sa.UniqueConstraint(
            "tenant_id", "name_key", name=op.f("uq_member_group_tenant_id_name_key")
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "provider_id",
            "claim",
            name=op.f("uq_member_group_tenant_id_provider_id_claim"),
        ),
    )
    op.create_table(
        "group_membership",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "group_id"],
            ["member_group.tenant_id", "member_group.id"],
            name=op.f("fk_group_membership_tenant_id_group_id_member_group"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_group_membership_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_group_membership")),
        sa.UniqueConstraint(
            "tenant_id",
            "group_id",
            "user_id",
            name=op.f("uq_group_membership_tenant_id_group_id_user_id"),
        ),
    )
    op.create_index(
        "ix_group_membership_user_id",
        "group_membership",
        ["tenant_id", "user_id", "group_id"],
        unique=False,
    )


def _change_assignments() -> None:
    with op.batch_alter_table("role_assignment") as table:
        table.alter_column("user_id", existing_type=sa.Uuid(), nullable=True)
        table.add_column(sa.Column("group_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True))
        table.create_foreign_key(
            op.f("fk_role_assignment_tenant_id_group_id_member_group"),
            "member_group",
            ["tenant_id", "group_id"],
            ["tenant_id", "id"],
            ondelete="CASCADE",
        )
        table.create_check_constraint(
            op.f("ck_role_assignment_holder"), "(user_id IS NULL) <> (group_id IS NULL)"
        )
    _drop_indexes("uq_role_assignment_scoped", "uq_role_assignment_tenant_wide")
    for holder, name in (("user_id", ""), ("group_id", "group_")):
        _once(f"uq_role_assignment_{name}scoped", holder, "folder_id IS NOT NULL", "folder_id")
        _once(f"uq_role_assignment_{name}tenant_wide", holder, "folder_id IS NULL")
    op.create_index(
        "ix_role_assignment_expires_at",
        "role_assignment",
        ["tenant_id", "expires_at"],
        unique=False,
    )


def _once(name: str, holder: str, place: str, *more: str) -> None:
    condition = sa.text(f"{holder} IS NOT NULL AND {place}")
    op.create_index(
        name,
        "role_assignment",
        ["tenant_id", holder, "role", *more],
        unique=True,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _drop_indexes(*names: str) -> None:
    for name in names:
        op.drop_index(name, table_name="role_assignment")


def downgrade() -> None:
    """What groups hold has no place in the schema before, and goes."""
    with wall_lifted(op.get_bind(), "role_assignment"):
        _change_assignments_back()
    op.drop_table("group_membership")
    op.drop_table("member_group")
    op.drop_table("custom_role")


def _change_assignments_back() -> None:
    op.execute("DELETE FROM role_assignment WHERE user_id IS NULL")
    _drop_indexes(
        "uq_role_assignment_scoped",
        "uq_role_assignment_tenant_wide",
        "uq_role_assignment_group_scoped",
        "uq_role_assignment_group_tenant_wide",
        "ix_role_assignment_expires_at",
    )
    with op.batch_alter_table("role_assignment") as table:
        table.drop_constraint(op.f("ck_role_assignment_holder"), type_="check")
        table.drop_constraint(
            op.f("fk_role_assignment_tenant_id_group_id_member_group"), type_="foreignkey"
        )
        table.drop_column("noticed_at")
        table.drop_column("group_id")
        table.alter_column("user_id", existing_type=sa.Uuid(), nullable=False)
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
