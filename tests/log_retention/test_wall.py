"""What the database lets go of the log, and what of that is found by somebody who was not asked."""

import sqlite3
from uuid import UUID

import psycopg
import pytest

from portal.audit.pruning import first_number
from portal.audit.tlog.trees import WIDTH
from portal.audit.tlog.verifying import verify_folder
from portal.core import clock as portal_clock
from portal.core.ids import new_id
from portal.core.settings import LOG_FLOOR_DAYS
from portal.tenancy.log_wall import KEPT, set_floor
from tests.audit.test_append_only import raw_connection
from tests.cli.operators import Operator
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Organisation
from tests.log_retention.conftest import lower_floor
from tests.log_retention.test_pruning import check, exported, prune, prune_now

REFUSED = (sqlite3.IntegrityError, psycopg.errors.InsufficientPrivilege)


def mark(organisation: Organisation, number: int, tenant: UUID | None = None) -> str:
    """The statement that adds a mark, as the portal's own role may send it."""
    is_sqlite = organisation.portal.name == "sqlite"
    own, new = (i.hex if is_sqlite else str(i) for i in (tenant or organisation.id, new_id()))
    at = portal_clock.now().strftime("%Y-%m-%d %H:%M:%S")
    columns = "(tenant_id, id, number, pruned_at)"
    return f"INSERT INTO audit_pruning {columns} VALUES ('{own}', '{new}', {number}, '{at}')"


def is_refused(organisation: Organisation, statement: str) -> None:
    with raw_connection(organisation) as connection:
        with pytest.raises(REFUSED):
            connection.execute(statement)
        connection.rollback()


def entries_in(organisation: Organisation) -> list[str]:
    own = (row for row in organisation.portal.rows("audit_entry"))
    return [row["action"] for row in own if row["tenant_id"] == organisation.id]


def test_the_database_prunes_the_oldest_entries_once_they_are_old_and_nothing_else(
    long, tmp_path
) -> None:
    """The portal's own role asks, past the portal. What it got is found all the same."""
    before = entries_in(long)
    is_refused(long, mark(long, WIDTH))  # younger than the floor
    assert entries_in(long) == before
    lower_floor(long, -1)
    try:
        for number in (-WIDTH, 0, WIDTH - 1, 100 * WIDTH):
            is_refused(long, mark(long, number))
        with raw_connection(long) as connection:
            connection.execute(mark(long, WIDTH))
            connection.commit()
        left = entries_in(long)
        kept = [action for action in before if action in KEPT]
        assert len(left) < len(before)
        assert [action for action in left if action in KEPT] == kept
        is_refused(long, mark(long, WIDTH))  # it grows
        actions = ", ".join(f"'{action}'" for action in KEPT)
        for statement in (
            "UPDATE audit_pruning SET number = 0",
            "DELETE FROM audit_pruning",
            "DELETE FROM audit_entry",
            f"DELETE FROM audit_entry WHERE action IN ({actions})",
            "DELETE FROM audit_leaf",
        ):
            is_refused(long, statement)
        assert entries_in(long) == left
        assert check(long) == [f"deleted: entries 0 to {WIDTH - 1}, of which no pruning tells"]
        report = verify_folder(exported(long, tmp_path / "log"))
        assert list(map(str, report.findings)) == [f"deleted: entries 0 to {WIDTH - 1}"]
    finally:
        lower_floor(long, LOG_FLOOR_DAYS)


def test_an_upgrade_sets_the_floor(acme) -> None:
    def floor() -> str:
        if acme.portal.name == "postgresql":
            return str(acme.portal.ask("SELECT audit_floor_days()", acme))
        made = "SELECT sql FROM sqlite_schema WHERE name = 'audit_pruning_floor'"
        return str(acme.portal.ask(made, acme))

    assert str(LOG_FLOOR_DAYS) in floor()
    try:
        Operator(acme.portal.settings).do("db", "upgrade", PORTAL_LOG_FLOOR_DAYS="777")
        assert "777" in floor()
        Operator(acme.portal.settings).do("db", "check")
    finally:
        lower_floor(acme, LOG_FLOOR_DAYS)


@on_postgresql
def test_the_portals_role_neither_lowers_the_floor_nor_prunes_another_log(long, globex) -> None:
    for statement in (*set_floor("postgresql", 0), mark(long, WIDTH, globex.id)):
        is_refused(long, statement)
    is_refused(long, "DROP TRIGGER audit_pruning_carry_out ON audit_pruning")
    is_refused(long, "ALTER TABLE audit_pruning DISABLE TRIGGER ALL")


def delete(organisation: Organisation, which: str) -> None:
    organisation.portal.execute("DROP TRIGGER IF EXISTS audit_entry_no_delete", organisation)
    chosen = (
        f"SELECT l.id FROM audit_leaf l JOIN audit_entry e ON e.id = l.id WHERE {which} LIMIT 1"
    )
    organisation.portal.execute(f"DELETE FROM audit_entry WHERE id IN ({chosen})", organisation)


@on_sqlite
def test_what_was_deleted_besides_is_found(old) -> None:
    end = prune(old)
    delete(old, f"l.number = {end + 3}")
    assert f"deleted: entry {end + 3}" in check(old)
    delete(old, f"l.number < {end}")
    [told] = [entry["detail"] for entry in old.log() if entry["action"] == "log.pruned"]
    gone = told["entries"]
    found = f"deleted: entries before {end}: {gone + 1} are gone, and {gone} were pruned"
    assert found in check(old)
    old.portal.execute("DROP TRIGGER audit_entry_no_update", old)
    unreadable = """UPDATE audit_entry SET told = '{"end": "x"}' WHERE action = 'log.pruned'"""
    old.portal.execute(unreadable, old)
    assert f"deleted: entries 0 to {end - 1}, of which no pruning tells" in check(old)
    assert any(one.startswith("edited: entry ") for one in check(old))


@on_sqlite
def test_what_was_pruned_unasked_is_found_also_after_the_portal_has_pruned_again(
    old, tmp_path
) -> None:
    """Its mark follows the one that nobody tells of."""
    with raw_connection(old) as connection:
        connection.execute(mark(old, WIDTH))
        connection.commit()
    assert prune_now(old) > WIDTH
    assert f"deleted: entries 0 to {WIDTH - 1}, of which no pruning tells" in check(old)
    report = verify_folder(exported(old, tmp_path / "log"))
    assert [str(finding) for finding in report.findings] == [f"deleted: entries 0 to {WIDTH - 1}"]


@on_sqlite
def test_a_mark_that_was_raised_by_hand_is_found(old) -> None:
    end = prune(old)
    old.portal.execute("DROP TRIGGER audit_pruning_no_update", old)
    old.portal.execute(f"UPDATE audit_pruning SET number = {end + WIDTH}", old)
    with old.bound():
        assert first_number() == end + WIDTH
    gone = f"deleted: entries {end} to {end + WIDTH - 1}, of which no pruning tells"
    assert gone in check(old)
