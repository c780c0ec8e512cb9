"""What measures work on: a folder, a PostgreSQL, and portals, each made when it is asked for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench.installations import Installation, create_roles, on_postgres, on_sqlite
from bench.rounds import Effort
from tests.harness.memory import place_in_memory
from tests.harness.postgres import PostgresServer, postgres_server

DATABASES = ("SQLite", "PostgreSQL")


class Workbench:
    """Everything that the measures of one run share. It leaves nothing behind."""

    def __init__(
        self, folder: Path, effort: Effort, stack: ExitStack, *, is_durable: bool = False
    ) -> None:
        self.folder = folder
        self.effort = effort
        self._stack = stack
        self._is_durable = is_durable
        self._made: dict[tuple[str, bool], Installation] = {}

    @cached_property
    def postgres(self) -> PostgresServer:
        """The one PostgreSQL of this run. Its housekeeping is off: it would come in between."""
        server = self._stack.enter_context(postgres_server(is_durable=self._is_durable))
        create_roles(server)
        with server.connect() as connection:
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
        return server

    @cached_property
    def on_disk(self) -> "Workbench":
        """One whose commits wait for a disk, as they do where a portal runs, in both databases."""
        folder = self._stack.enter_context(TemporaryDirectory(prefix="portal-bench-"))
        return Workbench(Path(folder), self.effort, self._stack, is_durable=True)

    def server_of(self, database: str) -> PostgresServer | None:
        """What else is at work where rows are in that database."""
        return self.postgres if database == "PostgreSQL" else None

    def portal(self, database: str, *, is_clear: bool = False) -> Installation:
        """A portal filled with documents. `is_clear`: names in clear, and no row-level security."""
        if (database, is_clear) not in self._made:
            name = f"{database.lower()}_{'clear' if is_clear else 'portal'}"
            folder = self.folder / name
            if database == "SQLite":
                made = on_sqlite(folder, is_clear=is_clear)
            else:
                made = on_postgres(folder, self.postgres, name, is_clear=is_clear)
                self.analyze(made.settings.owner_database_url)
            self._made[database, is_clear] = made
        return self._made[database, is_clear]

    def analyze(self, url: str) -> None:
        """Do at once what autovacuum does in time: count the rows that the planner reckons with."""
        if url.startswith("postgresql"):
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def new_database(self, database: str, name: str) -> str:
        """The URL of an empty database, for a yardstick."""
        if database == "SQLite":
            return f"sqlite:///{self.folder / name}.db"
        return self.postgres.create_database(name)


@contextmanager
def workbench(effort: Effort) -> Iterator[Workbench]:
    """A workbench for the block. Its files are kept in memory where there is room for them."""
    place = place_in_memory()
    with TemporaryDirectory(prefix="portal-bench-", dir=place) as folder, ExitStack() as stack:
        yield Workbench(Path(folder), effort, stack)
