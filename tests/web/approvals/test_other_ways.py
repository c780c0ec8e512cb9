"""The ways by which somebody comes to hold Admin without being given it by name."""

from uuid import UUID

import pytest
from sqlalchemy import delete, update

from portal.access.approvals.models import PendingAct
from portal.access.groups.feeds import join_claimed
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.audit.actor import Actor, ActorKind
from portal.users.queries import get_user
from tests.access.asked import act_row, decide_act, newest_act, roles_of, want_two
from tests.access.groups import teams
from tests.access.own_roles import change, give, made
from tests.installation import Organisation


@pytest.fixture
def acme(acme) -> Organisation:
    """Two people have to agree that somebody becomes an admin, and nothing waits yet."""
    with acme.bound(writes=True) as session:
        session.execute(delete(PendingAct))
    want_two(acme, "grant-admin")
    return acme


def board(organisation: Organisation) -> UUID:
    """A group that holds Admin, to which two have agreed."""
    group = teams.make(organisation, "Board")
    assert teams.give(organisation, group, "admin").status_code == 302
    assert teams.held_by(organisation, group) == set()
    assert decide_act(organisation, newest_act(organisation), "approve") == 302
    assert teams.held_by(organisation, group) == {"admin"}
    return group


def test_nobody_comes_into_a_group_of_admins_by_one(acme) -> None:
    group = board(acme)
    assert teams.add(acme, group, "member", "guest").status_code == 302
    assert teams.inside(acme, group) == set()
    rows = acme.portal.rows("pending_act")
    acts = {row["target"]: row["id"] for row in rows if row["decision"] is None}
    act = acts[f"user:{acme['member'].id}"]
    page = acme.visit("second_admin").get(f"/approvals/{act}").text
    for fact in (acme["member"].name, "into the group Board", acme["admin"].name):
        assert fact in page
    assert "into the group Board" in acme.visit("second_admin").get("/approvals").text
    assert decide_act(acme, act, "approve", by="admin") == 403
    assert decide_act(acme, act, "approve") == 302
    assert teams.inside(acme, group) == {acme["member"].id}
    assert acme.visit("member").get("/members").status_code == 200
    entry = acme.log()[-1]
    assert (entry["action"], entry["actor_id"]) == ("group.member-added", acme["second_admin"].id)
    assert entry["detail"]["asked_by"] == str(acme["admin"].id)
    assert decide_act(acme, acts[f"user:{acme['guest'].id}"], "approve", by="member") == 403, (
        "nobody changes a group that they are in"
    )
    assert act_row(acme, acts[f"user:{acme['guest'].id}"])["decision"] is None


def test_who_asked_and_came_into_the_group_meanwhile_can_not_have_others_in(acme) -> None:
    group = board(acme)
    teams.add(acme, group, "guest")
    act = newest_act(acme)
    acme.portal.execute_everywhere("DELETE FROM group_membership")
    with acme.bound(writes=True) as session:
        session.add(GroupMembership(group_id=group, user_id=acme["admin"].id))
    assert decide_act(acme, act, "approve") == 409
    assert act_row(acme, act)["decision"] == "void"
    assert teams.inside(acme, group) == {acme["admin"].id}


def test_other_groups_are_filled_by_one(acme) -> None:
    group = teams.make(acme)
    teams.give(acme, group, "auditor")
    teams.add(acme, group, "guest")
    assert teams.inside(acme, group) == {acme["guest"].id}


def test_a_provider_lets_nobody_into_a_group_of_admins(acme) -> None:
    group, provider = board(acme), acme.providers["nowhere"]
    with acme.bound(writes=True) as session:
        fed = {"provider_id": provider, "claim": "board"}
        session.execute(update(Group).where(Group.id == group).values(**fed))
    with acme.bound(writes=True):
        stranger = Actor(kind=ActorKind.ANONYMOUS)
        join_claimed(stranger, get_user(acme["member"].id), provider, ["board"])
    assert teams.inside(acme, group) == set()
    assert acme.log()[-1]["detail"]["reason"] == "needs-two"


def test_a_role_that_is_held_gets_no_dangerous_right_by_one(acme) -> None:
    key = made(acme, "member:read", "policy:read")
    give(acme, "guest", key)
    admin = acme.visit("admin")
    answer = change(admin, key, "member:read", "role:assign")
    assert answer.status_code == 409
    assert acme.log()[-1]["detail"] == {"reason": "needs-two", "kind": "grant-admin"}
    [row] = [row for row in acme.portal.rows("custom_role") if row["key"] == key]
    assert "role:assign" not in str(row["permissions"])
    assert change(admin, key, "member:read", "member:invite").status_code == 302
    unheld = made(acme, "member:read", name="Nobody has it")
    assert change(admin, unheld, "role:assign", name="Nobody has it").status_code == 302


def test_an_admin_for_a_while_is_not_one_for_longer_by_one(acme) -> None:
    soon = acme.portal.seeded_at.replace(year=acme.portal.seeded_at.year + 1)
    with acme.bound(writes=True) as session:
        held = RoleAssignment(user_id=acme["member"].id, role="admin", expires_at=soon)
        session.add(held)
        session.flush()
        path = f"/members/{acme['member'].id}/roles/{held.id}/end"
    admin = acme.visit("admin")
    for until in ("", f"{soon.year + 1}-01-01"):
        assert admin.post(path, {"until": until, "reason": ""}).status_code == 409
    sooner = admin.post(path, {"until": f"{soon:%Y}-01-01", "reason": ""})
    assert sooner.status_code == 302
    assert "admin" in roles_of(acme, "member")
