"""Commands that end in the middle, and what the next one finds."""

import shutil
import sqlite3
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest
from alembic import command as alembic
from sqlalchemy import event
from sqlalchemy.engine import Engine

from portal.core.shipped import shipped
from portal.tenancy import migrations
from portal.tenancy.session import TenantSession
from tests.cli.operators import SERVE, Operator
from tests.conftest import on_postgresql, on_sqlite
from tests.harness.smtp import mail_sink


class PowerCut(OSError):
    """No code of ours expects it."""


@pytest.fixture
def cut_off(monkeypatch):
    """Have the power fail at the nth call of something, before it is done."""

    def cut(owner: object, name: str, nth: int = 1) -> None:
        real, calls = getattr(owner, name), []

        def fail(*args: object, **more: object) -> object:
            calls.append(args)
            if len(calls) == nth:
                raise PowerCut("the power failed")
            return real(*args, **more)

        monkeypatch.setattr(owner, name, fail)

    return cut


CREATE = ("tenant", "create", "initech", "Initech", "--admin", "peter@initech.example", "Peter G")


IN_ITS_OWN = [
    ("portal.tenancy.migrations", "create_database", 1),
    ("portal.tenancy.migrations", "upgrade_tenant", 1),  # the place is there, and empty
]
ANYWHERE = [
    ("portal.cli.tenants", "create_tenant_key", 1),  # the schema is there, and no key
    ("portal.cli.tenants", "invite_member", 1),  # the key is there, and nobody
    ("portal.tenancy.service", "insert", 1),  # all is there but the row that makes it reachable
    ("portal.tenancy.service", "insert", 2),  # and no host
]


@pytest.mark.parametrize(
    ("database", "placement", "owner", "name", "nth"),
    [("sqlite", "database", *cut) for cut in IN_ITS_OWN + ANYWHERE]
    + [("postgresql", "database", *IN_ITS_OWN[1]), ("postgresql", "pooled", *ANYWHERE[-1])],
    indirect=["database"],
)
def test_a_tenant_that_was_not_finished_is_not_there(
    operator, placement, cut_off, monkeypatch, owner, name, nth
) -> None:
    create = (*CREATE, "--placement", placement)
    cut_off(import_module(owner), name, nth)
    assert operator.refused(*create) == "the power failed"
    monkeypatch.undo()
    assert operator.do("tenant", "list").out == ""
    with operator.visiting("initech.localhost") as visitor:
        assert (visitor.get("/auth/sign-in").status_code, visitor.get("/").status_code) == (
            404,
            404,
        )
    operator.do("db", "upgrade")
    operator.do("db", "check")
    with mail_sink() as sink:
        operator.do("worker", "--once", PORTAL_SMTP_URL=f"smtp://{sink.host}:{sink.port}")
        assert sink.mails == [], "somebody was invited to where nobody can go"

    made = operator.do(*create)  # the same again
    assert len(operator.do("tenant", "list").lines) == 1
    operator.do("db", "check")
    with operator.visiting("initech.localhost") as visitor:
        assert visitor.get(made.link.removeprefix(visitor.base)).status_code == 200


@on_sqlite
def test_a_tenant_is_made_once(operator) -> None:
    operator.do(*CREATE)
    said = operator.refused(*CREATE)
    assert said == "There is, or was, a tenant 'initech'; a short name is never reused."
    assert len(operator.tenant_files) == 1


def newer(folder: Path) -> Path:
    """The migrations, with one revision more in each lane."""
    shutil.copytree(shipped("migrations"), folder)
    for lane, table in (("control", "tenant_host"), ("tenant", "job")):
        newest = migrations._script(lane).get_current_head()
        (folder / lane / "9999_add_note.py").write_text(
            dedent(f"""
            import sqlalchemy as sa
            from alembic import op

            revision, down_revision = "9999", "{newest}"
            branch_labels = depends_on = None

            def upgrade():
                for number in range(4):
                    column = sa.Column(f"note_{{number}}", sa.String(9), nullable=True)
                    op.add_column("{table}", column)
            """)
        )
    return folder


@pytest.mark.parametrize(
    ("database", "nth"),
    # Each revision changes a table four times: first the global one, then initech's, umbrella's.
    [("sqlite", nth) for nth in (3, 5, 9)]
    # Here the pool is in the main database, and comes before the two.
    + [("postgresql", nth) for nth in (5, 13)],
    indirect=["database"],
)
def test_an_upgrade_of_many_databases_goes_on_where_it_stopped(
    operator: Operator, tmp_path, monkeypatch, nth
) -> None:
    """Between the lanes, between the placements, and in the middle of a revision."""
    for slug in ("initech", "umbrella"):
        operator.do("tenant", "create", slug, slug, "--placement", "database")
    folder = newer(tmp_path / "migrations")
    monkeypatch.setattr(migrations, "shipped", lambda _name: folder)
    behind = "is not up to date. Run: portal db upgrade"
    assert operator.refused("db", "check").endswith(behind)
    assert operator.refused(*SERVE).endswith(behind)
    statements = []

    def fail(_connection, _cursor, statement, *_rest) -> None:
        statements.append(statement)
        if [s.startswith("ALTER TABLE") for s in statements].count(True) == nth:
            raise PowerCut("the power failed")

    event.listen(Engine, "before_cursor_execute", fail)
    try:
        assert operator("db", "upgrade").status == 1
    finally:
        event.remove(Engine, "before_cursor_execute", fail)
    assert operator.refused("db", "check").endswith(behind)
    done = operator.do("db", "upgrade")
    assert done.lines == [
        "main database: up to date",
        "[1/2] initech: up to date",
        "[2/2] umbrella: up to date",
    ]
    operator.do("db", "check")
    assert operator.do("db", "upgrade").lines == done.lines


@on_postgresql
def test_an_upgrade_goes_on_between_the_lanes_of_one_database(blank, cut_off, monkeypatch) -> None:
    cut_off(alembic, "upgrade", 2)
    assert blank.refused("db", "upgrade") == "the power failed"
    monkeypatch.undo()
    assert blank(*SERVE).status == 1
    assert blank.do("db", "upgrade").lines == ["main database: up to date"]
    blank.do("db", "check")


@on_sqlite
@pytest.mark.parametrize("nth", [1, 30])
def test_sample_data_that_was_cut_off_is_completed(operator: Operator, nth) -> None:
    """At the nth commit, of about sixty."""
    commits = []

    def fail(_session: TenantSession) -> None:
        commits.append(1)
        if len(commits) == nth:
            raise KeyboardInterrupt

    event.listen(TenantSession, "before_commit", fail)
    try:
        done = operator("demo", "--setup-only")
    finally:
        event.remove(TenantSession, "before_commit", fail)
    assert done.status == 1, f"there are no {nth} commits"
    assert done.err.split() == ["Aborted!"]
    operator.do("demo", "--setup-only")
    assert "adding" not in operator.do("demo", "--setup-only").out
    operator.do("db", "check")
    made = sorted(set(map(counts_of, operator.tenant_files)) - {(0, 0, 0)})  # never reachable
    assert made in ([(4, 5, 2), (7, 9, 5)], [(4, 5, 2), (7, 10, 5)]), "one draft more in the trash"


def counts_of(file: Path) -> tuple[int, ...]:
    """How many people, documents (one of them in the trash) and folders there are."""
    connection = sqlite3.connect(file)
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("user_account", "document", "folder")
    ]
    connection.close()
    return tuple(counts)
