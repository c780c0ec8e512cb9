"""The start-up check finds whatever breaks the rules that the walls rely on."""

from collections import Counter

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from portal.core.db import Base
from portal.tenancy import postgres, schema
from portal.tenancy.errors import SchemaNotIsolated
from portal.tenancy.log_wall import CARRY_OUT
from portal.tenancy.models import TenantId
from portal.tenancy.placement import system_engine
from tests.isolation import test_reads, test_relationships, test_writes
from tests.isolation.rows import tables_in_order
from tests.isolation.subjects import subjects
from tests.isolation.worlds import APP_ROLE, make_schema


def tenant_id(**options):
    return Column("tenant_id", TenantId, **{"primary_key": True, **options})


def row_id():
    return Column("id", Uuid, primary_key=True)


# --- models


def test_the_models_obey_the_rules():
    schema.check_models()


@pytest.fixture
def plant():
    """Adds a table to the models, for one test.

    They are checked before: whatever they are asked first is kept for as long as the process runs,
    and must not hold what is planted here.
    """
    schema.check_models()

    def add(*parts, name="planted", **options):
        Table(name, Base.metadata, *parts, **options)

    yield add
    planted = [table for table in Base.metadata.tables.values() if "planted" in table.name.lower()]
    for table in planted:
        Base.metadata.remove(table)


def test_a_table_that_came_after_the_filter_was_set_up_is_found(plant):
    plant(tenant_id(), row_id())
    with pytest.raises(SchemaNotIsolated, match="planted: was made after the query filter"):
        schema.check_models()


@pytest.mark.parametrize("name", ["Planted", "planted table", "x" * 60 + "planted"])
def test_a_table_with_a_name_that_the_proof_could_misread_is_found(plant, name):
    plant(tenant_id(), row_id(), name=name)
    with pytest.raises(SchemaNotIsolated, match=f"{name}: must have a plain name"):
        schema.check_models()


def test_a_table_in_a_schema_is_found(plant):
    plant(tenant_id(), row_id(), schema="elsewhere")
    with pytest.raises(SchemaNotIsolated, match="planted: must have a plain name"):
        schema.check_models()


def test_a_tenant_id_of_another_type_is_found(plant):
    plant(Column("tenant_id", Uuid, primary_key=True), row_id())
    with pytest.raises(SchemaNotIsolated, match="planted: tenant_id must be of the type TenantId"):
        schema.check_models()


def test_a_key_of_a_global_table_into_a_tenants_is_found(plant):
    plant(row_id(), Column("user_id", Uuid, ForeignKey("user_account.id")), name="planted")
    with pytest.raises(SchemaNotIsolated, match="planted: a foreign key to user_account"):
        schema.check_models()


def faults(*parts):
    """What is wrong with a table of these parts, beside an innocent one that it may refer to."""
    metadata = MetaData()
    Table("other", metadata, tenant_id(), row_id())
    table = Table("planted", metadata, *parts)
    return [*schema.broken_rules(schema._shape_of(table), {"planted", "other"})]


REFERRING = (tenant_id(), row_id(), Column("other_id", Uuid))


