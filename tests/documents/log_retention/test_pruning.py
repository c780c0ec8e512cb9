"""What a log is pruned of, what it never is, and what is still proved of it."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from portal.access.evidence.exporting import list_files
from portal.access.evidence.signed import get_newest
from portal.access.history.queries import replay_access, replay_place
from portal.access.history.world import ACTIONS
from portal.audit.actor import SYSTEM
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.pruning import first_number
from portal.audit.tlog.models import AuditLeaf
from portal.audit.tlog.trees import WIDTH
from portal.audit.tlog.verifying import Report, verify_folder
from portal.auth.alerts.models import AlertProgress
from portal.auth.destinations.models import LogDestination
from portal.cli.checking_log import check_now
from portal.core import clock as portal_clock
from portal.core.settings import LOG_FLOOR_DAYS
from portal.documents.log_retention.models import LogPolicy
from portal.tenancy.log_wall import KEPT
from tests.conftest import on_sqlite
from tests.documents.log_retention.conftest import settle
from tests.documents.retention.keeping import work
from tests.installation import Organisation


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
    assert told["detail"]["entries"] == mark - len([one for one in kept if one[0] < mark])

    assert check(old) == []
    out = exported(old, tmp_path / "after")
    assert not (out / "tile/entries/000").exists()
    assert (out / "tile/0/000").exists()
    report = verify_folder(out, held=[held.read_text()])
    assert (named(report), report.epochs, report.pruned) == ([], [], mark)
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


def hold(organisation: Organisation) -> None:
    organisation.portal.execute("UPDATE legal_hold SET released_at = NULL", organisation)


def fall_behind(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        session.execute(update(LogDestination).values(is_started=True, next_number=WIDTH + 7))


def judge_no_more(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        session.execute(update(AlertProgress).values(next_number=WIDTH))


def keep_for_ever(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        session.execute(update(LogPolicy).values(keep_days=None))


def alter(organisation: Organisation) -> None:
    organisation.portal.execute("DROP TRIGGER audit_entry_no_update", organisation)
    edit = "UPDATE audit_entry SET outcome = 'refused' WHERE id = (SELECT id FROM audit_leaf"
    organisation.portal.execute(f"{edit} WHERE number = 300)", organisation)


@on_sqlite
@pytest.mark.parametrize(
    ("reason", "reached"),
    [(hold, 0), (fall_behind, WIDTH), (keep_for_ever, 0), (alter, 0)],
)
def test_what_somebody_needs_stays(old, reason, reached) -> None:
    reason(old)
    work(old)
    with old.bound():
        assert first_number() == reached


@on_sqlite
def test_what_the_alerts_have_not_judged_stays(old) -> None:
    judge_no_more(old)
    work(old)
    with old.bound():
        assert first_number() == WIDTH


@on_sqlite
def test_what_is_not_old_stays(long) -> None:
    with long.bound(writes=True) as session:
        session.add(LogPolicy(id=long.id, keep_days=LOG_FLOOR_DAYS))
    assert prune(long) == 0
