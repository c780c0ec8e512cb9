"""What the worker's broom takes from the rows, and what it leaves."""

import re

import pytest

from portal.cli import working
from tests.installation import Installation


@pytest.fixture
def sweep(portal, acme):
    """One visit of the worker to Acme, with the broom."""

    def visit() -> None:
        with portal.app.app_context():
            working.visit(acme.record, sweeping=True)

    return visit


def ids(portal: Installation, table: str, acme) -> set:
    return {row["id"] for row in portal.rows(table) if row["tenant_id"] == acme.id}


def test_sessions_go_a_month_after_they_ended(portal, acme, globex, clock, sweep) -> None:
    of_others = ids(portal, "user_session", globex)
    acme.visit("member").post("/auth/sign-out")
    ended = {row["id"] for row in portal.rows("user_session") if row["ended_at"]}
    ended &= ids(portal, "user_session", acme)
    live = ids(portal, "user_session", acme) - ended
    sweep()
    assert ids(portal, "user_session", acme) == live | ended
    clock.advance(days=29)
    sweep()
    assert ids(portal, "user_session", acme) == live | ended
    clock.advance(days=2)
    sweep()
    assert ids(portal, "user_session", acme) == set(), "the absolute limit ended the rest"
    assert ids(portal, "user_session", globex) == of_others


def test_a_session_in_use_stays(portal, acme, sweep) -> None:
    sweep()
    assert acme.visit("member").get("/documents").status_code == 200


def test_invitations_go_a_month_after_they_were_used_or_expired(
    portal, acme, globex, clock, sweep
) -> None:
    of_others = ids(portal, "invitation", globex)
    page = acme.visit("admin").post(f"/members/{acme['invited'].id}/invitations")
    [link] = re.findall(r'value="http://[^"/]+(/auth/invitations/[^"]+)"', page.text)
    clock.advance(days=6)
    sweep()
    assert acme.visit().get(link).status_code == 200
    clock.advance(days=2)
    sweep()
    assert acme.visit().get(link).status_code == 404
    assert ids(portal, "invitation", acme)
    clock.advance(days=31)
    sweep()
    assert ids(portal, "invitation", acme) == set()
    assert ids(portal, "invitation", globex) == of_others


def test_delivered_mail_leaves_no_row_for_long_and_waiting_mail_does(
    portal, acme, clock, sweep
) -> None:
    jobs = ids(portal, "job", acme)
    done = min(jobs)
    portal.execute(f"UPDATE job SET done_at = '{clock.now():%Y-%m-%d %H:%M:%S.%f}'", acme)
    portal.execute(f"UPDATE job SET done_at = NULL WHERE id <> '{done.hex}'", acme)
    clock.advance(days=8)
    sweep()
    assert ids(portal, "job", acme) == jobs - {done}
