"""Row-level security: it needs a tenant, takes it with BEGIN, and lets no stronger role in."""

import os
import tempfile
from itertools import count

import psycopg
import pytest
from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from portal.core.errors import Misconfigured
from portal.tenancy import postgres
from portal.tenancy.binding import acting_for
from portal.tenancy.placement import system_engine
from tests.isolation.subjects import subjects
from tests.isolation.worlds import APP_ROLE, SLUGS, tenant

OWN, BEFORE = tenant("own").id, tenant("before").id


@pytest.fixture
def walled(world_of):
    return world_of("postgresql-wall")


@pytest.fixture
def both(world_of):
    return world_of("postgresql-both")


@pytest.fixture
def direct(server, walled):
    """A connection of the portal's role, past SQLAlchemy."""
    url = server.url("postgresql_wall", APP_ROLE).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def table():
    return subjects()[0].table.name


# --- policy


def test_without_a_tenant_each_table_raises(direct):
    for subject in subjects():
        with pytest.raises(psycopg.Error, match="unrecognized configuration parameter"):
            direct.execute(f"SELECT count(*) FROM {subject.table.name}")


def test_after_a_tenant_was_set_and_left_each_table_raises_still(direct):
    """PostgreSQL keeps an empty setting then, which is no tenant's id."""
    direct.execute(f"BEGIN; SET LOCAL {postgres.SETTING} = '{OWN}'; COMMIT")
    for subject in subjects():
        with pytest.raises(psycopg.Error, match="invalid input syntax for type uuid"):
            direct.execute(f"SELECT count(*) FROM {subject.table.name}")


def test_no_other_setting_opens_a_table(direct, table):
    for value in ("", "x", "%", f"{OWN},{BEFORE}", "NULL"):
        with pytest.raises(psycopg.Error):
            direct.execute(
                f"BEGIN; SET LOCAL {postgres.SETTING} = '{value}'; TABLE {table}; COMMIT"
            )
        direct.execute("ROLLBACK")
    with pytest.raises(psycopg.Error, match="would be affected by row-level security"):
        direct.execute(f"SET row_security = off; TABLE {table}")


def test_the_owner_is_held_as_well(server, table):
    """FORCE: even the role that owns the tables sees nothing without a tenant."""
    server.create_role("walled_owner")
    owned = server.create_database("walled_owned", owner="walled_owner")
    engine = system_engine(owned)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {table} (tenant_id uuid NOT NULL, id uuid)"))
        connection.execute(text(f"INSERT INTO {table} VALUES ('{OWN}', '{OWN}')"))
        for statement in postgres.policy_ddl(table):
            connection.execute(text(statement))
    with engine.connect() as connection, pytest.raises(DBAPIError, match="unrecognized"):
        connection.execute(text(f"TABLE {table}"))
    engine.dispose()


def test_copying_out_gives_own_rows_only(direct, table):
    direct.execute(f"BEGIN; SET LOCAL {postgres.SETTING} = '{OWN}'")
    with direct.cursor().copy(f"COPY (SELECT tenant_id FROM {table}) TO STDOUT") as copy:
        assert {row[0] for row in copy.rows()} == {str(OWN)}


def test_sql_hidden_in_a_text_gives_own_rows_only(world_of, table):
    """The filter can't read what a function makes of a string; the database can."""
    inner = f"SELECT array_to_tsvector(ARRAY[tenant_id::text]) FROM {table}"
    hidden = text(f"SELECT word FROM ts_stat('{inner}')")
    for name in ("postgresql-wall", "postgresql-both"):
        with world_of(name).acting() as session:
            assert session.scalars(hidden).all() == [str(OWN)]


def test_a_setting_changed_by_raw_sql_gives_nothing_behind_both_walls(both):
    """The filter asks for the bound tenant, the database for the other: no row is of both."""
    change = text("SELECT set_config('app.tenant_id', :other, true)")
    for subject in subjects():
        with both.acting() as session:
            session.execute(change, {"other": str(BEFORE)})
            assert session.scalars(select(subject.model)).all() == []
            assert session.execute(delete(subject.table)).rowcount == 0
            with pytest.raises(ProgrammingError, match="row-level security"):
                session.execute(insert(subject.table).values(**subject.new()))


# --- transactions


def test_a_pooled_connection_never_carries_the_tenant_over(both):
    """Whichever way the transaction ended."""
    asked = text("SELECT current_setting('app.tenant_id', true)")

    def fail(session):
        with pytest.raises(DBAPIError):
            session.execute(text("SELECT 1/0"))

    endings = {
        "commit": lambda s: s.commit(),
        "rollback": lambda s: s.rollback(),
        "close": lambda s: s.close(),
        "leave": lambda s: None,
        "fail": fail,
    }
    both.engine.dispose()  # so that one connection serves them all
    for end in endings.values():
        with both.acting() as session:
            process = session.scalar(text("SELECT pg_backend_pid()"))
            assert session.scalar(asked) == str(OWN)
            end(session)
        with both.app.app_context(), both.engine.connect() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) == process
            assert connection.scalar(asked) in (None, "")


