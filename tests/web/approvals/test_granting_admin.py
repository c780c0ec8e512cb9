"""Where two people have to agree to it, nobody becomes an admin by one, by whatever way."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from portal.access.approvals.extent import extent
from portal.access.approvals.models import PendingAct
from portal.access.approvals.service import SecondPersonNeeded
from portal.access.claimed import Claimed, replace_claimed_roles
from portal.access.holders import get_person
from portal.access.models import CustomRole, Group, GroupMembership, RoleAssignment
from portal.access.permissions import ADMIN
from portal.access.service import Way, grant_role
from portal.audit.actor import OPERATOR, Actor, ActorKind
from portal.users.models import User
from portal.users.queries import get_user
from tests.access.asked import (
    act_row,
    ask_access,
    decide_act,
    give_role,
    newest_act,
    newest_request,
    request_row,
    roles_of,
    want_two,
)
from tests.installation import Organisation

GIVEN = [("act.approved", "success"), ("role.assigned", "success")]
STRANGER = Actor(kind=ActorKind.ANONYMOUS)


@pytest.fixture
def acme(acme) -> Organisation:
    """Two people have to agree that somebody becomes an admin, and nothing waits yet."""
    with acme.bound(writes=True) as session:
        session.execute(delete(PendingAct))
    want_two(acme, "grant-admin")
    acme.entries_at_start += len(acme.log())
    return acme


def ask(organisation: Organisation, who: str = "member", by: str = "admin") -> UUID:
    assert give_role(organisation, who, "admin", by).status_code == 302
    return newest_act(organisation)


def test_one_admin_makes_none_and_two_do(acme) -> None:
    act = ask(acme)
    assert "admin" not in roles_of(acme, "member")
    assert acme.visit("member").get("/members").status_code == 403
    page = acme.visit("second_admin").get(f"/approvals/{act}").text
    for fact in (acme["member"].name, acme["admin"].name, "Admin", "she takes over"):
        assert fact in page
    assert decide_act(acme, act, "approve") == 302
    assert roles_of(acme, "member") == {"member", "admin"}
    assert acme.visit("member").get("/members").status_code == 200
    assert [told for told in acme.told() if told[1] == "success"] == [
        ("act.asked", "success"),
        *GIVEN,
    ]
    entry = acme.log()[-1]
    assert entry["actor_id"] == acme["second_admin"].id
    assert entry["detail"]["asked_by"] == str(acme["admin"].id)
    assert entry["detail"]["reason"] == "she takes over"
    assert entry["detail"]["way"] == "page"


def test_other_roles_are_given_by_one(acme) -> None:
    give_role(acme, "member", "auditor")
    assert "auditor" in roles_of(acme, "member")


def test_a_role_of_another_name_with_a_dangerous_right_is_no_way_round(acme) -> None:
    with acme.bound(writes=True) as session:
        for key, permissions in (("boss", ["role:assign"]), ("clerk", ["member:invite"])):
            role = CustomRole(key=key, name=key, sentence=key, permissions=permissions)
            session.add(role)
    give_role(acme, "member", "boss")
    give_role(acme, "member", "clerk")
    assert roles_of(acme, "member") == {"member", "clerk"}
    assert decide_act(acme, newest_act(acme), "approve") == 302
    assert "boss" in roles_of(acme, "member")


def test_a_group_becomes_one_only_by_two_who_are_not_in_it(acme) -> None:
    with acme.bound(writes=True) as session:
        group = Group(name="Board", name_key="board")
        session.add(group)
        session.flush()
        session.add(GroupMembership(group_id=group.id, user_id=acme["second_admin"].id))
        act = PendingAct(
            kind="grant-admin",
            target=f"group:{group.id}",
            payload={"role": "admin", "way": "page", "expires_at": None}
            | extent([acme["second_admin"].id], ADMIN.permissions),
            reason="",
            asked_by=acme["admin"].id,
            expires_at=acme.portal.seeded_at.replace(year=2100),
        )
        session.add(act)
        session.flush()
        act_id, group_id = act.id, group.id
    assert "Board" in acme.visit("second_admin").get(f"/approvals/{act_id}").text
    assert decide_act(acme, act_id, "approve") == 403, "it would give the approver something"
    with acme.bound(writes=True) as session:
        session.execute(delete(GroupMembership))
    assert decide_act(acme, act_id, "approve") == 302
    rows = acme.portal.rows("role_assignment")
    assert [row["role"] for row in rows if row["group_id"] == group_id] == ["admin"]


def test_an_invitation_goes_out_and_its_role_waits(acme) -> None:
    form = {"name": "New", "email": "new@acme.example", "role": "admin", "folder": "", "reason": ""}
    answer = acme.visit("admin").post("/members/new", form)
    assert "takes two people" in answer.text
    [made] = [r for r in acme.portal.rows("user_account") if r["email"] == form["email"]]
    rows = acme.portal.rows("role_assignment")
    assert [row for row in rows if row["user_id"] == made["id"]] == []
    assert decide_act(acme, newest_act(acme), "approve") == 302
    rows = acme.portal.rows("role_assignment")
    assert [row["role"] for row in rows if row["user_id"] == made["id"]] == ["admin"]
    assert acme.log()[-1]["detail"]["way"] == "invitation"


def test_what_comes_by_a_claim_is_refused_and_recorded(acme) -> None:
    with acme.bound(writes=True):
        replace_claimed_roles(STRANGER, get_user(acme["member"].id), Claimed({"admin", "auditor"}))
    assert roles_of(acme, "member") == {"member", "auditor"}
    refused = next(e for e in acme.log() if e["action"] == "role.refused")
    assert refused["detail"] == {"role": "admin", "reason": "needs-two"}


@pytest.mark.parametrize("way", [way for way in Way if way != Way.CLI])
def test_no_way_that_can_not_wait_leads_round_it(acme, way) -> None:
    with acme.bound() as session:
        for actor in (STRANGER, Actor(kind=ActorKind.USER, user_id=acme["admin"].id)):
            with pytest.raises(SecondPersonNeeded):
                grant_role(actor, get_person(acme["member"].id), ADMIN, way=way)
        session.rollback()


def test_the_operator_acts_alone(acme) -> None:
    with acme.bound(writes=True):
        grant_role(OPERATOR, get_person(acme["member"].id), ADMIN, way=Way.CLI)
    assert "admin" in roles_of(acme, "member")


def test_a_request_that_is_approved_waits_for_the_second_person(acme) -> None:
    ask_access(acme.visit("guest"), "member:invite", "organisation")
    request = newest_request(acme)
    admin = acme.visit("admin")
    answer = admin.post(f"/requests/{request}/approve", {"role": "admin", "until": "2031-01-01"})
    assert answer.status_code == 302
    assert roles_of(acme, "guest") == {"guest"}
    assert request_row(acme, request)["assignment_id"] is None
    assert "A second person is asked" in acme.visit("guest").get("/requests").text
    assert decide_act(acme, newest_act(acme), "approve") == 302
    assert roles_of(acme, "guest") == {"guest", "admin"}
    [given] = [
        row
        for row in acme.portal.rows("role_assignment")
        if (row["user_id"], row["role"]) == (acme["guest"].id, "admin")
    ]
    assert str(given["expires_at"]).startswith("2031-01-02")
    assert acme.log()[-1]["detail"]["way"] == "request"


# Who agrees, and when


def test_nobody_agrees_to_what_they_asked_for_or_to_what_is_about_them(acme) -> None:
    act = ask(acme)
    for how in ("approve", "decline"):
        assert decide_act(acme, act, how, by="admin") == 403
    with acme.bound(writes=True) as session:
        about = session.get(PendingAct, (acme.id, act))
        about.target = f"user:{acme['second_admin'].id}"
    for how in ("approve", "decline"):
        assert decide_act(acme, act, how) == 403
    assert act_row(acme, act)["decision"] is None
    with acme.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=acme["member"].id, role="admin"))
    assert decide_act(acme, act, "approve", by="member") == 409, "a third one holds it already"


def test_who_became_an_admin_meanwhile_does_not_agree_to_their_own_role(acme) -> None:
    act = ask(acme)
    with acme.bound(writes=True) as session:
        group = Group(name="Board", name_key="board")
        session.add(group)
        session.flush()
        session.add(GroupMembership(group_id=group.id, user_id=acme["member"].id))
        session.add(RoleAssignment(group_id=group.id, role="admin"))
    assert decide_act(acme, act, "approve", by="member") == 403
    assert roles_of(acme, "member") == {"member"}


@pytest.mark.parametrize("lost", ["role", "ended role", "account"])
def test_what_somebody_asked_who_has_lost_the_right_is_void(portal, acme, lost) -> None:
    act = ask(acme)
    with acme.bound(writes=True) as session:
        own = RoleAssignment.user_id == acme["admin"].id
        if lost == "role":
            session.execute(delete(RoleAssignment).where(own))
        elif lost == "ended role":
            ended = portal.seeded_at.replace(year=2020)
            session.execute(update(RoleAssignment).where(own).values(expires_at=ended))
        else:
            account = update(User).where(User.id == acme["admin"].id)
            session.execute(account.values(state="deactivated"))
    answer = acme.visit("second_admin").post(f"/approvals/{act}/approve")
    assert answer.status_code == 409
    assert "It is void" in answer.text
    assert roles_of(acme, "member") == {"member"}
    assert acme.told() == [("act.asked", "success"), ("act.voided", "refused")]
    assert act_row(acme, act)["decision"] == "void"


def test_who_may_not_hand_it_out_does_not_agree(acme) -> None:
    """Whoever may assign roles but lacks other rights of management can't make an admin."""
    act = ask(acme)
    with acme.bound(writes=True) as session:
        session.add(CustomRole(key="assigner", name="A", sentence="A", permissions=["role:assign"]))
        session.add(RoleAssignment(user_id=acme["auditor"].id, role="assigner"))
    assert decide_act(acme, act, "approve", by="auditor") == 403
    assert roles_of(acme, "member") == {"member"}
    assert decide_act(acme, act, "approve") == 302


