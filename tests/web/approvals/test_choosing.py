"""For which acts two people are wanted: chosen by one, and from then on changed by two."""

import pytest
from sqlalchemy import delete, update

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.models import RoleAssignment
from portal.users.models import User
from portal.web.approvals.agreed import AGREED
from tests.access.asked import ask_reset, decide_act, has_factor, newest_act, want_two
from tests.installation import Organisation


def chosen(organisation: Organisation) -> list[str]:
    rows = organisation.portal.rows("access_policy")
    found = [row["needs_two"] for row in rows if row["tenant_id"] == organisation.id]
    return sorted(kind for kind in Kind if any(kind in str(row) for row in found))


@pytest.fixture
def acme(acme) -> Organisation:
    with acme.bound(writes=True) as session:
        session.execute(delete(PendingAct))
    return acme


def test_every_kind_of_act_can_be_done() -> None:
    assert set(AGREED) == set(Kind)


def test_it_is_turned_on_by_one_and_off_by_two(acme) -> None:
    assert "grant-admin" in acme.visit("officer").get("/policy").text
    want_two(acme, "grant-admin", "reset-factors")
    assert chosen(acme) == ["grant-admin", "reset-factors"]
    answer = want_two(acme)
    assert answer.location == "/approvals"
    assert chosen(acme) == ["grant-admin", "reset-factors"], "one alone turns nothing off"
    act = newest_act(acme)
    assert (
        "Want two people for nothing any more"
        in acme.visit("second_admin").get(f"/approvals/{act}").text
    )
    assert decide_act(acme, act, "approve", by="admin") == 403
    assert decide_act(acme, act, "approve") == 302
    assert chosen(acme) == []
    assert acme.told() == [
        ("choice.changed", "success"),
        ("act.asked", "success"),
        ("access.refused", "refused"),
        ("act.approved", "success"),
        ("choice.changed", "success"),
    ]
    ask_reset(acme)
    assert not has_factor(acme)


def test_a_stricter_choice_takes_two_as_well(acme) -> None:
    want_two(acme, "reset-factors")
    want_two(acme, "reset-factors", "grant-admin")
    assert chosen(acme) == ["reset-factors"]
    assert decide_act(acme, newest_act(acme), "approve") == 302
    assert chosen(acme) == ["grant-admin", "reset-factors"]


@pytest.mark.parametrize("second", ["deactivated", "without role"])
def test_with_one_admin_alone_it_is_not_turned_on(acme, second) -> None:
    person = acme["second_admin"].id
    with acme.bound(writes=True) as session:
        if second == "deactivated":
            session.execute(update(User).where(User.id == person).values(state="deactivated"))
        else:
            session.execute(delete(RoleAssignment).where(RoleAssignment.user_id == person))
    answer = acme.visit("admin").post("/policy/choice", {"kinds": ["grant-admin"]})
    assert answer.status_code == 409
    assert "Nobody else here could agree" in answer.text
    assert chosen(acme) == []


def test_who_is_left_alone_is_told_whom_to_ask(acme) -> None:
    want_two(acme, "reset-factors")
    acme.visit("admin").post(f"/members/{acme['second_admin'].id}/deactivate")
    answer = acme.visit("admin").post(f"/members/{acme['member'].id}/reset-factors")
    assert answer.status_code == 409
    assert "The operator of the portal can invite another admin." in answer.text
    assert has_factor(acme)


def test_what_is_no_change_or_no_kind_is_refused(acme) -> None:
    admin = acme.visit("admin")
    assert admin.post("/policy/choice", {"kinds": []}).status_code == 409
    for odd in ("change-choice", "x", "\0"):
        assert 400 <= admin.post("/policy/choice", {"kinds": [odd]}).status_code < 500
    assert chosen(acme) == []
    assert (
        acme.visit("officer").post("/policy/choice", {"kinds": ["grant-admin"]}).status_code == 403
    )


def test_an_old_proof_is_asked_for_again(acme, clock) -> None:
    clock.advance(minutes=16)
    answer = acme.visit("admin").post("/policy/choice", {"kinds": ["grant-admin"]})
    assert "Confirm that it is you" in answer.text
    assert chosen(acme) == []


def test_another_organisations_choice_stays(acme, globex) -> None:
    want_two(acme, "reset-factors")
    ask_reset(globex)
    assert not has_factor(globex)
