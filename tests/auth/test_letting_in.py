"""Who is let in has all that they hold: so letting in takes the right to give it."""

import re

import pytest
from sqlalchemy import delete

from portal.access.approvals.models import PendingAct
from tests.access.asked import newest_act, want_two
from tests.access.groups import teams
from tests.access.own_roles import give, made
from tests.browsing import Visitor
from tests.installation import PASSWORD, Organisation

CHOSEN = {"password": PASSWORD, "again": PASSWORD}
INVITER = ("member:invite", "role:assign", "member:read")
DESK = ("member:deactivate", "role:assign", "member:read")


def again(organisation: Organisation, who: str, whom: str = "invited"):
    return organisation.visit(who).post(f"/members/{organisation[whom].id}/invitations")


def reactivate(organisation: Organisation, who: str, whom: str = "member") -> int:
    path = f"/members/{organisation[whom].id}/reactivate"
    return organisation.visit(who).post(path).status_code


def state_of(organisation: Organisation, who: str) -> str:
    rows = organisation.portal.rows("user_account")
    return next(row["state"] for row in rows if row["id"] == organisation[who].id)


def hold(organisation: Organisation, who: str, role: str, how: str) -> None:
    """Have somebody hold a role by name, or through a group."""
    if how == "by name":
        assert give(organisation, who, role).status_code == 302
        return
    group = teams.make(organisation, "Board")
    assert teams.give(organisation, group, role).status_code == 302
    assert teams.add(organisation, group, who).status_code == 302


def deactivated(organisation: Organisation, who: str = "member") -> None:
    answer = organisation.visit("admin").post(f"/members/{organisation[who].id}/deactivate")
    assert answer.status_code == 302


def two_from_now_on(organisation: Organisation) -> None:
    with organisation.bound(writes=True) as session:
        session.execute(delete(PendingAct))
    want_two(organisation, "grant-admin")


def old_link(organisation: Organisation) -> str:
    return organisation["invited"].invitation.removeprefix(organisation.visit().base)


def is_good(organisation: Organisation, link: str) -> bool:
    return organisation.visit().get(link).status_code == 200


@pytest.mark.parametrize("how", ["by name", "through a group"])
@pytest.mark.parametrize("permissions", [("member:invite",), INVITER])
def test_nobody_sees_the_link_of_somebody_who_holds_more_than_they_may_give(
    acme, permissions, how
) -> None:
    """Whoever sees it can choose the password, and be that admin."""
    give(acme, "guest", made(acme, *permissions, name="Inviter"))
    hold(acme, "invited", "admin", how)
    mails = len(acme.mails())
    answer = again(acme, "guest")
    assert answer.status_code == 403
    assert "/auth/invitations/" not in answer.text
    assert len(acme.mails()) == mails
    assert is_good(acme, old_link(acme)), "nothing has changed"
    assert acme.told()[-1] == ("access.refused", "refused")


def test_whoever_invites_alone_sees_nobodys_link_as_roles_may_still_come(acme) -> None:
    give(acme, "guest", made(acme, "member:invite", name="Inviter"))
    admin, path = acme.visit("admin"), f"/members/{acme['invited'].id}"
    for row in acme.portal.rows("role_assignment"):
        if row["user_id"] == acme["invited"].id:
            assert admin.post(f"{path}/roles/{row['id']}/remove").status_code == 302
    assert again(acme, "guest").status_code == 403


def test_whoever_may_give_all_of_it_invites_again(acme) -> None:
    give(acme, "guest", made(acme, *INVITER, name="Inviter"))
    assert "/auth/invitations/" in again(acme, "guest").text


def test_inviting_again_wants_a_proof_that_is_not_old(acme, clock) -> None:
    visitor = acme.visit("admin")
    clock.advance(minutes=50)
    answer = visitor.post(f"/members/{acme['invited'].id}/invitations")
    assert answer.status_code == 403
    assert "/auth/invitations/" not in answer.text
    assert is_good(acme, old_link(acme))


def mailed_link(organisation: Organisation) -> str:
    text = organisation.mails()[-1]["html"]
    return re.search(r":8000(/auth/invitations/[\w-]+)", text)[1]


def test_where_admins_take_two_the_link_of_one_goes_out_by_mail_alone(acme) -> None:
    """Or one admin would open it, and agree with themselves from then on."""
    hold(acme, "invited", "admin", "by name")
    two_from_now_on(acme)
    answer = again(acme, "admin")
    assert answer.status_code == 200
    assert "/auth/invitations/" not in answer.text
    assert "is not shown here" in answer.text
    assert acme.visit().submit(mailed_link(acme), **CHOSEN).location == "/auth/code"


def invite_admin(admin: Visitor):
    form = {"name": "New", "email": "new@acme.example", "role": "admin", "folder": ""}
    return admin.post("/members/new", form)


def test_nor_is_the_link_shown_of_somebody_whose_role_waits(acme) -> None:
    two_from_now_on(acme)
    admin = acme.visit("admin")
    first = invite_admin(admin)
    assert "takes two people" in first.text
    [waiting] = [r for r in acme.portal.rows("pending_act") if r["id"] == newest_act(acme)]
    path = f"/members/{waiting['target'].removeprefix('user:')}/invitations"
    for answer in (first, admin.post(path)):
        assert answer.status_code == 200
        assert "/auth/invitations/" not in answer.text
    assert is_good(acme, mailed_link(acme))


def test_nor_in_the_table_of_many(acme) -> None:
    two_from_now_on(acme)
    table = "name,email,role\nAda,ada@acme.example,admin\nBo,bo@acme.example,member\n"
    answer = acme.visit("admin").post("/members/import", {"table": table, "sure": "yes"})
    assert answer.text.count("/auth/invitations/") == 1
    assert answer.text.count("By mail only") == 1


@pytest.mark.parametrize("how", ["by name", "through a group"])
@pytest.mark.parametrize("permissions", [("member:deactivate",), DESK])
def test_nobody_gives_back_more_than_they_may_give(acme, permissions, how) -> None:
    give(acme, "guest", made(acme, *permissions, name="Desk"))
    hold(acme, "member", "admin", how)
    deactivated(acme)
    assert reactivate(acme, "guest") == 403
    assert state_of(acme, "member") == "deactivated"
    assert acme.told()[-1] == ("access.refused", "refused")


def test_whoever_may_give_all_of_it_reactivates(acme) -> None:
    give(acme, "guest", made(acme, *DESK, name="Desk"))
    deactivated(acme)
    assert reactivate(acme, "guest") == 302
    assert state_of(acme, "member") == "active"


@pytest.mark.parametrize("how", ["by name", "through a group"])
def test_where_admins_take_two_none_is_made_again_by_one(acme, how) -> None:
    hold(acme, "member", "admin", how)
    deactivated(acme)
    two_from_now_on(acme)
    assert reactivate(acme, "admin") == 409
    assert state_of(acme, "member") == "deactivated"
    deactivated(acme, "auditor")
    assert reactivate(acme, "admin", "auditor") == 302
