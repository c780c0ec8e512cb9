"""`portal db`, and the start of a server: what is not fit to serve does not serve."""

import sqlite3

import pytest
from alembic.operations import Operations

from portal.tenancy import migrations
from tests.cli.conftest import instance_of, one_line
from tests.cli.operators import SERVE
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import OWNER
from tests.serving import command, environment, serving

SECRET = "0123456789abcdef0123456789abcdef"


def test_upgrade_makes_everything_and_may_be_repeated(nothing_yet, run_with) -> None:
    first = run_with(nothing_yet, "db", "upgrade")
    assert (first.status, first.out) == (0, "main database: up to date\n")
    assert run_with(nothing_yet, "tenant", "create", "initech", "Initech").status == 0
    again = run_with(nothing_yet, "db", "upgrade")
    assert again.status == 0
    assert again.out.splitlines()[0] == "main database: up to date"
    assert again.out.splitlines()[1:] in (["[1/1] initech: up to date"], [])
    said = run_with(nothing_yet, "db", "check")
    assert said.status == 0
    assert "main database: in order" in said.out


@pytest.mark.usefixtures("schemas_made_anew")
@pytest.mark.parametrize("cut_at", [2, 5])
def test_an_upgrade_that_was_cut_off_goes_on(nothing_yet, run_with, monkeypatch, cut_at) -> None:
    """In the middle of the tables, where SQLite by itself would keep half of them."""
    real, made = Operations.create_table, []

    def create_table(self: Operations, name: str, *args: object, **more: object) -> object:
        made.append(name)
        if len(made) == cut_at:
            raise OSError("pulled the plug")
        return real(self, name, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Operations, "create_table", create_table)
        said = run_with(nothing_yet, "db", "upgrade")
        if said.status == 0:
            said = run_with(nothing_yet, "tenant", "create", "initech", "Initech")
        assert said.status == 1
    assert run_with(nothing_yet, "db", "upgrade").status == 0
    assert run_with(nothing_yet, "tenant", "create", "initech", "Initech").status == 0
    assert run_with(nothing_yet, "db", "check").status == 0


@on_sqlite
def test_of_many_databases_those_that_are_done_are_not_done_again(portal, run, monkeypatch) -> None:
    tried, real = [], migrations.upgrade_tenant

    def upgrade_tenant(tenant: object, *args: object) -> None:
        tried.append(tenant.slug)
        if tried == ["acme", "globex"]:
            raise OSError("pulled the plug")
        real(tenant, *args)

    monkeypatch.setattr(migrations, "upgrade_tenant", upgrade_tenant)
    first = run("db", "upgrade")
    assert first.status == 1
    assert first.out.splitlines()[-1] == "[1/2] acme: up to date"
    second = run("db", "upgrade")
    assert second.status == 0
    assert second.out.splitlines()[-1] == "[2/2] globex: up to date"


def test_a_planted_table_fails_the_check(portal, acme, run) -> None:
    portal.execute("CREATE TABLE planted (id integer)", acme)
    try:
        said = run("db", "check")
        assert said.status == 1
        assert "planted: an unknown table" in one_line(said)
    finally:
        portal.execute("DROP TABLE planted", acme)
    assert run("db", "check").status == 0


def test_a_schema_that_is_behind_fails_the_check(portal, acme, run) -> None:
    newest = migrations._script("tenant").get_current_head()
    portal.execute("UPDATE schema_version_tenant SET version_num = '0000'", acme)
    try:
        said = run("db", "check")
        assert said.status == 1
        assert one_line(said).endswith("Run: portal db upgrade")
    finally:
        portal.execute(f"UPDATE schema_version_tenant SET version_num = '{newest}'", acme)


@on_postgresql
def test_a_wall_that_was_taken_down_fails_the_check(portal, run) -> None:
    portal.execute("ALTER TABLE document NO FORCE ROW LEVEL SECURITY")
    try:
        assert "document: its row-level security" in one_line(run("db", "check"))
    finally:
        portal.execute("ALTER TABLE document FORCE ROW LEVEL SECURITY")


@on_postgresql
@pytest.mark.parametrize("role", [OWNER, "postgres"])
@pytest.mark.parametrize(
    "words", [("db", "check"), ("tenant", "list"), ("worker", "--once"), SERVE]
)
def test_a_role_that_no_wall_holds_is_refused_everywhere(postgresql, run, role, words) -> None:
    said = run(*words, PORTAL_DATABASE_URL=postgresql.url("flows", role))
    assert said.status == 1
    line = one_line(said)
    assert f"'{role}'" in line
    assert "Give PORTAL_DATABASE_URL a role" in line


