"""What is not fit to serve does not serve, and it says what to mend."""

import socket
import sqlite3
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url
from werkzeug.datastructures import ImmutableDict

from portal.cli import serving
from tests.cli.operators import SERVE, Operator
from tests.conftest import on_postgresql, on_sqlite


@pytest.fixture(autouse=True)
def served(monkeypatch) -> list[bool]:
    """Whether it came as far as serving. A server that should not have started ends here."""
    served: list[bool] = []
    monkeypatch.setattr(serving.Server, "run", lambda self: served.append(True))
    return served


@pytest.fixture
def execute(request, operator) -> Callable[[str, str], None]:
    """Run SQL past all walls, in the main database or in that of a tenant."""

    def run(where: str, statement: str) -> None:
        url = make_url(operator.settings.database_url)
        if url.get_backend_name() == "sqlite":
            [own] = operator.tenant_files
            connection = sqlite3.connect(operator.control_file if where == "main" else own)
            connection.executescript(statement)
            connection.close()
            return
        server = request.getfixturevalue("postgresql")
        with server.connect() as connection:
            names = [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
        [own] = [name for name in names if name.startswith(f"{url.database}_")] or [None]
        with psycopg.connect(
            host=server.host, port=server.port, user="postgres", password=server.password,
            dbname=url.database if where == "main" else own, autocommit=True,
        ) as connection:  # fmt: skip
            connection.execute(statement)

    return run


def test_what_is_in_order_serves(operator, served) -> None:
    operator.do("tenant", "create", "initech", "Initech", "--placement", "database")
    operator.do(*SERVE)
    assert served


PLANTED = [
    ("CREATE TABLE planted (id integer)", "planted: an unknown table"),
    ("CREATE VIEW planted AS SELECT 1 AS one", "planted: an unknown view"),
]
IN_SQLITE = [
    *PLANTED,
    (
        "CREATE TRIGGER planted AFTER INSERT ON {known} BEGIN SELECT 1; END",
        "planted: an unknown trigger",
    ),
]
IN_POSTGRESQL = [
    *PLANTED,
    (
        "CREATE MATERIALIZED VIEW planted AS SELECT 1 AS one",
        "planted: an unknown materialized view",
    ),
    (
        """CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER planted AFTER INSERT ON {known} EXECUTE FUNCTION planted()""",
        "planted: an unknown trigger",
    ),
    (
        "CREATE FUNCTION planted() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "planted: a SECURITY DEFINER function",
    ),
    ("ALTER TABLE document DISABLE ROW LEVEL SECURITY", "document: its row-level security"),
    ("DROP POLICY tenant_wall ON document", "document: its row-level security"),
]


def refuses_all(operator, execute, where, known, things) -> None:
    """Plant things one after the other, at a `known` table, and have all of them named."""
    faults = []
    for number, (planted, fault) in enumerate(things):
        execute(where, planted.replace("planted", f"planted_{number}").format(known=known))
        faults.append(fault.replace("planted", f"planted_{number}"))
    for command in (("db", "check"), SERVE):
        said = operator.refused(*command)
        assert [fault for fault in faults if fault not in said] == []


@pytest.mark.parametrize("where", ["main", "own"])
@on_sqlite
def test_what_was_planted_in_a_file_is_named(operator, execute, served, where) -> None:
    operator.do("tenant", "create", "initech", "Initech")
    refuses_all(operator, execute, where, "tenant" if where == "main" else "document", IN_SQLITE)
    assert not served


@pytest.mark.parametrize("where", ["main", "own"])
@on_postgresql
def test_what_was_planted_in_a_database_is_named(operator, execute, served, where) -> None:
    operator.do("tenant", "create", "initech", "Initech", "--placement", "database")
    refuses_all(operator, execute, where, "document", IN_POSTGRESQL)
    assert not served


@pytest.mark.parametrize(
    ("database", "where", "lane"),
    [
        ("sqlite", "main", "control"),
        ("sqlite", "own", "tenant"),
        ("postgresql", "main", "control"),
        ("postgresql", "main", "tenant"),
        ("postgresql", "own", "tenant"),
    ],
    indirect=["database"],
)
def test_a_schema_that_is_behind_is_refused(operator, execute, served, where, lane) -> None:
    operator.do("tenant", "create", "initech", "Initech", "--placement", "database")
    execute(where, f"UPDATE schema_version_{lane} SET version_num = '0000'")
    name = "the main database" if where == "main" else "the database of initech"
    for command in (("db", "check"), SERVE):
        said = operator.refused(*command)
        assert said == f"The schema of {name} is not up to date. Run: portal db upgrade"
    assert not served


def test_where_there_is_no_schema_at_all_it_says_what_to_run(blank, served) -> None:
    for command in (("db", "check"), SERVE):
        assert blank.refused(*command).endswith("Run: portal db upgrade")
    assert not served


@on_postgresql
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("ALTER ROLE {role} SUPERUSER", "is a superuser"),
        ("ALTER ROLE {role} BYPASSRLS", "can bypass row-level security"),
        ("GRANT portal_owner TO {role}", "owns tables, schemas or the database"),
        ("GRANT unbound TO {role}", "can bypass row-level security"),
        ("ALTER ROLE {role} NOINHERIT; GRANT unbound TO {role}", "can bypass row-level security"),
        ("ALTER TABLE folder OWNER TO {role}", "owns tables, schemas or the database"),
        ("CREATE SCHEMA planted AUTHORIZATION {role}", "owns tables, schemas or the database"),
        ("ALTER DATABASE {database} OWNER TO {role}", "owns tables, schemas or the database"),
    ],
)
def test_a_role_that_no_wall_holds_is_refused(
    operator, execute, served, postgresql, change, what
) -> None:
    url = make_url(operator.settings.database_url)
    with postgresql.connect() as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'unbound'").fetchone():
            connection.execute("CREATE ROLE unbound BYPASSRLS")
    role = f"app_of_{url.database}"
    postgresql.create_role(role)
    execute("main", f"GRANT portal TO {role}")
    as_role = {"PORTAL_DATABASE_URL": postgresql.url(url.database, role)}
    operator.do("db", "check", **as_role)
    execute("main", change.format(role=role, database=url.database))
    for command in (("db", "check"), SERVE, ("worker", "--once")):
        said = operator.refused(*command, **as_role)
        assert said.startswith(f"The database role '{role}' {what}")
        assert "Give PORTAL_DATABASE_URL a role" in said
    assert not served
    execute("main", f"ALTER ROLE {role} NOSUPERUSER")


@on_sqlite
def test_opened_doors_are_refused(operator, served, monkeypatch) -> None:
    opened = ImmutableDict({**Flask.default_config, "LOGIN_DISABLED": True})
    monkeypatch.setattr(Flask, "default_config", opened)
    assert operator.refused(*SERVE) == "LOGIN_DISABLED would open every page."
    assert not served


@on_sqlite
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_told_at_once(operator, served, command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = operator.refused(command, "--port", str(port))
    assert str(port) in said
    assert "in use" in said
    assert not served
    assert operator.tenant_files == []


@on_sqlite
def test_a_tenants_file_that_is_missing_is_no_new_and_empty_tenant(operator: Operator) -> None:
    operator.do("tenant", "create", "initech", "Initech")
    [file] = operator.tenant_files
    file.unlink()
    assert operator("db", "check").status == 1
    assert operator(*SERVE).status == 1
    assert operator.tenant_files == []