def test_a_table_that_obeys_has_no_faults():
    assert not faults(
        tenant_id(),
        row_id(),
        Column("other_id", Uuid),
        Column("name", String),
        UniqueConstraint("tenant_id", "name"),
        Index("x", "name"),
        Index("y", "tenant_id", "other_id", unique=True),
        ForeignKeyConstraint(
            ["tenant_id", "other_id"], ["other.tenant_id", "other.id"], ondelete="CASCADE"
        ),
    )


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ([row_id()], "NOT NULL"),
        ([tenant_id(primary_key=False, nullable=True), row_id()], "NOT NULL"),
        ([tenant_id(primary_key=False, nullable=False), row_id()], "first in the primary key"),
        ([row_id(), tenant_id()], "first in the primary key"),
        ([tenant_id(), row_id(), Column("name", String, unique=True)], "unique key"),
        ([tenant_id(), row_id(), Column("n", Integer), UniqueConstraint("n")], "unique key"),
        (
            [tenant_id(), row_id(), Column("n", Integer), Index("x", "n", unique=True)],
            "unique key x",
        ),
        (
            [tenant_id(), row_id(), Index("x", text("lower(tenant_id)"), unique=True)],
            "unique key x",
        ),
        (
            [tenant_id(), row_id(), Column("other_id", Uuid, ForeignKey("other.id"))],
            "pair tenant_id",
        ),
        (
            [
                tenant_id(),
                row_id(),
                Column("other_id", Uuid),
                ForeignKeyConstraint(["other_id", "tenant_id"], ["other.tenant_id", "other.id"]),
            ],
            "pair tenant_id",
        ),
        (
            [
                tenant_id(),
                row_id(),
                Column("other_id", Uuid),
                ForeignKeyConstraint(
                    ["tenant_id", "other_id"], ["other.tenant_id", "other.id"], ondelete="SET NULL"
                ),
            ],
            "ON DELETE SET NULL",
        ),
        ([tenant_id(), row_id(), Column("other", String)], "has the name of a tenant's table"),
    ],
)
def test_a_table_that_breaks_a_rule_is_found(parts, rule):
    (fault,) = [fault for fault in faults(*parts) if rule in fault]
    assert fault.startswith("planted: ")


# --- SQLite


@pytest.fixture
def sqlite_file(tmp_path):
    engine = system_engine(f"sqlite:///{tmp_path / 'x.db'}")
    make_schema(engine)
    with engine.begin() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def change(connection, table, old, new):
    """Change a table's definition, as somebody with the file in hands could."""
    connection.execute(text("PRAGMA writable_schema = ON"))
    changed = connection.execute(
        text("UPDATE sqlite_schema SET sql = replace(sql, :old, :new) WHERE name = :table"),
        {"old": old, "new": new, "table": table},
    )
    assert changed.rowcount == 1
    connection.execute(text("PRAGMA schema_version = 1000"))


def test_a_database_made_from_the_models_passes(sqlite_file):
    schema.check_catalogue(sqlite_file)


def test_the_version_tables_and_the_logs_own_triggers_pass(sqlite_file):
    for table in schema.VERSION_TABLES:
        sqlite_file.execute(text(f"CREATE TABLE {table} (version_num TEXT PRIMARY KEY)"))
    sqlite_file.execute(
        text(
            "CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry"
            " BEGIN SELECT RAISE(ABORT, 'kept'); END"
        )
    )
    sqlite_file.execute(text("ANALYZE"))  # makes tables of SQLite's own
    schema.check_catalogue(sqlite_file)


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("CREATE TABLE planted (id INT)", "planted: an unknown table"),
        ("CREATE VIEW planted AS SELECT * FROM document", "planted: an unknown view"),
        ("CREATE VIRTUAL TABLE planted USING fts5(x)", "planted: an unknown table"),
        (
            "CREATE TRIGGER planted AFTER INSERT ON document BEGIN SELECT 1; END",
            "planted: an unknown trigger",
        ),
        (
            "CREATE TRIGGER audit_entry_planted AFTER INSERT ON document BEGIN SELECT 1; END",
            "audit_entry_planted: an unknown trigger",
        ),
        ("CREATE UNIQUE INDEX planted ON user_account (email)", "the unique key planted"),
        ("CREATE UNIQUE INDEX planted ON user_account (lower(email))", "the unique key planted"),
        ("ALTER TABLE job ADD COLUMN folder TEXT", "job: the column folder has the name"),
        (
            "ALTER TABLE job ADD COLUMN planted TEXT REFERENCES folder (id)",
            "job: a foreign key to folder does not pair tenant_id",
        ),
    ],
)
def test_what_was_planted_in_a_file_is_found(sqlite_file, planted, fault):
    sqlite_file.execute(text(planted))
    with pytest.raises(SchemaNotIsolated, match=fault):
        schema.check_catalogue(sqlite_file)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "tenant_id CHAR(32) NOT NULL",
            "tenant_id CHAR(32)",
            "tenant_id must be there and NOT NULL",
        ),
        ("PRIMARY KEY (tenant_id, id)", "PRIMARY KEY (id, tenant_id)", "first in the primary key"),
        ("UNIQUE (tenant_id, email)", "UNIQUE (email)", "the unique key"),
    ],
)
def test_a_table_that_was_changed_in_a_file_is_found(sqlite_file, old, new, fault):
    change(sqlite_file, "user_account", old, new)
    with pytest.raises(SchemaNotIsolated, match=fault):
        schema.check_catalogue(sqlite_file)


