"""What waits for a second person comes to no more than it did when somebody asked for it."""

import pytest
from sqlalchemy import delete

from portal.access.approvals.models import PendingAct
from tests.access.asked import act_row, decide_act, newest_act, roles_of, want_two
from tests.access.groups import teams
from tests.access.own_roles import change, give, group_with, made
from tests.installation import Organisation

WIDE = ("sso:edit", "role:assign", "member:read")


@pytest.fixture
def acme(acme) -> Organisation:
    """Two people have to agree that somebody becomes an admin, and nothing waits yet."""
    with acme.bound(writes=True) as session:
        session.execute(delete(PendingAct))
    want_two(acme, "grant-admin")
    return acme


def test_who_comes_into_the_group_meanwhile_was_not_agreed_to(acme) -> None:
    group = teams.make(acme, "Board")
    teams.add(acme, group, "member")
    teams.give(acme, group, "admin")
    act = newest_act(acme)
    assert teams.add(acme, group, "guest").status_code == 302
    answer = acme.visit("second_admin").post(f"/approvals/{act}/approve")
    assert answer.status_code == 409
    assert "It has changed since it was asked" in answer.text
    assert teams.held_by(acme, group) == set()
    assert act_row(acme, act)["decision"] is None
    assert decide_act(acme, act, "decline") == 302


def test_who_has_left_the_group_meanwhile_is_no_obstacle(acme) -> None:
    group = teams.make(acme, "Board")
    teams.add(acme, group, "member", "guest")
    teams.give(acme, group, "admin")
    act = newest_act(acme)
    assert teams.remove(acme, group, "guest").status_code == 302
    assert decide_act(acme, act, "approve") == 302
    assert teams.held_by(acme, group) == {"admin"}


def test_what_the_role_comes_to_allow_meanwhile_was_not_agreed_to(acme) -> None:
    key = made(acme, "sso:edit", name="Helper")
    give(acme, "guest", key)
    act = newest_act(acme)
    assert change(acme.visit("admin"), key, *WIDE, name="Helper").status_code == 302
    assert decide_act(acme, act, "approve") == 409
    assert roles_of(acme, "guest") == {"guest"}


def test_what_the_group_comes_to_give_meanwhile_was_not_agreed_to(acme) -> None:
    key = made(acme, "sso:edit", name="Helper")
    group = group_with(acme, role=key, name="Board")
    teams.add(acme, group, "guest")
    act = newest_act(acme)
    assert change(acme.visit("admin"), key, *WIDE, name="Helper").status_code == 302
    assert decide_act(acme, act, "approve") == 409
    assert teams.inside(acme, group) == set()


def test_the_page_shows_whom_it_comes_to_and_what_it_allows(acme) -> None:
    group = teams.make(acme, "Board")
    teams.add(acme, group, "member")
    key = made(acme, "sso:edit", "member:invite", name="Helper")
    teams.give(acme, group, key)
    page = acme.visit("second_admin").get(f"/approvals/{newest_act(acme)}").text
    for fact in (acme["member"].name, "Set up single sign-on", "Invite people"):
        assert fact in page
    assert "See the members" not in page


def test_what_was_asked_before_this_was_kept_is_refused(acme) -> None:
    with acme.bound(writes=True) as session:
        act = PendingAct(
            kind="grant-admin",
            target=f"user:{acme['member'].id}",
            payload={"role": "admin", "way": "page", "expires_at": None},
            reason="",
            asked_by=acme["admin"].id,
            expires_at=acme.portal.seeded_at.replace(year=2100),
        )
        session.add(act)
        session.flush()
        act_id = act.id
    assert acme.visit("second_admin").get(f"/approvals/{act_id}").status_code == 200
    assert decide_act(acme, act_id, "approve") == 409
