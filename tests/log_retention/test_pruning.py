"""What a log is pruned of, what it never is, and what is still proved of it."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from portal.access.history.queries import replay_access, replay_place
from portal.access.history.world import ACTIONS
from portal.alerts.models import AlertProgress
from portal.audit.actions import Action
from portal.audit.actor import OPERATOR, SYSTEM
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.pruning import first_number
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.notes import VerifierKey, parse_note
from portal.audit.tlog.trees import WIDTH
from portal.audit.tlog.verifying import Report, verify_folder
from portal.cli.checking_log import check_now
from portal.core import clock as portal_clock
from portal.core.settings import LOG_FLOOR_DAYS
from portal.destinations.models import LogDestination
from portal.evidence.exporting import list_files
from portal.evidence.signed import get_newest
from portal.keys.queries import list_signing_keys
from portal.log_retention.carrying_out import NotSound, prune_part
from portal.log_retention.models import LogPolicy
from portal.tenancy.log_wall import KEPT
from tests.audit.test_pages import text_of
from tests.cli.operators import Operator
from tests.conftest import on_sqlite
from tests.documents.retention.keeping import end_holds, work
from tests.installation import Organisation
from tests.log_retention.conftest import lower_floor, settle


def prune(organisation: Organisation) -> int:
    """One visit of the worker; gives the number that the log begins with then."""
    work(organisation)
    settle(organisation)
    with organisation.bound():
        return first_number()


def check(organisation: Organisation) -> list[str]:
    with organisation.portal.app.app_context():
        return [str(finding) for finding in check_now(SYSTEM, organisation.record)]


def exported(organisation: Organisation, out: Path) -> Path:
    settle(organisation)
    with organisation.bound():
        for path, content, _ in list_files(get_newest()):
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(content)
    return out


def named(report: Report) -> list[str]:
    return [str(finding) for finding in report.findings]


def numbered(organisation: Organisation, *which: object) -> list[tuple[int, object]]:
    """Entries by their numbers, in the order of the log."""
    with organisation.bound() as session:
        found = select(AuditLeaf.number, AuditEntry.id).join(
            AuditEntry, AuditEntry.id == AuditLeaf.id
        )
        return [tuple(row) for row in session.execute(found.where(*which).order_by("number"))]


def test_what_is_old_goes_and_every_proof_stays(old, tmp_path) -> None:
    [*_, (number, gone)] = numbered(old, AuditLeaf.number < WIDTH, AuditEntry.action.not_in(KEPT))
    officer = old.visit("officer")
    proof = officer.get(f"/audit/{gone}/proof").text
    held = exported(old, tmp_path / "before") / "checkpoint"
    kept = numbered(old, AuditEntry.action.in_(KEPT))
    with old.bound():
        [first_key, _] = sorted(list_signing_keys(), key=lambda key: key.id)
    mark = prune(old)
    assert mark >= 2 * WIDTH
    assert mark % WIDTH == 0
    assert number < mark
    assert [one for one in numbered(old) if one[0] < mark] == [one for one in kept if one[0] < mark]
    with old.bound() as session:
        left = select(AuditAside.id).outerjoin(AuditEntry, AuditEntry.id == AuditAside.id)
        assert session.scalars(left.where(AuditEntry.id.is_(None))).all() == []
    [told] = [entry for entry in old.log() if entry["action"] == "log.pruned"]
    assert (told["actor_kind"], told["outcome"]) == ("system", "success")
    assert (told["detail"]["first"], told["detail"]["end"]) == (0, mark)
    assert told["detail"]["kept"] == [at for at, _ in kept if at < mark]
    assert told["detail"]["entries"] == mark - len(told["detail"]["kept"])

    assert check(old) == []
    out = exported(old, tmp_path / "after")
    assert not (out / "tile/entries/000").exists()
    assert (out / "tile/0/000").exists()
    pinned = VerifierKey(parse_note(held.read_text()).checkpoint.origin, first_key.public_key)
    report = verify_folder(out, keys=[pinned], held=[held.read_text()])
    assert (named(report), report.epochs, report.pruned) == ([], [], mark)
    assert report.kept == len(told["detail"]["kept"])
    [(rotated, _)] = numbered(old, AuditEntry.action == Action.SIGNING_KEY_MADE)[1:]
    assert [*report.followed] == [rotated]
    assert rotated < mark
    (out / "kept/000").write_bytes(b"")
    assert f"deleted: entry {rotated}" in named(verify_folder(out, keys=[pinned]))
    assert "It is genuine.</strong>" in officer.post("/audit/proof", {"text": proof}).text
    assert officer.get(f"/audit/{gone}").status_code == 410
    assert officer.get(f"/audit/{kept[0][1]}").status_code == 200
    assert officer.get(f"/audit/{kept[0][1]}/proof").status_code == 200


def test_who_could_open_what_is_answered_as_before(old) -> None:
    """Also for a day that is before all that is left: whatever access follows from is kept."""
    assert set(KEPT) > set(ACTIONS)
    now, plan = portal_clock.now(), f"document:{old.documents['plan']}"
    with old.bound():
        before = replay_access(now)
        replay_place(before, plan, now)
    assert prune(old)
    with old.bound():
        after = replay_access(now)
        replay_place(after, plan, now)
    assert before.given
    assert before.folder_of
    assert after == before


def prune_now(organisation: Organisation) -> int:
    """What the operator does by hand; gives the number that the log begins with then."""
    with organisation.bound(writes=True) as session:
        while prune_part(OPERATOR) is not None:
            session.commit()
        return first_number()


def put(organisation: Organisation, model: type, **values: object) -> None:
    with organisation.bound(writes=True) as session:
        session.execute(update(model).values(**values))


@on_sqlite
def test_what_somebody_needs_stays_until_they_do_not(old) -> None:
    officer = old.visit("officer")

    def holding_back() -> str:
        return text_of(officer.get("/audit/retention").text)

    put(old, LogPolicy, keep_days=None)
    assert prune_now(old) == 0
    put(old, LogPolicy, keep_days=LOG_FLOOR_DAYS)
    old.portal.execute("UPDATE legal_hold SET released_at = NULL", old)
    assert prune_now(old) == 0
    assert "A legal hold keeps the whole log." in holding_back()
    end_holds(old)
    put(old, AlertProgress, next_number=WIDTH)
    assert prune_now(old) == WIDTH
    assert "The alerts have not judged" in holding_back()
    settle(old)
    put(old, LogDestination, is_started=True, next_number=2 * WIDTH - 1)
    assert prune_now(old) == WIDTH
    assert "“Nowhere” has not been sent the entries from number 511 on." in holding_back()
    put(old, LogDestination, is_started=False, next_number=0)
    assert prune_now(old) >= 2 * WIDTH
    assert "holds them back" not in holding_back()


@on_sqlite
def test_what_was_altered_stays(old) -> None:
    old.portal.execute("DROP TRIGGER audit_entry_no_update", old)
    number_300 = "id = (SELECT id FROM audit_leaf WHERE number = 300)"
    old.portal.execute(f"UPDATE audit_entry SET outcome = 'refused' WHERE {number_300}", old)
    with pytest.raises(NotSound):
        prune_now(old)
    with old.bound():
        assert first_number() == 0


@on_sqlite
def test_the_worker_prunes_once_a_day(old, clock) -> None:
    put(old, LogDestination, is_started=True, next_number=WIDTH)
    assert prune(old) == WIDTH
    put(old, LogDestination, is_started=False)
    assert prune(old) == WIDTH
    clock.advance(days=1)
    assert prune(old) == 2 * WIDTH
    assert check(old) == []


@on_sqlite
def test_a_destination_goes_on_with_what_is_left(old) -> None:
    """One that was stopped held nothing back, and can't be set to what is gone."""
    end = prune(old)
    [row] = [r for r in old.portal.rows("log_destination") if r["tenant_id"] == old.id]
    path, officer = f"/audit/destinations/{row['id']}", old.visit("officer")
    assert officer.post(f"{path}/restart", {"number": end - 1}).status_code == 400
    assert officer.post(f"{path}/start", {}).status_code == 302
    [row] = [r for r in old.portal.rows("log_destination") if r["tenant_id"] == old.id]
    assert row["next_number"] == end