# --- PostgreSQL


@pytest.fixture(scope="module")
def walled_engine(server):
    engine = system_engine(server.create_database("catalogue"))
    make_schema(engine)
    with engine.begin() as connection:
        for table in tables_in_order():
            for statement in postgres.policy_ddl(table.name):
                connection.execute(text(statement))
    yield engine
    engine.dispose()
    server.drop_database("catalogue")


@pytest.fixture
def catalogue(walled_engine):
    """A connection of the owner's; what is planted through it is gone after the test."""
    with walled_engine.connect() as connection:
        yield connection
        connection.rollback()


def test_a_database_with_its_walls_passes(catalogue):
    schema.check_catalogue(catalogue)


def test_the_portals_own_role_can_check_as_well(server, walled_engine):
    engine = system_engine(server.url("catalogue", APP_ROLE))
    with engine.connect() as connection:
        schema.check_catalogue(connection)
    engine.dispose()


def test_the_version_tables_and_the_logs_own_triggers_pass_on_postgresql(catalogue):
    for table in schema.VERSION_TABLES:
        catalogue.execute(text(f"CREATE TABLE {table} (version_num TEXT PRIMARY KEY)"))
    for statement in (
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry EXECUTE FUNCTION keep()",
    ):
        catalogue.execute(text(statement))
    schema.check_catalogue(catalogue)


def test_a_partition_behind_the_wall_passes(catalogue):
    for statement in [*PARTITIONED, *postgres.policy_ddl("job"), *postgres.policy_ddl("job_part")]:
        catalogue.execute(text(statement))
    schema.check_catalogue(catalogue)