@pytest.mark.parametrize("other", ["approve", "withdraw"])
def test_of_parallel_ends_one_holds_and_the_act_is_done_once(acme, other) -> None:
    act = ask(acme)
    with acme.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=acme["auditor"].id, role="admin"))
    by = {"approve": "auditor", "withdraw": "admin"}[other]
    tries = [(acme.visit("second_admin"), "approve"), (acme.visit(by), other)] * 2
    start = Barrier(len(tries))

    def end(number: int) -> int:
        visitor, how = tries[number]
        start.wait()
        return visitor.post(f"/approvals/{act}/{how}").status_code

    with ThreadPoolExecutor(len(tries)) as pool:
        statuses = sorted(pool.map(end, range(len(tries))))
    assert statuses == [302, 409, 409, 409]
    was_given = "admin" in roles_of(acme, "member")
    assert acme.told() == [
        ("act.asked", "success"),
        *(GIVEN if was_given else [("act.withdrawn", "success")]),
    ]


def test_an_exclusive_role_is_refused_when_it_is_asked_and_when_it_is_agreed(acme) -> None:
    assert give_role(acme, "officer", "admin").status_code == 409
    act = ask(acme)
    give_role(acme, "member", "auditor")
    answer = acme.visit("second_admin").post(f"/approvals/{act}/approve")
    assert answer.status_code == 409
    assert "Nobody can be" in answer.text
    assert act_row(acme, act)["decision"] is None
    assert decide_act(acme, act, "decline") == 302


def test_a_page_that_was_left_open_for_long_asks_again_who_it_is(acme, clock) -> None:
    act = ask(acme)
    clock.advance(minutes=16)
    answer = acme.visit("second_admin").post(f"/approvals/{act}/approve")
    assert answer.status_code == 403
    assert "Confirm that it is you" in answer.text
    assert roles_of(acme, "member") == {"member"}


def test_the_page_shows_what_ended(acme) -> None:
    decide_act(acme, ask(acme), "decline")
    page = acme.visit("admin").get("/approvals").text
    assert "The last 30 days" in page
    assert "Declined" in page
    assert "Nothing is waiting" in page