@on_sqlite
def test_pages_say_where_the_log_begins(old) -> None:
    prune(old)
    officer = old.visit("officer")
    note = "Older entries were pruned"
    assert note not in officer.get("/audit").text
    assert note in officer.get("/audit?action=role.assigned").text
    assert note in officer.get(f"/audit/documents/{old.documents['plan']}").text
    assert note in officer.get("/audit/charts?since=2026-01-01T00:00&until=2026-12-01T00:00").text
    assert note not in officer.get("/audit/charts?last=1h").text
    alert = officer.get(f"/alerts/{old.kept['alert']}").text
    assert "1 was pruned with the oldest entries of the log." in alert
    assert (
        "does not keep its audit log for ever" in old.visit("member").get("/account/activity").text
    )
    assert "those before were pruned, last" in text_of(officer.get("/audit/retention").text)


@on_sqlite
def test_a_database_whose_floor_is_older_than_the_settings_has_the_last_word(old) -> None:
    lower_floor(old, LOG_FLOOR_DAYS)
    done = Operator(old.portal.settings)("audit", "prune", "--tenant", "acme")
    assert done.status == 1
    assert "run: portal db upgrade" in done.err
    with old.bound():
        assert first_number() == 0


@on_sqlite
def test_the_operator_prunes_a_log_and_hands_it_out(old, tmp_path) -> None:
    operator, out = Operator(old.portal.settings), str(tmp_path / "log")
    ask = ("audit", "prune", "--tenant", "acme")
    assert operator.do("audit", "prune", "--tenant", "globex").lines == [
        "globex keeps its log for ever"
    ]
    assert operator.do(*ask, "--dry-run").lines[-1].startswith("512 would go now")
    with old.bound():
        assert first_number() == 0
    assert operator.do(*ask).lines[-1] == "the log is pruned up to entry 512"
    [told] = [entry for entry in old.log() if entry["action"] == "log.pruned"]
    assert told["actor_kind"] == "operator"
    exported = operator.do("audit", "export", "--tenant", "acme", "--out", out)
    assert exported.lines[-1].startswith("the first 512 were pruned: their hashes are there")
    verified = operator.do("audit", "verify", out).lines
    assert "the first 512 were pruned, as the log tells: by their hashes" in verified
    assert (
        f"{len(told['detail']['kept'])} of these entries are kept for good, and are there"
        in verified
    )