TRIGGER = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
PARTITIONED = [
    "DROP TABLE job",
    (
        "CREATE TABLE job (tenant_id uuid, id uuid, PRIMARY KEY (tenant_id, id))"
        " PARTITION BY HASH (tenant_id)"
    ),
    "CREATE TABLE job_part PARTITION OF job FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
]


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        (["CREATE TABLE planted (id int)"], "planted: an unknown table"),
        (["CREATE SCHEMA s", "CREATE TABLE s.document (id int)"], "document: an unknown table"),
        (["CREATE VIEW planted AS TABLE document"], "planted: an unknown view"),
        (
            ["CREATE VIEW planted WITH (security_invoker) AS TABLE document"],
            "planted: an unknown view",
        ),
        (["CREATE MATERIALIZED VIEW planted AS TABLE tenant"], "planted: an unknown materialized"),
        (["CREATE TABLE planted () INHERITS (job)"], "planted: an unknown table"),
        (
            [
                "CREATE FOREIGN DATA WRAPPER w NO HANDLER",
                "CREATE SERVER s FOREIGN DATA WRAPPER w",
                "CREATE FOREIGN TABLE planted (id int) SERVER s",
            ],
            "planted: an unknown foreign table",
        ),
        (
            ["CREATE FUNCTION planted() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
            "planted: a SECURITY DEFINER function",
        ),
        (
            [f"CREATE FUNCTION {CARRY_OUT}() RETURNS int SECURITY DEFINER LANGUAGE sql RETURN 1"],
            f"{CARRY_OUT}: a SECURITY DEFINER function",
        ),
        (
            ["CREATE PROCEDURE planted() LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
            "planted: a SECURITY DEFINER function",
        ),
        (
            [TRIGGER, "CREATE TRIGGER planted AFTER INSERT ON document EXECUTE FUNCTION f()"],
            "planted: an unknown trigger",
        ),
        (
            [TRIGGER, "CREATE TRIGGER audit_entry_x AFTER INSERT ON job EXECUTE FUNCTION f()"],
            "audit_entry_x: an unknown trigger",
        ),
        (
            ["CREATE RULE planted AS ON INSERT TO document DO ALSO SELECT 1"],
            "document: an unknown rule planted",
        ),
        (["ALTER TABLE document DISABLE ROW LEVEL SECURITY"], "document: its row-level security"),
        (["ALTER TABLE document NO FORCE ROW LEVEL SECURITY"], "document: its row-level security"),
        (["DROP POLICY tenant_wall ON document"], "document: its row-level security"),
        (["CREATE POLICY planted ON document USING (true)"], "document: its row-level security"),
        (["ALTER POLICY tenant_wall ON document USING (true)"], "document: its row-level security"),
        (
            ["ALTER POLICY tenant_wall ON document WITH CHECK (true)"],
            "document: its row-level security",
        ),
        (
            [f"ALTER POLICY tenant_wall ON document TO {APP_ROLE}"],
            "document: its row-level security",
        ),
        (
            [
                (
                    "ALTER POLICY tenant_wall ON document"
                    " USING (tenant_id = current_setting('app.tenant_id', true)::uuid)"
                )
            ],
            "document: its row-level security",
        ),
        ([*PARTITIONED, *postgres.policy_ddl("job")], "job_part: its row-level security"),
        (["CREATE UNIQUE INDEX planted ON user_account (email)"], "the unique key planted"),
        (["CREATE UNIQUE INDEX planted ON user_account (lower(email))"], "the unique key planted"),
        (
            ["CREATE UNIQUE INDEX planted ON user_account (email) INCLUDE (tenant_id)"],
            "the unique key planted",
        ),
        (["ALTER TABLE user_account ADD UNIQUE (email)"], "the unique key user_account_email_key"),
        (
            ["ALTER TABLE user_account ADD CONSTRAINT planted EXCLUDE (email WITH =)"],
            "the unique key planted",
        ),
        (["ALTER TABLE job ADD folder text"], "job: the column folder has the name"),
        (
            ["ALTER TABLE audit_entry DROP CONSTRAINT pk_audit_entry"],
            "audit_entry: tenant_id must come first",
        ),
        (
            [
                "ALTER TABLE audit_entry DROP CONSTRAINT pk_audit_entry",
                "ALTER TABLE audit_entry ALTER tenant_id DROP NOT NULL",
            ],
            "audit_entry: tenant_id must be there and NOT NULL",
        ),
        (
            [
                "ALTER TABLE folder ADD CONSTRAINT x UNIQUE (id)",
                "ALTER TABLE job ADD planted uuid REFERENCES folder (id)",
            ],
            "job: a foreign key to folder does not pair tenant_id",
        ),
        (
            [
                "ALTER TABLE job ADD planted uuid",
                (
                    "ALTER TABLE job ADD FOREIGN KEY (tenant_id, planted)"
                    " REFERENCES folder (tenant_id, id) ON DELETE SET NULL"
                ),
            ],
            "job: ON DELETE SET NULL",
        ),
    ],
)
def test_what_was_planted_in_a_database_is_found(catalogue, planted, fault):
    for statement in planted:
        catalogue.execute(text(statement))
    with pytest.raises(SchemaNotIsolated, match=fault):
        schema.check_catalogue(catalogue)


@pytest.mark.parametrize("module", [test_reads, test_writes, test_relationships])
def test_every_model_is_tried_by_several_shapes(module) -> None:
    """A model that is new is covered the day it is made."""
    tried = Counter(subject.model for shape in module.shape for subject in shape.subjects())
    assert min(tried[subject.model] for subject in subjects()) >= 3
