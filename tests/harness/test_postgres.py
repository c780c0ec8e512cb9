from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from tests.harness.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def ask(url: str, statement: str) -> object:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def test_the_superuser_gets_in_and_a_wrong_password_does_not(server: PostgresServer) -> None:
    assert ask(server.superuser_url, "SELECT current_user") == "postgres"
    with pytest.raises(OperationalError, match="password authentication failed"):
        ask(server.superuser_url.replace(server.password, "guessed"), "SELECT 1")


def test_a_database_is_copied_from_a_template(server: PostgresServer) -> None:
    ask(server.create_database("original"), "CREATE TABLE kept AS SELECT 42 AS answer")
    copy = server.create_database("copy", template="original")
    assert ask(copy, "SELECT answer FROM kept") == 42
    server.drop_database("copy")
    with pytest.raises(OperationalError, match="does not exist"):
        ask(copy, "SELECT 1")


def test_a_role_can_only_do_what_it_was_granted(server: PostgresServer) -> None:
    server.create_role("visitor")
    url = server.create_database("guarded")
    ask(url, "CREATE TABLE guarded AS SELECT 42 AS answer")
    as_visitor = server.url("guarded", "visitor")
    assert ask(as_visitor, "SELECT current_user") == "visitor"
    with pytest.raises(ProgrammingError, match="permission denied"):
        ask(as_visitor, "SELECT answer FROM guarded")


def test_a_stopped_server_leaves_nothing_behind() -> None:
    with postgres_server() as server:
        folder = Path(str(ask(server.superuser_url, "SHOW data_directory")))
        assert folder.is_dir()
    assert not folder.exists()
    with pytest.raises(OperationalError):
        ask(server.superuser_url, "SELECT 1")