@on_postgresql
def test_without_an_owner_nothing_is_changed(postgresql, portal, run) -> None:
    app = portal.settings.database_url
    for words in (("db", "upgrade"), ("tenant", "create", "initech", "Initech")):
        said = run(*words, PORTAL_OWNER_DATABASE_URL=app)
        assert said.status == 2
        assert "PORTAL_OWNER_DATABASE_URL" in said.err


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        ({"PORTAL_DEBUG": "1"}, "PORTAL_DEBUG is on; unset it"),
        ({"PORTAL_DEMO": "1"}, "PORTAL_DEMO shows sample passwords; unset it"),
        ({"PORTAL_URL": "http://portal.example"}, "put a TLS proxy in front"),
        ({"PORTAL_SECRET_KEY": ""}, "PORTAL_SECRET_KEY is missing or weak"),
        ({"PORTAL_SECRET_KEY": "short"}, "PORTAL_SECRET_KEY is missing or weak"),
        ({"PORTAL_SECRET_KEY": "a" * 64}, "secrets.token_urlsafe"),
    ],
)
@on_sqlite
def test_production_refuses_what_is_unsafe_and_says_how_to_mend_it(run, wrong, mend) -> None:
    safe = {
        "PORTAL_PRODUCTION": "1",
        "PORTAL_URL": "https://portal.example",
        "PORTAL_SECRET_KEY": SECRET,
    }
    for words in (SERVE, ("tenant", "list")):
        said = run(*words, **safe | wrong)
        assert said.status == 1
        assert mend in said.err
        assert "Traceback" not in said.err
    assert run("tenant", "list", **safe).status == 0


@on_sqlite
def test_production_names_all_faults_at_once(run) -> None:
    said = run(*SERVE, PORTAL_PRODUCTION="1", PORTAL_DEBUG="1", PORTAL_DEMO="1")
    assert all(word in said.err for word in ("DEBUG", "DEMO", "SECRET_KEY", "PORTAL_URL"))


@on_sqlite
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORTAL_URL", "portal.example"),
        ("PORTAL_URL", "ftp://x"),
        ("PORTAL_URL", "https://x/path"),
        ("PORTAL_THREADS", "0"),
        ("PORTAL_THREADS", "many"),
        ("PORTAL_TRUSTED_PROXIES", "-1"),
        ("PORTAL_LOG_LEVEL", "LOUD"),
        ("PORTAL_DEMO", "perhaps"),
        ("PORTAL_PASSWORD_MEMORY_KIB", "1"),
        ("PORTAL_DATABASE_URL", "nonsense"),
        ("PORTAL_SECRET_KEY_FILE", "/nowhere/at/all"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(run, name, value) -> None:
    said = run("tenant", "list", **{name: value})
    assert said.status == 1
    assert "Traceback" not in said.err
    assert name.removesuffix("_FILE").removeprefix("PORTAL_DATABASE_") in one_line(said)


@on_sqlite
def test_a_secret_may_come_from_a_file(run_with, portal, tmp_path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n")
    env = environment(portal.settings) | {
        "PORTAL_PRODUCTION": "1",
        "PORTAL_URL": "https://portal.example",
        "PORTAL_SECRET_KEY_FILE": str(tmp_path / "secret"),
    }
    assert run_with(env, "tenant", "list").status == 0


@on_sqlite
def test_before_the_first_upgrade_it_says_what_to_do(nothing_yet, run_with) -> None:
    for words in (SERVE, ("db", "check")):
        said = run_with(nothing_yet, *words)
        assert said.status == 1
        one_line(said)


@on_sqlite
def test_a_damaged_key_file_stops_everything(nothing_yet, run_with) -> None:
    run_with(nothing_yet, "db", "upgrade")
    run_with(nothing_yet, "tenant", "create", "initech", "Initech")
    keys = instance_of(nothing_yet) / "keys.json"
    keys.chmod(0o644)
    said = run_with(nothing_yet, "tenant", "list")
    assert said.status == 1
    assert "keys.json" in one_line(said)
    keys.chmod(0o600)
    keys.unlink()  # another one is made, in which no tenant is
    assert run_with(nothing_yet, "db", "check").status == 1
    assert run_with(nothing_yet, "tenant", "create", "other", "Other").status == 1


@on_sqlite
def test_serve_serves_and_stops_cleanly(portal, acme, present) -> None:
    with serving(portal.settings) as server:
        head = f"GET /documents HTTP/1.1\nHost: {acme.host}:8000\nConnection: close"
        signed_in = server.ask(f"{head}\nCookie: session={acme['member'].token}")
        assert signed_in.startswith(b"HTTP/1.1 200 ")
        assert b"Note.txt" in signed_in
        assert server.ask(head).startswith(b"HTTP/1.1 302 ")
        assert server.ask("GET / HTTP/1.1\nHost: nobody\nConnection: close").endswith(
            b"Not found\n"
        )
        for broken in (
            "GET / HTTP/1.1\nHost: a\nHost: b\nConnection: close",
            "GET / HTTP/1.1\nConnection: close",
            f"{head}\nContent-Length: 1\nTransfer-Encoding: chunked",
        ):
            assert server.ask(broken).split(b" ")[1] in (b"400", b"404")
        status, output = server.stop()
    assert status == 0
    assert "Traceback" not in output


@on_sqlite
def test_serve_refuses_in_a_process_of_its_own_as_well(portal) -> None:
    said = command(environment(portal.settings, PORTAL_PRODUCTION="1"), "serve", "--port", "0")
    assert said.returncode == 1
    assert said.stderr.startswith("portal: ")
    assert "Traceback" not in said.stderr


@on_sqlite
def test_what_commands_make_is_nobody_elses(nothing_yet, run_with) -> None:
    run_with(nothing_yet, "db", "upgrade")
    run_with(nothing_yet, "tenant", "create", "initech", "Initech")
    instance = instance_of(nothing_yet)
    made = {path for path in instance.rglob("*") if path.is_file()}
    assert {"control.db", "keys.json"} <= {path.name for path in made}
    assert [path for path in made if path.stat().st_mode & 0o077] == []
    with sqlite3.connect(instance / "control.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
