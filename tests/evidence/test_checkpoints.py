"""Checkpoints: signed as the log grows, and never against what was signed before."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from portal.audit.actor import OPERATOR
from portal.audit.tlog.known import find_known
from portal.audit.tlog.notes import VerifierKey, parse_note
from portal.audit.tlog.tiles import count_leaves, open_tree
from portal.audit.tlog.trees import WIDTH
from portal.cli.keeping_log import keep_logs, number_logs, sign_bound
from portal.evidence.checkpoints import find_newest
from portal.keys.signing import rotate_signing_key
from tests.audit.reading import entry, write
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Organisation


def keep(organisation: Organisation) -> None:
    with organisation.portal.app.app_context():
        keep_logs()


def checkpoints(organisation: Organisation) -> list[dict[str, object]]:
    rows = organisation.portal.rows("audit_checkpoint")
    return sorted(
        (row for row in rows if row["tenant_id"] == organisation.id), key=lambda row: row["id"]
    )


def cut(organisation: Organisation, kept: int) -> None:
    """What a restored backup looks like, or somebody with the owner's rights."""
    portal, own = organisation.portal, f"tenant_id = '{organisation.id}'"
    if portal.name == "sqlite":
        own = f"tenant_id = '{organisation.id.hex}'"
        for table in ("audit_leaf", "audit_node", "audit_checkpoint"):
            portal.execute(f"DROP TRIGGER {table}_no_delete", organisation)
    portal.execute(f"DELETE FROM audit_leaf WHERE {own} AND number >= {kept}", organisation)
    portal.execute(f"DELETE FROM audit_node WHERE {own}", organisation)
    portal.execute(f"DELETE FROM audit_checkpoint WHERE {own} AND size > {kept}", organisation)


def test_the_log_is_signed_as_it_grows_by_the_tenants_own_key(acme, globex) -> None:
    keep(acme)
    write(acme, *(entry() for _ in range(2 * WIDTH)))
    keep(acme)
    keep(acme)
    keep(acme)
    first, *_, last = checkpoints(acme)
    assert first["size"] < last["size"]
    [key] = [row for row in acme.portal.rows("signing_key") if row["tenant_id"] == acme.id]
    with acme.bound():
        for row in checkpoints(acme):
            note = parse_note(row["note"])
            assert note.checkpoint.origin == f"acme.localhost/audit/{acme.id}"
            assert (note.checkpoint.size, note.checkpoint.root) == (row["size"], row["root"])
            assert open_tree().root(row["size"]) == row["root"]
            assert note.is_signed_by(VerifierKey(note.checkpoint.origin, key["public_key"]))
        assert find_newest() == find_known(acme.id)
        assert find_newest().size == count_leaves()
        assert find_newest() != find_known(globex.id)


@on_sqlite
def test_a_log_that_has_not_grown_is_not_signed_again(acme) -> None:
    for _ in range(3):
        keep(acme)
    signed = len(checkpoints(acme))
    keep(acme)
    assert len(checkpoints(acme)) == signed


def test_a_log_that_was_cut_goes_on_under_another_name_and_officers_are_told(acme) -> None:
    for _ in range(2):
        keep(acme)
    before, kept = checkpoints(acme), 20
    cut(acme, kept)
    write(acme, *(entry() for _ in range(100)))
    mails = len(acme.mails())
    keep(acme)
    [begun] = [row for row in acme.log() if row["action"] == "log.epoch-begun"]
    last = checkpoints(acme)[-1]
    assert last["origin"] == f"acme.localhost/audit/{acme.id}/2" == begun["detail"]["origin"]
    assert begun["detail"]["before"]["size"] == before[-1]["size"]
    told = [mail for mail in acme.mails()[mails:] if mail["subject"].startswith("The audit log")]
    assert {mail["to"] for mail in told} == {acme["officer"].email, acme["auditor"].email}
    keep(acme)
    keep(acme)
    assert {row["origin"] for row in checkpoints(acme)[len(checkpoints(acme)) - 2 :]} == {
        last["origin"]
    }
    assert len([row for row in acme.log() if row["action"] == "log.epoch-begun"]) == 1


def test_a_log_with_another_past_of_the_same_size_is_not_signed_on(acme) -> None:
    for _ in range(2):
        keep(acme)
    with acme.bound():
        known = find_known(acme.id)
    cut(acme, 0)
    write(acme, *(entry() for _ in range(known.size + 1)))
    keep(acme)
    assert checkpoints(acme)[-1]["origin"] == f"{known.origin}/2"


@on_postgresql
def test_many_signers_contradict_each_other_never(acme) -> None:
    barrier = Barrier(4)

    def work(_worker: int) -> None:
        barrier.wait()
        for _ in range(6):
            write(acme, entry())
            keep(acme)

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, range(4))] == [None] * 4
    assert {row["origin"] for row in checkpoints(acme)} == {f"acme.localhost/audit/{acme.id}"}
    sizes = [row["size"] for row in checkpoints(acme)]
    assert sizes == sorted(set(sizes))
    with acme.bound():
        assert [open_tree().root(row["size"]) for row in checkpoints(acme)] == [
            row["root"] for row in checkpoints(acme)
        ]


@on_postgresql
def test_a_new_key_signs_no_earlier_than_the_log_tells_of_it(acme) -> None:
    keep(acme)
    write(acme, entry())
    keep_numbered(acme)
    with acme.bound(writes=True):
        rotate_signing_key(OPERATOR)  # its entry is committed, and waits for its number
    with acme.bound(writes=True):
        sign_bound()
    assert lines_of_signatures(acme) == 1
    keep(acme)
    assert lines_of_signatures(acme) == 2, "the old one signs for the new one"
    write(acme, entry())
    keep(acme)
    assert lines_of_signatures(acme) == 1
    keys = [row["signing_key_id"] for row in checkpoints(acme)]
    assert keys[-3] != keys[-2] == keys[-1]


def keep_numbered(organisation: Organisation) -> None:
    with organisation.portal.app.app_context():
        number_logs()


def lines_of_signatures(organisation: Organisation) -> int:
    return len(parse_note(checkpoints(organisation)[-1]["note"]).signatures)
