"""What the proof accepts and what it refuses, by examples."""

import pytest

from portal.tenancy.errors import IsolationError
from portal.tenancy.scan import touches_tenants

TABLES = frozenset({"document", "folder"})
OWN = frozenset({"own"})
SLICE = "(SELECT * FROM document WHERE document.tenant_id = :own)"
INSERT = "INSERT INTO document (tenant_id, id) VALUES (:own, :id)"


def touches(sql, dialect="sqlite"):
    return touches_tenants(sql, dialect, TABLES, OWN)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT document.id FROM {SLICE} AS document",
        f"SELECT x.id FROM {SLICE} AS x JOIN {SLICE} AS y ON x.id = y.id",
        f"SELECT 1 WHERE EXISTS {SLICE}",
        f"WITH x AS (SELECT * FROM {SLICE} AS document) SELECT * FROM x",
        f"SELECT * FROM {SLICE} AS document FOR UPDATE OF document",
        "UPDATE document SET name = :x WHERE document.tenant_id = :own",
        "UPDATE document SET name = :x WHERE document.tenant_id = :own AND (id = :y OR 1 = 1)",
        "UPDATE document SET name = :x WHERE document.tenant_id = :own RETURNING id, tenant_id",
        f"UPDATE document SET name = x.name FROM {SLICE} AS x WHERE document.tenant_id = :own",
        "DELETE FROM document WHERE document.tenant_id = :own AND (id = :x)",
        "WITH x AS (DELETE FROM document WHERE document.tenant_id = :own) SELECT 1",
        INSERT,
        f"{INSERT}, (:own, :id2)",
        "INSERT INTO document (tenant_id, id) VALUES (:own__0, :id__0), (:own__1, :id__1)",
        f"{INSERT} ON CONFLICT (tenant_id, id) DO NOTHING",
        f"{INSERT} ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name",
        f"{INSERT} RETURNING tenant_id",
        "INSERT INTO document (id, tenant_id) SELECT x.id, :own AS y FROM (SELECT 1 AS id) AS x",
    ],
)
def test_what_the_guard_renders_is_accepted(sql):
    assert touches(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT name FROM tenant",
        "SELECT x.id AS document FROM tenant AS x",
        "SELECT documents FROM documents_of_others",
        "SELECT 'a document' FROM tenant",
        "SELECT :document",
    ],
)
def test_what_names_no_tenants_table_touches_none(sql):
    assert not touches(sql)