def test_a_savepoint_keeps_the_tenant(both):
    model = subjects()[0].model
    with both.acting() as session:
        with session.begin_nested() as inner:
            assert {*session.scalars(select(model.tenant_id))} == {OWN}
            inner.rollback()
        assert {*session.scalars(select(model.tenant_id))} == {OWN}


def _messages(driver, work):
    """What `work` sends to the server, one for each time it waits for an answer."""
    with tempfile.TemporaryFile("w+") as trace:
        driver.pgconn.trace(trace.fileno())
        driver.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
        work()
        driver.pgconn.untrace()
        os.lseek(trace.fileno(), 0, os.SEEK_SET)
        return [line for line in trace if line.split("\t")[2:3] in (["Query"], ["Sync"])]


@pytest.mark.parametrize("after", ["a fresh start", "a read without a transaction"])
def test_the_tenant_is_set_by_the_message_that_begins(both, after):
    """So binding costs no round trip, also on a connection that was used in AUTOCOMMIT before."""
    both.engine.dispose()
    with both.app.app_context():
        if after != "a fresh start":
            reading = both.engine.execution_options(isolation_level="AUTOCOMMIT")
            with reading.connect() as connection:
                connection.execute(text("SELECT 1"))
        with acting_for(both.tenant()), both.engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            sent = _messages(driver, lambda: connection.execute(text("SELECT 1")))
    assert len(sent) == 2
    assert "BEGIN; SET LOCAL" in sent[0]


def test_reading_without_a_transaction_is_one_message(both):
    with both.app.app_context():
        reading = both.engine.execution_options(isolation_level="AUTOCOMMIT")
        with reading.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert len(_messages(driver, lambda: connection.execute(text("SELECT 1")))) == 1


def test_a_lost_server_empties_the_pool_at_the_first_failure(server, both):
    killer = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = :role AND datname = current_database()"
    )
    with both.acting() as outer:
        outer.connection()
        with both.acting("before") as inner:
            inner.connection()  # so two connections go back to the pool
    admin = system_engine(server.url("postgresql_both"))
    with admin.connect() as connection:
        connection.execute(killer, {"role": APP_ROLE})
    admin.dispose()
    with pytest.raises(OperationalError) as caught, both.acting() as session:
        session.connection()
    assert caught.value.connection_invalidated
    for slug in SLUGS:
        with both.acting(slug) as session:
            session.connection()


# --- roles


NUMBERS = count(1)  # of roles, which the server keeps


@pytest.fixture(scope="module")
def role_check(server):
    """Makes a role by raw SQL in a database of its own, and checks it as the portal would."""
    server.create_database("roles")
    admin = system_engine(server.url("roles"))

    def check(*statements):
        role = f"checked_{next(NUMBERS)}"
        server.create_role(role)
        with admin.begin() as connection:
            for statement in statements:
                connection.execute(text(statement.format(role=role)))
        engine = system_engine(server.url("roles", role))
        try:
            with engine.connect() as connection:
                postgres.check_role(connection)
        finally:
            engine.dispose()

    yield check
    admin.dispose()
    server.drop_database("roles")


def test_a_role_that_has_only_what_it_was_granted_passes(role_check):
    role_check("CREATE TABLE granted (id int)", "GRANT SELECT, UPDATE ON granted TO {role}")


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (["ALTER ROLE {role} SUPERUSER"], "superuser"),
        (["ALTER ROLE {role} BYPASSRLS"], "bypass row-level security"),
        (["CREATE ROLE strong SUPERUSER", "GRANT strong TO {role}"], "superuser"),
        (["CREATE ROLE bypass BYPASSRLS", "GRANT bypass TO {role}"], "bypass row-level security"),
        (
            [
                "CREATE ROLE far BYPASSRLS",
                "CREATE ROLE near",
                "GRANT far TO near",
                "GRANT near TO {role}",
            ],
            "bypass row-level security",
        ),
        (["CREATE TABLE owned (id int)", "ALTER TABLE owned OWNER TO {role}"], "owns"),
        (["CREATE SCHEMA owned AUTHORIZATION {role}"], "owns"),
        (["ALTER DATABASE roles OWNER TO {role}"], "owns"),
        (
            [
                "CREATE ROLE holder",
                "CREATE TABLE held (id int)",
                "ALTER TABLE held OWNER TO holder",
                "GRANT holder TO {role}",
            ],
            "owns",
        ),
        (
            [
                "CREATE ROLE strong_too SUPERUSER",
                "ALTER ROLE {role} NOINHERIT",
                "GRANT strong_too TO {role}",
            ],
            "superuser",
        ),
    ],
)
def test_a_role_that_the_wall_does_not_hold_is_refused(role_check, statements, reason):
    with pytest.raises(Misconfigured, match=reason):
        role_check(*statements)
