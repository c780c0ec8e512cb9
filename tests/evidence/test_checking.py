"""What somebody with the database's own rights does to a log is found, named and told."""

import pytest
from sqlalchemy import select

from portal.audit.actor import SYSTEM
from portal.audit.models import AuditEntry
from portal.audit.tlog.bodies import body_of
from portal.audit.tlog.hashes import fold, leaf_hash
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.trees import WIDTH, Tree
from portal.cli.checking_log import check_now
from portal.cli.keeping_log import keep_logs
from portal.core.ids import new_id
from portal.evidence.checking import is_check_due
from portal.evidence.checkpoints import find_newest
from tests.audit.reading import entry, write
from tests.browsing import ADDRESS
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Organisation

TABLES = ("audit_entry", "audit_leaf", "audit_node", "audit_checkpoint")


@pytest.fixture
def signed(acme) -> Organisation:
    """A log that is signed, with more than a full tile of entries, past what guards it."""
    with acme.portal.app.app_context():
        keep_logs()
        write(acme, *(entry(address=ADDRESS) for _ in range(WIDTH)))
        for _ in range(2):
            keep_logs()
    if acme.portal.name == "sqlite":
        for table in TABLES:
            for act in ("update", "delete"):
                acme.portal.execute(f"DROP TRIGGER {table}_no_{act}", acme)
    return acme


def check(organisation: Organisation) -> list[str]:
    with organisation.portal.app.app_context():
        return [str(finding) for finding in check_now(SYSTEM, organisation.record)]


ONE = "(SELECT id FROM audit_leaf WHERE number = {} AND tenant_id = {{0}})"
OWN = "tenant_id = {0}"

# What is done, in SQL with the tenant's id for {0} and a new one for {1}, and what it is called.
EDITED = f"UPDATE audit_entry SET outcome = 'refused' WHERE id = {ONE.format(7)}"
DELETED = f"DELETE FROM audit_entry WHERE id = {ONE.format(20)}"
PLACE_DELETED = f"DELETE FROM audit_leaf WHERE number = 3 AND {OWN}"
COLUMNS = "at, action, outcome, actor_kind, target, told, leaf_hash"
INSERTED = (
    f"INSERT INTO audit_entry (tenant_id, id, {COLUMNS})"
    f" SELECT tenant_id, {{1}}, {COLUMNS} FROM audit_entry WHERE id = {ONE.format(9)}"
)
TRUNCATED = f"DELETE FROM audit_leaf WHERE number > 100 AND {OWN}"
BAD_NODE = f"UPDATE audit_node SET hash = zeroblob(32) WHERE {OWN}"
UNCOVERED = f"UPDATE audit_aside SET address = '192.0.2.99' WHERE id = {ONE.format(200)}"
DEEDS = {
    EDITED: "edited: entry 7",
    DELETED: "deleted: entry 20",
    PLACE_DELETED: "deleted: the place of entry 3",
    TRUNCATED: "truncated: to 101 entries",
    BAD_NODE: "bad tile: 1/0",
    UNCOVERED: "uncovered: entry 200",
}


def tamper(organisation: Organisation, statement: str) -> None:
    is_sqlite = organisation.portal.name == "sqlite"
    own, new = (f"'{i.hex if is_sqlite else i}'" for i in (organisation.id, new_id()))
    organisation.portal.execute(statement.format(own, new), organisation)


def test_a_log_that_is_whole_is_said_to_be_once_a_day(signed, clock) -> None:
    with signed.bound():
        assert is_check_due()
    assert check(signed) == []
    assert signed.log()[-1]["action"] == "log.verified"
    assert signed.log()[-1]["detail"]["entries"] > WIDTH
    with signed.bound():
        assert not is_check_due()
        clock.advance(days=1)
        assert is_check_due()


@on_sqlite
@pytest.mark.parametrize(("deed", "name"), DEEDS.items(), ids=DEEDS.values())
def test_what_was_done_is_named(signed, deed, name) -> None:
    tamper(signed, deed)
    assert check(signed)[0].startswith(name)


