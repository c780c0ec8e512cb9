"""Each entry by the next number, none left out, none twice; and grave acts at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM
from portal.audit.models import AuditEntry
from portal.audit.service import record
from portal.audit.tlog import numbering
from portal.audit.tlog.bodies import MAX_BODY_BYTES, EntryTooLong, body_of
from portal.audit.tlog.hashes import leaf_hash
from portal.audit.tlog.waiting import list_waiting
from portal.cli.keeping_log import number_logs
from portal.core.ids import new_id
from portal.tenancy.session import release
from tests.audit.reading import entry, write
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Organisation


def numbered(organisation: Organisation) -> dict[int, UUID]:
    rows = organisation.portal.rows("audit_leaf")
    return {row["number"]: row["id"] for row in rows if row["tenant_id"] == organisation.id}


def entry_ids(organisation: Organisation) -> set[UUID]:
    rows = organisation.portal.rows("audit_entry")
    return {row["id"] for row in rows if row["tenant_id"] == organisation.id}


def number_all(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        while numbering.number_waiting():
            session.commit()


def check_whole(organisation: Organisation) -> None:
    """Every entry has one number, and its leaf is the hash of its bytes."""
    leaves = numbered(organisation)
    assert sorted(leaves) == [*range(len(leaves))]
    assert len(set(leaves.values())) == len(leaves)
    assert set(leaves.values()) == entry_ids(organisation)
    hashes = {row["id"]: row["hash"] for row in organisation.portal.rows("audit_leaf")}
    with organisation.bound() as session:
        for kept in session.query(AuditEntry).all():
            assert hashes[kept.id] == leaf_hash(body_of(kept))


def test_everything_that_happens_gets_the_next_numbers(acme, globex) -> None:
    """What the pages have done to make both organisations, too."""
    acme.visit("member").post("/folders", {"name": "New"})
    for organisation in (acme, globex):
        number_all(organisation)
        check_whole(organisation)
    assert len(numbered(acme)) > 40


@on_sqlite
def test_what_is_rolled_back_takes_no_number(acme) -> None:
    before = numbered(acme)
    with acme.bound(writes=True) as session:
        record(SYSTEM, Action.RETENTION_RUN, "organisation")
        session.rollback()
        record(SYSTEM, Action.RETENTION_RUN, "organisation")
        session.execute(text("SELECT 1"))
        session.rollback()
        record(SYSTEM, Action.RETENTION_RUN, "organisation", documents=1)
        nested = session.begin_nested()
        record(SYSTEM, Action.RETENTION_RUN, "organisation", documents=2)
        nested.rollback()
        record(SYSTEM, Action.RETENTION_RUN, "organisation", documents=3)
    assert sorted(numbered(acme)) == [*range(len(before) + 2)]
    assert [row["detail"]["documents"] for row in acme.log()] == [1, 3]


@on_sqlite
def test_an_entry_that_was_recorded_is_not_lost_by_letting_go_of_the_transaction(acme) -> None:
    with acme.bound(writes=True):
        record(SYSTEM, Action.RETENTION_RUN, "organisation")
        with pytest.raises(RuntimeError):
            release()
    assert acme.told() == [("retention.run", "success")]


@on_postgresql
def test_entries_are_numbered_whatever_the_order_in_which_they_were_committed(acme) -> None:
    number_all(acme)
    early, late = new_id(), new_id()
    write(acme, entry(id=late))
    number_all(acme)
    write(acme, entry(id=early))
    number_all(acme)
    assert [*dict(sorted(numbered(acme).items())).values()][-2:] == [late, early]
    check_whole(acme)


@on_postgresql
def test_those_logs_are_numbered_that_have_something_waiting(portal, acme, globex) -> None:
    number_all(acme)
    number_all(globex)
    both = [acme.record, globex.record]
    with portal.app.app_context():
        assert list_waiting(both) == []
        write(globex, entry())
        assert list_waiting(both) == [globex.record]
        number_logs()
        assert list_waiting(both) == []
    check_whole(globex)


@on_postgresql
def test_many_sequencers_leave_no_gap_and_make_no_fork(acme) -> None:
    write(acme, *(entry() for _ in range(60)))
    barrier = Barrier(4)

    def work(_worker: int) -> None:
        barrier.wait()
        for _ in range(10):
            write(acme, entry())
            number_all(acme)

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, range(4))] == [None] * 4
    check_whole(acme)


@on_postgresql
def test_a_sequencer_that_dies_is_taken_over_from(acme, portal) -> None:
    write(acme, entry())
    seen = []

    def look() -> None:
        with acme.bound(writes=True):
            seen.append(numbering.number_waiting(is_patient=False))

    def number_and_die() -> None:
        with acme.bound(writes=True) as session:
            assert numbering.number_waiting(is_patient=False)
            died = session.scalar(text("SELECT pg_backend_pid()"))
            elsewhere = Thread(target=look)
            elsewhere.start()
            elsewhere.join()
            portal.ask(f"SELECT pg_terminate_backend({died})", acme)

    with pytest.raises(OperationalError):
        number_and_die()
    assert seen == [0]
    number_all(acme)
    check_whole(acme)


@on_postgresql
def test_no_number_is_given_twice_even_past_the_lock(acme, portal) -> None:
    number_all(acme)
    with pytest.raises(Exception, match="uq_audit_leaf_tenant_id_number"):
        portal.execute(
            "INSERT INTO audit_leaf (tenant_id, id, number, hash)"
            f" SELECT tenant_id, '{new_id()}', number, hash FROM audit_leaf WHERE number = 0"
        )


@on_postgresql
def test_a_grave_act_is_answered_once_it_has_its_number_and_others_wait(acme) -> None:
    number_all(acme)
    before = len(numbered(acme))
    acme.visit("member").post("/folders", {"name": "New"})
    assert len(numbered(acme)) == before
    admin, guest = acme.visit("admin"), acme["guest"].id
    given = {"role": "auditor", "folder": "", "reason": "x"}
    assert admin.post(f"/members/{guest}/roles", given).status_code == 302
    last = max(numbered(acme).items())[1]
    assert last == acme.log()[-1]["id"]
    assert acme.log()[-1]["action"] == "role.assigned"
    check_whole(acme)


def test_what_is_too_long_to_be_told_does_not_happen(acme) -> None:
    before = entry_ids(acme)
    with acme.bound(writes=True) as session:
        told = {"documents": "x" * MAX_BODY_BYTES}
        with pytest.raises(EntryTooLong):
            record(SYSTEM, Action.RETENTION_RUN, "organisation", **told)
        session.rollback()
    assert entry_ids(acme) == before