REFUSED = [
    "SELECT * FROM document",
    "SELECT * FROM DOCUMENT",
    'SELECT * FROM "document"',
    "SELECT * FROM main.document",
    "SELECT * FROM tenant, document",
    "SELECT * FROM tenant WHERE EXISTS (SELECT 1 FROM folder)",
    "SELECT * FROM (SELECT * FROM document WHERE document.tenant_id = :other) AS document",
    "SELECT * FROM (SELECT * FROM document WHERE document.tenant_id = 'x') AS document",
    "SELECT * FROM (SELECT * FROM document WHERE folder.tenant_id = :own) AS document",
    "SELECT * FROM (SELECT * FROM document WHERE document.id = :own) AS document",
    "SELECT * FROM (SELECT * FROM document WHERE document.tenant_id = :own OR 1=1) AS document",
    "SELECT * FROM (SELECT * FROM document WHERE document.tenant_id = :own + 0) AS document",
    "SELECT * FROM (SELECT * FROM document, folder WHERE document.tenant_id = :own) AS document",
    "SELECT * FROM (SELECT * FROM document) AS document WHERE document.tenant_id = :own",
    f"WITH document AS {SLICE} SELECT * FROM document",
    f"SELECT * FROM {SLICE} AS document; SELECT 1",
    f"SELECT * FROM {SLICE} AS document -- x",
    f"SELECT * FROM {SLICE} AS document /* x */",
    f"SELECT ' FROM {SLICE} AS document",
    "UPDATE document SET name = :x",
    "UPDATE document SET name = :x WHERE id = :own",
    "UPDATE document SET name = :x WHERE document.tenant_id = :other",
    "UPDATE document SET name = :x WHERE document.tenant_id = :own OR (1 = 1)",
    "UPDATE document SET name = :x WHERE document.tenant_id = :own AND 1 = 1 OR 1 = 1",
    "UPDATE document SET name = :x WHERE document.tenant_id = :own AND (1 = 1) OR (1 = 1)",
    "UPDATE document SET name = (SELECT 1 WHERE document.tenant_id = :own)",
    "UPDATE document SET x = 1 WHERE 1 = 1 RETURNING (SELECT 1 WHERE document.tenant_id = :own)",
    "UPDATE document SET tenant_id = :own WHERE document.tenant_id = :own",
    "UPDATE document SET name = 1, TENANT_ID = :x WHERE document.tenant_id = :own",
    'UPDATE document SET name = (SELECT 1), "tenant_id" = 1 WHERE document.tenant_id = :own',
    "UPDATE document SET x = 1 IS DISTINCT FROM 2, tenant_id = 1 WHERE document.tenant_id = :own",
    "UPDATE document SET (tenant_id, id) = (1, 2) WHERE document.tenant_id = :own",
    "UPDATE OR IGNORE document SET name = :x WHERE document.tenant_id = :own",
    "DELETE FROM document",
    "DELETE FROM document WHERE document.tenant_id = :own OR EXISTS (SELECT 1)",
    "DELETE FROM document WHERE document.tenant_id IN (:own)",
    "INSERT INTO document VALUES (:own, :id)",
    "INSERT INTO document DEFAULT VALUES",
    "INSERT INTO document (id) VALUES (:own)",
    "INSERT INTO document (tenant_id, id) VALUES (:other, :own)",
    "INSERT INTO document (tenant_id, id) VALUES ('x', :own)",
    "INSERT INTO document (tenant_id, id) VALUES (:own || 'x', :id)",
    "INSERT INTO document (tenant_id, id) VALUES (:own, :id), (:other, :id)",
    "INSERT INTO document (tenant_id, id) VALUES (:own, :id, 1)",
    "INSERT INTO document (tenant_id, tenant_id, id) VALUES (:own, :own, :id)",
    "INSERT INTO document (id, tenant_id) SELECT 1, :other AS x FROM (SELECT 1) AS y",
    "INSERT INTO document (id, tenant_id) SELECT :own, 1 FROM (SELECT 1) AS y",
    "INSERT INTO document (id, tenant_id) SELECT 1, :own FROM (SELECT 1) AS y UNION SELECT 2, 3",
    "INSERT INTO document (id, tenant_id) SELECT 1, :own",
    "INSERT OR REPLACE INTO document (tenant_id, id) VALUES (:own, :id)",
    "REPLACE INTO document (tenant_id, id) VALUES (:own, :id)",
    f"{INSERT} ON CONFLICT (tenant_id, id) DO UPDATE SET tenant_id = :own",
    f"{INSERT} ON CONFLICT DO UPDATE SET name = (SELECT 1 WHERE 1=1), tenant_id = 1",
    f"{INSERT} ON CONFLICT DO UPDATE SET a = 1 WHERE 1 ON CONFLICT DO UPDATE SET tenant_id = 1",
    f"{INSERT} UNION SELECT 1, 2",
    "MERGE INTO document USING folder ON 1 = 1 WHEN MATCHED THEN DELETE",
    "TRUNCATE document",
    "CREATE VIEW x AS SELECT 1 FROM document",
    "DROP TABLE document",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_else_names_a_tenants_table_is_refused(sql):
    with pytest.raises(IsolationError):
        touches(sql)


@pytest.mark.parametrize("quoted", ["[document]", "`document`", "'document'", "[DOCUMENT]"])
def test_names_are_read_as_sqlite_reads_them(quoted):
    with pytest.raises(IsolationError):
        touches(f"SELECT * FROM {quoted}")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT E'\\' ', id FROM document WHERE ' ' = ''",
        "SELECT 1E'\\' ', id FROM document WHERE ' ' = ''",
        "SELECT '\\' ', id FROM document WHERE ' ' = ''",
        "SELECT $x$ ' $x$, id FROM document WHERE $x$ ' $x$ = ''",
        'SELECT * FROM U&"d\\006fcument"',
        "SELECT %(')s, (SELECT 1 FROM document), %(')s",
        "SELECT ` (SELECT 1 FROM document) `",
        "TABLE document",
        "SELECT * FROM ONLY document",
        "SELECT document FROM (SELECT 1) AS document",
        "SELECT 1 FROM x[document]",
        "SELECT * FROM (SELECT * FROM document WHERE document.tenant_id = %(own)s::TEXT) AS x",
    ],
)
def test_names_and_strings_are_read_as_postgresql_reads_them(sql):
    with pytest.raises(IsolationError):
        touches(sql, "postgresql")


def test_the_drivers_placeholders_are_known():
    rendered = SLICE.replace(":own", "%(own)s::UUID")
    assert touches(f"SELECT document.id FROM {rendered} AS document", "postgresql")
    assert not touches("SELECT %(document)s", "postgresql")


def test_raw_sql_has_no_placeholder_of_its_own():
    with pytest.raises(IsolationError):
        touches_tenants(f"SELECT * FROM {SLICE} AS document", "sqlite", TABLES)
