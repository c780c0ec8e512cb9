"""Whole statements of raw SQL. The filter refuses what names a tenant's table, however written;
the database answers them with the tenant's own rows."""

from sqlalchemy import (
    DDL,
    Column,
    MetaData,
    Table,
    Uuid,
    column,
    insert,
    quoted_name,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from tests.isolation.shapes import EITHER, FAILS, OWN, REFUSED, UNTRIED, Shapes, fetched
from tests.isolation.worlds import tenant

shape = Shapes()


def test_raw_sql_is_refused_or_held_by_the_database(world, alone, judge, tried):
    faults = judge.faults(tried, world, alone)
    assert not faults, faults[0]


def _raw(sql, *, only=None, wall=OWN, filter=REFUSED):  # noqa: A002
    """A shape that sends `sql`, with {t} for the table's name."""

    def run(s, t):
        rows = fetched(s.execute(text(sql.format(t=t.table.name, T=t.table.name.upper()))))
        return None if sql.startswith("EXPLAIN") else rows  # plans tell of sizes

    run.__name__ = sql
    shape(run, filter=filter, wall=wall, only=only)


_raw("SELECT id FROM {t}")
_raw("SELECT id FROM {T}")
_raw('SELECT id FROM "{t}"')
_raw("SELECT x.id FROM {t} AS x")
_raw("SELECT {t}.id FROM {t}")
_raw("SELECT id FROM\n{t}\nWHERE 1 = 1")
_raw("SELECT (SELECT count(*) FROM {t})")
_raw("SELECT 1 WHERE EXISTS (SELECT 1 FROM {t})")
_raw("WITH x AS (SELECT id FROM {t}) SELECT id FROM x")
_raw("WITH {t} AS (SELECT 1 AS id) SELECT id FROM {t}")
_raw("SELECT id FROM (SELECT id FROM {t}) AS x")
_raw("SELECT 1 AS id UNION ALL SELECT count(*) FROM {t}")
_raw("SELECT count(*) FROM {t}, {t} AS x")
_raw("SELECT count(*) FROM {t} NATURAL JOIN {t} AS x")
_raw("SELECT '{t}' || id FROM {t}")
_raw("SELECT 'it''s', id FROM {t}")
_raw("SELECT id FROM {t} -- a comment")
_raw("SELECT/**/id/**/FROM/**/{t}")
_raw("SELECT id FROM /* a comment */ {t}")
_raw("SELECT id --\nFROM --\n{t}")
_raw("SELECT id FROM {t} WHERE tenant_id IS NOT NULL")
_raw("SELECT '/*' AS x, id FROM {t} WHERE '*/' <> ''")
_raw("SELECT 1; SELECT id FROM {t}", wall=EITHER)
_raw("SELECT id FROM {t};", wall=EITHER)
_raw("EXPLAIN SELECT id FROM {t}", wall=EITHER)
_raw("SELECT (SELECT * FROM {t} WHERE {t}.tenant_id IS NOT NULL LIMIT 0) IS NULL", wall=EITHER)

_raw("SELECT id FROM `{t}`", only="sqlite")
_raw("SELECT id FROM [{t}]", only="sqlite")
_raw("SELECT id FROM '{t}'", only="sqlite")
_raw("SELECT id FROM main.{t}", only="sqlite")
_raw('SELECT id FROM "main"."{t}"', only="sqlite")
_raw("SELECT id FROM main . [{t}]", only="sqlite")
_raw("SELECT 1 IN {t}", only="sqlite", wall=FAILS)
_raw("SELECT id FROM {t} /* no end", only="sqlite")
_raw("PRAGMA table_info({t})", only="sqlite")
_raw("PRAGMA table_info('{t}')", only="sqlite")
_raw("SELECT name FROM pragma_table_info('{t}')", only="sqlite")
_raw("CREATE VIEW x AS SELECT * FROM {t}", only="sqlite")
_raw("CREATE TEMP VIEW x AS SELECT * FROM {t}", only="sqlite")
_raw("CREATE TEMP TABLE {t} AS SELECT 1 AS id", only="sqlite")
_raw("CREATE TABLE x AS SELECT * FROM {t}", only="sqlite")
_raw("CREATE TRIGGER x AFTER INSERT ON {t} BEGIN SELECT 1; END", only="sqlite")
_raw("ALTER TABLE {t} RENAME TO x", only="sqlite", wall=EITHER)
_raw("DROP TABLE {t}", only="sqlite", wall=EITHER)
_raw("ATTACH DATABASE ':memory:' AS x", only="sqlite", filter=FAILS, wall=FAILS)

_raw("TABLE {t}", only="postgresql")
_raw("SELECT id FROM ONLY {t}", only="postgresql")
_raw("SELECT id FROM ONLY ({t})", only="postgresql")
_raw("SELECT id FROM {t} *", only="postgresql")
_raw("SELECT id FROM public.{t}", only="postgresql")
_raw('SELECT id FROM "public"."{t}"', only="postgresql")
_raw('SELECT id FROM public . "{t}"', only="postgresql")
_raw("SELECT {t} FROM {t}", only="postgresql", wall=EITHER)
_raw("SELECT ({t}).id FROM {t}", only="postgresql")
_raw("SELECT row_to_json({t}) FROM {t}", only="postgresql", wall=EITHER)
_raw("SELECT id FROM {t} TABLESAMPLE BERNOULLI (100)", only="postgresql")
_raw("SELECT id FROM {t} FOR UPDATE", only="postgresql")
_raw("SELECT /* /* nested */ */ id FROM {t}", only="postgresql")
_raw("SELECT $x$ ' $x$, id FROM {t}", only="postgresql")
_raw("SELECT $$ ' $$, id FROM {t} WHERE $$ ' $$ IS NOT NULL", only="postgresql")
_raw("SELECT E'\\' --', id FROM {t}", only="postgresql")
_raw("SELECT e'\\'', id, ''''  FROM {t}", only="postgresql")
_raw("SELECT '\\', id, '' FROM {t}", only="postgresql")
_raw("DECLARE x CURSOR FOR SELECT id FROM {t}", only="postgresql", wall=EITHER)
_raw("PREPARE x_{t} AS SELECT id FROM {t}", only="postgresql", wall=EITHER)
_raw("DO $$ BEGIN PERFORM id FROM {t}; END $$", only="postgresql", wall=EITHER)
_raw("EXPLAIN (ANALYZE, FORMAT JSON) TABLE {t}", only="postgresql", wall=EITHER)
_raw("COPY {t} TO STDOUT", only="postgresql", wall=UNTRIED)
_raw("COPY (SELECT id FROM {t}) TO STDOUT", only="postgresql", wall=UNTRIED)
_raw("CREATE TEMP TABLE x AS TABLE {t}", only="postgresql", wall=EITHER)
_raw("SELECT id INTO TEMP x FROM {t}", only="postgresql", wall=EITHER)
_raw("CREATE TEMP VIEW x AS SELECT * FROM {t}", only="postgresql", wall=EITHER)
_raw("CREATE TABLE x AS SELECT * FROM {t}", only="postgresql", wall=FAILS)
_raw("CREATE INDEX ON {t} (id)", only="postgresql", wall=FAILS)
_raw("ALTER TABLE {t} DISABLE ROW LEVEL SECURITY", only="postgresql", wall=FAILS)
_raw("ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY", only="postgresql", wall=FAILS)
_raw("CREATE POLICY x ON {t} USING (true)", only="postgresql", wall=FAILS)
_raw("DROP POLICY tenant_wall ON {t}", only="postgresql", wall=FAILS)
_raw("GRANT ALL ON {t} TO PUBLIC", only="postgresql", wall=EITHER)
_raw("TRUNCATE {t} CASCADE", only="postgresql", wall=FAILS)
_raw("DROP TABLE {t} CASCADE", only="postgresql", wall=FAILS)
_raw("LOCK TABLE {t}", only="postgresql", wall=EITHER)
_raw(
    "MERGE INTO {t} USING (SELECT 1) AS x ON true WHEN MATCHED THEN DELETE",
    only="postgresql",
    wall=EITHER,
)

_raw("DELETE FROM {t}", wall=EITHER)
_raw("DELETE FROM {t} WHERE tenant_id IS NOT NULL", wall=EITHER)
_raw("UPDATE {t} SET id = id", wall=EITHER)
_raw("UPDATE {t} AS x SET id = id", wall=EITHER)
_raw("WITH x AS (SELECT 1) DELETE FROM {t}", wall=EITHER)
_raw("DELETE FROM {t} RETURNING id", wall=EITHER)
_raw("INSERT INTO {t} SELECT * FROM {t}", wall=FAILS)
_raw("INSERT INTO {t} DEFAULT VALUES", wall=FAILS)
_raw("REPLACE INTO {t} SELECT * FROM {t}", only="sqlite", wall=EITHER)
_raw("INSERT OR REPLACE INTO {t} SELECT * FROM {t}", only="sqlite", wall=EITHER)
_raw("UPDATE OR IGNORE {t} SET id = id", only="sqlite", wall=EITHER)
_raw("UPDATE ONLY {t} SET id = id", only="postgresql", wall=EITHER)
_raw("WITH x AS (DELETE FROM {t} RETURNING id) SELECT id FROM x", only="postgresql", wall=EITHER)


@shape(filter=REFUSED)
def _given_to_the_driver(s, t):
    return s.connection().exec_driver_sql(f"SELECT id FROM {t.table.name}").all()


@shape(filter=REFUSED)
def _entities_from_text(s, t):
    return s.scalars(select(t.model).from_statement(text(f"SELECT * FROM {t.table.name}"))).all()


@shape(filter=REFUSED)
def _columns_from_text(s, t):
    raw = text(f"SELECT id FROM {t.table.name}").columns(t.table.c.id)
    return s.execute(raw).all()


@shape(filter=REFUSED)
def _subquery_of_text(s, t):
    raw = text(f"SELECT id FROM {t.table.name}").columns(t.table.c.id).subquery()
    return s.execute(select(raw.c.id, t.model.id).where(raw.c.id == t.model.id)).all()


@shape(filter=REFUSED)
def _cte_of_text(s, t):
    raw = text(f"SELECT id FROM {t.table.name}").columns(t.table.c.id).cte("x")
    return s.execute(select(raw.c.id)).all()


@shape(filter=REFUSED)
def _from_clause_of_text(s, t):
    return s.execute(select(text("id")).select_from(text(t.table.name))).all()


@shape(filter=REFUSED)
def _schema_definition(s, t):
    return s.connection().execute(DDL(f"EXPLAIN SELECT id FROM {t.table.name}")) and None


@shape(filter=REFUSED)
def _look_alike(s, t):
    return s.execute(select(table(t.table.name, column("id", Uuid())))).all()


@shape(filter=REFUSED)
def _look_alike_named_with_quotes(s, t):
    name = quoted_name(t.table.name, quote=True)
    return s.execute(select(table(name, column("id", Uuid())))).all()


@shape(filter=REFUSED)
def _look_alike_under_an_alias(s, t):
    return s.execute(select(table(t.table.name, column("id", Uuid())).alias("x"))).all()


@shape(filter=REFUSED)
def _look_alike_in_a_schema(s, t):
    schema = "main" if s.connection().dialect.name == "sqlite" else "public"
    return s.execute(select(table(t.table.name, column("id", Uuid()), schema=schema))).all()


@shape(filter=REFUSED)
def _table_of_other_metadata(s, t):
    return s.execute(select(Table(t.table.name, MetaData(), Column("id", Uuid())))).all()


@shape(filter=REFUSED)
def _copy_of_the_table(s, t):
    copy = Table(t.table.name, MetaData(), *(Column(c.name, c.type) for c in t.table.c))
    return s.execute(select(copy)).all()


@shape(filter=REFUSED, wall=EITHER)
def _reflected_table(s, t):
    reflected = Table(t.table.name, MetaData(), autoload_with=s.connection())
    return len(s.execute(select(reflected)).all())


@shape(filter=REFUSED)
def _changes_by_a_look_alike(s, t):
    s.execute(update(table(t.table.name, column("id", Uuid()))).values(id=column("id")))


@shape(filter=REFUSED, wall=FAILS)
def _insert_by_a_look_alike(s, t):
    other = table(t.table.name, column("tenant_id", Uuid()), column("id", Uuid()))
    s.execute(insert(other).values(tenant_id=tenant("before").id, id=t.own_id))


@shape(filter=REFUSED)
def _schema_translated(s, t):
    schema = "main" if s.connection().dialect.name == "sqlite" else "public"
    return s.scalars(
        select(t.model.id), execution_options={"schema_translate_map": {None: schema}}
    ).all()


@shape(filter=REFUSED)
def _compiled_for_another_dialect(s, t):
    module = sqlite if s.connection().dialect.name == "sqlite" else postgresql
    sql = str(select(t.table.c.id).compile(dialect=module.dialect()))
    return s.connection().exec_driver_sql(sql).all()