@on_sqlite
def test_a_log_that_was_written_anew_by_somebody_without_its_keys_is_found(signed) -> None:
    """Entries, hashes and checkpoints fit each other again, here and in the main database."""
    tamper(signed, EDITED)
    with signed.bound() as session:
        seventh = select(AuditLeaf.id).where(AuditLeaf.number == 7)
        edited = session.scalar(select(AuditEntry).where(AuditEntry.id.in_(seventh)))
        newest, size = leaf_hash(body_of(edited)).hex(), find_newest().size
        hashes = [*session.scalars(select(AuditLeaf.hash).order_by(AuditLeaf.number))][:size]
    hashes[7] = bytes.fromhex(newest)
    levels = [hashes, [fold(hashes[:WIDTH])]]
    root = Tree(lambda level, at: levels[level][at * WIDTH : (at + 1) * WIDTH]).root(size)
    for what in (
        f"audit_entry SET leaf_hash = x'{newest}' WHERE id = '{edited.id.hex}'",
        f"audit_leaf SET hash = x'{newest}' WHERE number = 7 AND {OWN}",
        f"audit_node SET hash = x'{levels[1][0].hex()}' WHERE {OWN}",
        f"audit_checkpoint SET root = x'{root.hex()}' WHERE size = {size} AND {OWN}",
    ):
        tamper(signed, f"UPDATE {what}")
    tamper(signed, f"DELETE FROM audit_checkpoint WHERE size < {size} AND {OWN}")
    for statement in ("DROP TRIGGER known_checkpoint_no_delete", "DELETE FROM known_checkpoint"):
        signed.portal.execute(statement)
    name = f"acme.localhost/audit/{signed.id}"
    assert check(signed) == [f"bad signature: the checkpoint of {size} entries, {name}"]


@on_postgresql
def test_an_entry_that_was_put_there_and_does_not_wait_for_a_number_is_found(signed) -> None:
    tamper(signed, INSERTED)
    assert check(signed) == ["inserted: 1 entries without a number"]


@on_postgresql
def test_an_entry_that_was_taken_away_before_it_had_its_number_is_found(signed) -> None:
    [made] = write(signed, entry())
    tamper(signed, f"DELETE FROM audit_entry WHERE id = '{made}'")
    with signed.portal.app.app_context():
        keep_logs()
    assert check(signed) == ["deleted: 1 entries before they had a number"]


def test_entries_that_changed_places_with_their_hashes_are_found(signed) -> None:
    for before, after in ((5, 1_000_000), (250, 5), (1_000_000, 250)):
        places = f"UPDATE audit_leaf SET number = {after} WHERE number = {before} AND {OWN}"
        tamper(signed, places)
    assert [found.partition(",")[0] for found in check(signed)] == ["rewritten: or reordered"]


def test_an_entry_that_was_edited_with_its_hash_is_found(signed) -> None:
    tamper(signed, EDITED)
    with signed.bound() as session:
        at = select(AuditEntry).join(AuditLeaf, AuditLeaf.id == AuditEntry.id)
        edited = session.scalars(at.where(AuditLeaf.number == 7)).one()
        value = leaf_hash(body_of(edited)).hex()
    value = f"x'{value}'" if signed.portal.name == "sqlite" else f"'\\x{value}'"
    tamper(signed, f"UPDATE audit_leaf SET hash = {value} WHERE number = 7 AND {OWN}")
    assert [found.partition(",")[0] for found in check(signed)] == ["rewritten: or reordered"]


def test_officers_are_told_once_of_each_thing_that_is_wrong(signed) -> None:
    def mails() -> list[str]:
        return [m["to"] for m in signed.mails() if m["subject"].startswith("The audit log")]

    tamper(signed, EDITED)
    check(signed)
    assert signed.log()[-1]["action"] == "log.not-verified"
    assert signed.log()[-1]["outcome"] == "failure"
    assert sorted(mails()) == sorted([signed["officer"].email, signed["auditor"].email])
    check(signed)
    assert len(mails()) == 2
    tamper(signed, DELETED)
    check(signed)
    assert len(mails()) == 4


def test_a_log_whose_checkpoints_vanished_with_it_is_known_elsewhere(signed) -> None:
    for table in TABLES:
        tamper(signed, f"DELETE FROM {table} WHERE tenant_id = {{0}}")
    tamper(signed, "DELETE FROM audit_aside WHERE tenant_id = {0}")
    [finding] = check(signed)
    assert finding.startswith("truncated: to 0 entries, ")
