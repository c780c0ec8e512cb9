"""Walls that were taken down while the portal ran are told of within a day."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.cli.checking_log import check_logs
from portal.cli.keeping_log import number_logs
from tests.alerts.watching import raised, watch
from tests.conftest import on_postgresql, on_sqlite
from tests.installation import Organisation

RULE = "A wall between organisations, or around the log, did not hold"


class OneRound(threading.Event):
    """Tells to stop after the first round."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def look(organisation: Organisation) -> list[tuple[str, list[str]]]:
    """What a round of the worker's daily checks tells of the walls."""
    with organisation.portal.app.app_context():
        number_logs()
        check_logs(OneRound())
    told = [row for row in organisation.log() if row["action"].startswith("walls.")]
    return [(row["action"], row["detail"].get("found", [])) for row in told]


@contextmanager
def taken_down(organisation: Organisation, down: str, up: str) -> Iterator[None]:
    organisation.portal.execute(down, organisation)
    yield
    organisation.portal.execute(up, organisation)


def test_walls_that_hold_are_told_of_once_a_day(acme, globex, clock) -> None:
    assert look(acme) == look(globex) == [("walls.held", [])]
    assert len(look(acme)) == 1
    clock.advance(days=1, minutes=1)
    assert len(look(acme)) == 2


@on_sqlite
def test_a_log_that_can_be_altered_is_told_of(portal, acme, globex) -> None:
    watch(portal)
    portal.execute("DROP TRIGGER audit_entry_no_update", acme)
    assert look(acme) == [("walls.broken", ["rows of audit_entry can be changed"])]
    assert look(globex) == [("walls.held", [])]
    watch(portal)
    assert raised(acme) == [(RULE, 1)]


@on_postgresql
def test_rights_and_policies_that_went_missing_are_told_of(portal, acme) -> None:
    with (
        taken_down(
            acme, "GRANT DELETE ON audit_leaf TO portal", "REVOKE DELETE ON audit_leaf FROM portal"
        ),
        taken_down(
            acme,
            "ALTER TABLE user_account DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE user_account ENABLE ROW LEVEL SECURITY",
        ),
    ):
        told = look(acme)
    assert told == [
        (
            "walls.broken",
            [
                "rows of audit_leaf can be deleted",
                "rows of user_account are seen by nobody",
                "rows of user_account are seen by another organisation",
            ],
        )
    ]
