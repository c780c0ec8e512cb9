"""A file per tenant: nothing of another tenant is in it, and no other file comes into reach."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from portal.core.ids import new_id
from portal.tenancy import sqlite as sqlite_wall
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.models import Placement
from portal.tenancy.placement import file_of
from portal.tenancy.session import db
from tests.isolation.subjects import subjects
from tests.isolation.worlds import SLUGS, tenant


@pytest.fixture
def files(world_of):
    return world_of("sqlite-both")


def path_of(files, record):
    with files.app.app_context():
        return file_of(record, db.engine.url)


def test_a_file_holds_rows_of_its_own_tenant_only(files):
    for slug in SLUGS:
        with sqlite3.connect(path_of(files, tenant(slug))) as connection:
            for subject in subjects():
                asked = f"SELECT DISTINCT tenant_id FROM {subject.table.name}"
                assert connection.execute(asked).fetchall() == [(tenant(slug).id.hex,)]
        connection.close()


def test_what_is_written_lands_in_the_tenants_own_file(files):
    for subject in subjects():
        for slug in SLUGS:
            with files.acting(slug) as session:
                session.connection()
                main = session.execute(text("PRAGMA database_list")).one()
                assert Path(main.file) == path_of(files, tenant(slug))
                assert {*session.scalars(select(subject.model.tenant_id))} == {tenant(slug).id}


def test_a_missing_file_is_an_error_and_no_empty_tenant(files):
    unknown = TenantRecord(new_id(), "unknown", "Unknown", "active", Placement.DATABASE)
    with files.app.app_context(), acting_for(unknown):
        with pytest.raises(OperationalError, match="unable to open"):
            db.session.scalars(select(subjects()[0].model)).all()
        db.engines.pop(f"tenant:{unknown.id}").dispose()
    assert not path_of(files, unknown).exists()


def test_no_other_file_can_be_attached(files):
    """Neither within a transaction, which SQLite forbids, nor on the driver's own connection."""
    with files.acting() as session:
        driver = session.connection().connection.dbapi_connection
        driver.rollback()
        for path in (path_of(files, tenant("before")), ":memory:"):
            with pytest.raises(sqlite3.OperationalError, match="too many attached databases"):
                driver.execute("ATTACH DATABASE ? AS other", (str(path),))


def test_a_unit_that_writes_takes_the_write_lock_when_it_begins(files):
    with files.app.app_context(), acting_for(files.tenant(), writes=True):
        db.session.connection()
        other = sqlite3.connect(path_of(files, tenant("own")), timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_whoever_waits_for_the_write_lock_is_not_overtaken_again_and_again(files):
    """Four write without a pause. Turns of others are counted while one waits for a turn."""
    turns = count()

    def write() -> int:
        with files.app.app_context(), acting_for(files.tenant(), writes=True):
            db.session.connection()
            time.sleep(0.002)
            return next(turns)

    def longest_wait(_writer: int) -> int:
        return max(-next(turns) + write() for _ in range(25))

    with ThreadPoolExecutor(4) as pool:
        assert median(pool.map(longest_wait, range(4))) < 20


def test_who_waits_too_long_for_the_write_lock_is_told_and_keeps_nobody_waiting(files, monkeypatch):
    def write(_number: int) -> None:
        with files.app.app_context(), acting_for(files.tenant(), writes=True):
            db.session.connection()

    monkeypatch.setattr(sqlite_wall, "LOCK_WAIT_SECONDS", 0.05)
    other = sqlite3.connect(path_of(files, tenant("own")))
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as pool:
        for waiting in [pool.submit(write, n) for n in range(3)]:
            with pytest.raises(OperationalError, match="locked"):
                waiting.result()
    other.close()
    write(0)


def test_keys_are_enforced(files):
    with files.acting() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA trusted_schema")) == 0


def test_pages_of_a_tenants_file_are_put_nowhere_else(files):
    """What SQLite keeps to undo a statement by would lie in a folder for anybody's files."""
    in_memory = 2
    with files.acting() as session:
        assert session.scalar(text("PRAGMA temp_store")) == in_memory
