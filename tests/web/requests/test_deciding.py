"""Deciding about requests: by who may give it, within what they may give, once, not their own."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from portal.access.approvals.models import PendingAct
from portal.access.models import CustomRole, RoleAssignment
from portal.access.permissions import BUILT_IN
from portal.access.requests.models import AccessRequest
from portal.core import clock as portal_clock
from portal.users.models import User
from tests.access.asked import ask_access, newest_request, request_row, roles_of
from tests.browsing import forms_of
from tests.installation import Organisation


@pytest.fixture
def acme(acme) -> Organisation:
    """Nobody waits for anything yet; the auditor shares the folder "Closed"."""
    with acme.bound(writes=True) as session:
        session.execute(delete(AccessRequest))
        session.execute(delete(PendingAct))
        own(session, acme, "auditor", "closed")
    return acme


def own(session: Any, organisation: Organisation, who: str, folder: str) -> None:
    folder_id = organisation.folders[folder]
    session.add(
        RoleAssignment(user_id=organisation[who].id, role="folder-owner", folder_id=folder_id)
    )


def ask(
    organisation: Organisation, permission: str = "document:read", folder: str = "closed",
    who: str = "guest",
) -> UUID:  # fmt: skip
    target = f"folder:{organisation.folders[folder]}" if folder else "organisation"
    assert ask_access(organisation.visit(who), permission, target).status_code == 302
    return newest_request(organisation)


def approve(
    organisation: Organisation, request: UUID, role: str, by: str = "admin", until: str = ""
) -> Any:
    return organisation.visit(by).post(
        f"/requests/{request}/approve", {"role": role, "until": until}
    )


def offered_roles(page: str) -> list[str]:
    return [role for form in forms_of(page) for role in form.choices.get("role", ())]


# By admins


def test_an_admin_approves_until_a_day_and_the_person_holds_it(acme) -> None:
    request, guest = ask(acme), acme.visit("guest")
    page = acme.visit("admin").get(f"/requests/{request}").text
    for fact in (acme["guest"].name, acme["guest"].email, "Guest on a folder", "to help"):
        assert fact in page
    preset = (portal_clock.now().date()).toordinal() + 30
    [form] = [f for f in forms_of(page) if f.action.endswith("/approve")]
    assert portal_clock.now().date().fromisoformat(form.fields["until"]).toordinal() == preset
    assert approve(acme, request, "guest", until="2031-05-01").location == "/requests"
    assert guest.get(f"/documents/{acme.documents['canary']}").status_code == 200
    [given] = [
        row
        for row in acme.portal.rows("role_assignment")
        if (row["user_id"], row["folder_id"]) == (acme["guest"].id, acme.folders["closed"])
    ]
    assert str(given["expires_at"]).startswith("2031-05-02 00:00")
    assert given["granted_by"] == acme["admin"].id
    assert given["reason"] == f"Request {request}: to help"
    assert acme.told()[-2:] == [("role.assigned", "success"), ("access.granted", "success")]
    assigned, granted = acme.log()[-2:]
    assert assigned["detail"]["way"] == "request"
    assert granted["detail"]["assignment"] == str(given["id"])
    assert request_row(acme, request)["decided_by"] == acme["admin"].id
    assert "Approved" in guest.get("/requests").text
    mail = acme.mails()[-1]
    assert (mail["to"], "answered" in mail["subject"]) == (acme["guest"].email, True)


def test_an_admin_may_leave_the_end_open(acme) -> None:
    request = ask(acme, "audit:read", "")
    assert approve(acme, request, "auditor").status_code == 302
    given = next(r for r in acme.portal.rows("role_assignment")
                 if (r["user_id"], r["role"]) == (acme["guest"].id, "auditor"))  # fmt: skip
    assert given["expires_at"] is None


def test_it_is_declined_with_an_answer(acme) -> None:
    request = ask(acme)
    answer = acme.visit("admin").post(f"/requests/{request}/decline", {"answer": "Ask in May"})
    assert answer.status_code == 302
    assert roles_of(acme, "guest") == {"guest"}
    assert acme.visit("guest").get(f"/documents/{acme.documents['canary']}").status_code == 403
    assert "Ask in May" in acme.visit("guest").get("/requests").text
    assert ("access.declined", "success") in acme.told()
    assert approve(acme, request, "guest").status_code == 409
    assert ask(acme) != request


@pytest.mark.parametrize(
    ("permission", "folder", "roles"),
    [
        ("document:read", "closed", {"member", "folder-owner", "guest"}),
        ("document:read", "", {"member", "auditor"}),
        ("folder:share", "closed", {"folder-owner"}),
        ("audit:read", "", {"compliance-officer", "auditor"}),
        ("role:assign", "", {"admin"}),
        ("folder:share", "", set()),
    ],
)
def test_the_roles_that_hold_it_there_are_offered_and_no_others(
    acme, permission, folder, roles
) -> None:
    request = ask(acme, permission, folder)
    page = acme.visit("admin").get(f"/requests/{request}").text
    assert set(offered_roles(page)) & BUILT_IN.keys() == roles
    for role in {"member", "auditor", "guest", "admin", "x", ""} - roles:
        assert 400 <= approve(acme, request, role).status_code < 500
    assert roles_of(acme, "guest") == {"guest"}
    assert request_row(acme, request)["decision"] is None


def test_who_holds_not_all_management_gives_none_of_it(acme) -> None:
    with acme.bound(writes=True) as session:
        session.add(CustomRole(key="half", name="H", sentence="H", permissions=["role:assign"]))
        session.add(RoleAssignment(user_id=acme["officer"].id, role="half"))
    request = ask(acme, "role:assign", "")
    page = acme.visit("officer").get(f"/requests/{request}").text
    assert offered_roles(page) == ["half"]
    assert approve(acme, request, "admin", by="officer").status_code == 422
    assert roles_of(acme, "guest") == {"guest"}


@pytest.mark.parametrize("until", ["2020-01-01", "x", "9999-12-31", "0001-01-01"])
def test_an_end_that_is_none_is_refused(acme, until) -> None:
    request = ask(acme)
    assert approve(acme, request, "guest", until=until).status_code in (400, 422)
    assert roles_of(acme, "guest") == {"guest"}
    assert request_row(acme, request)["decision"] is None


def test_roles_that_exclude_each_other_are_refused_with_both_named(acme) -> None:
    request = ask(acme, "role:assign", "", who="officer")
    answer = approve(acme, request, "admin")
    assert answer.status_code == 409
    assert "Nobody can be Admin and Compliance officer" in answer.text
    assert request_row(acme, request)["decision"] is None


# By those who share the folder


def test_who_shares_the_folder_decides_with_an_end_and_within_what_they_hold(acme) -> None:
    request = ask(acme)
    page = acme.visit("auditor").get("/requests").text
    assert acme["guest"].name in page
    assert '<span class="count">1<' in page
    page = acme.visit("auditor").get(f"/requests/{request}").text
    assert set(offered_roles(page)) == {"member", "folder-owner", "guest"}
    assert "“Closed”" in page
    lasting = approve(acme, request, "guest", by="auditor")
    assert lasting.status_code == 400
    assert "Say until when" in lasting.text
    assert approve(acme, request, "guest", by="auditor", until="2031-05-01").status_code == 302
    assert acme.visit("guest").get(f"/documents/{acme.documents['canary']}").status_code == 200


def test_a_role_that_allows_more_than_they_hold_there_is_not_theirs_to_give(acme) -> None:
    with acme.bound(writes=True) as session:
        held = ["document:read", "folder:share"]
        session.add(CustomRole(key="sharer", name="Sharer", sentence="S", permissions=held))
        mine = RoleAssignment.user_id == acme["auditor"].id
        on_folder = RoleAssignment.folder_id.is_not(None)
        session.execute(update(RoleAssignment).where(mine, on_folder).values(role="sharer"))
    request = ask(acme)
    page = acme.visit("auditor").get(f"/requests/{request}").text
    assert set(offered_roles(page)) == {"guest", "sharer"}
    answer = approve(acme, request, "member", by="auditor", until="2031-05-01")
    assert answer.status_code == 422
    assert roles_of(acme, "guest") == {"guest"}


def test_nobody_decides_about_another_folder_or_the_organisation(acme, globex) -> None:
    elsewhere = ask(acme, "document:upload", "shared")
    whole = ask(acme, "document:read", "")
    auditor = acme.visit("auditor")
    for request in (elsewhere, whole):
        assert str(request) not in auditor.get("/requests").text
        assert auditor.get(f"/requests/{request}").status_code == 404
        assert approve(acme, request, "member", by="auditor", until="2031-05-01").status_code == 404
        assert auditor.post(f"/requests/{request}/decline").status_code == 404
        assert globex.visit("admin").get(f"/requests/{request}").status_code == 404
        assert approve(globex, request, "member").status_code == 404
        for who in ("member", "guest", "officer"):
            assert acme.visit(who).get(f"/requests/{request}").status_code == 403
            assert approve(acme, request, "member", by=who).status_code == 403
    assert roles_of(acme, "guest") == {"guest"}
    assert acme["guest"].name not in globex.visit("admin").get("/requests").text


def test_a_folder_within_is_decided_from_above(acme) -> None:
    made = acme.visit("member").post(
        "/folders", {"name": "Inner", "parent": str(acme.folders["closed"])}
    )
    acme.folders["inner"] = UUID(made.location.rpartition("/")[2])
    request = ask(acme, folder="inner")
    assert "“Closed / Inner”" in acme.visit("auditor").get("/requests").text
    assert approve(acme, request, "guest", by="auditor", until="2031-05-01").status_code == 302


# Whoever decides


def test_nobody_decides_their_own(acme) -> None:
    own_request = ask(acme, "document:read", "", who="admin")
    admin = acme.visit("admin")
    assert "Somebody else has to decide" in admin.get(f"/requests/{own_request}").text
    assert '<span class="count">' not in admin.get("/requests").text
    for how in ("approve", "decline"):
        path = f"/requests/{own_request}/{how}"
        assert admin.post(path, {"role": "member", "until": ""}).status_code == 403
    assert roles_of(acme, "admin") == {"admin"}
    assert approve(acme, own_request, "member", by="second_admin").status_code == 302


def test_of_parallel_decisions_one_holds(acme) -> None:
    request = ask(acme)
    tries = [
        (acme.visit("admin"), "approve", {"role": "guest", "until": "2031-05-01"}),
        (acme.visit("second_admin"), "approve", {"role": "member", "until": ""}),
        (acme.visit("auditor"), "decline", {"answer": "no"}),
        (acme.visit("guest"), "withdraw", {}),
    ]
    start = Barrier(len(tries))

    def end(number: int) -> int:
        visitor, how, form = tries[number]
        start.wait()
        return visitor.post(f"/requests/{request}/{how}", form).status_code

    with ThreadPoolExecutor(len(tries)) as pool:
        statuses = sorted(pool.map(end, range(len(tries))))
    assert statuses == [302, 409, 409, 409]
    given = [r for r in acme.portal.rows("role_assignment") if r["user_id"] == acme["guest"].id]
    ends = {"access.granted", "access.declined", "access.withdrawn"}
    [told] = [action for action, _ in acme.told() if action in ends]
    assert len(given) == (2 if told == "access.granted" else 1)


def test_a_right_that_was_lost_decides_nothing(acme) -> None:
    request = ask(acme)
    with acme.bound(writes=True) as session:
        session.execute(delete(RoleAssignment).where(RoleAssignment.role == "folder-owner"))
    assert approve(acme, request, "guest", by="auditor", until="2031-05-01").status_code == 403


def test_whoever_is_no_member_any_more_gets_nothing(acme) -> None:
    request = ask(acme)
    with acme.bound(writes=True) as session:
        session.execute(update(User).where(User.id == acme["guest"].id).values(state="deactivated"))
    assert approve(acme, request, "guest").status_code == 409
    assert acme.visit("admin").post(f"/requests/{request}/decline").status_code == 302


def test_a_folder_in_the_trash_is_given_to_nobody(acme) -> None:
    request = ask(acme)
    acme.visit("member").post(f"/folders/{acme.folders['closed']}/delete")
    assert approve(acme, request, "guest").status_code == 409
    assert acme.visit("admin").get("/requests").status_code == 200
    assert roles_of(acme, "guest") == {"guest"}


def test_an_old_proof_is_asked_for_again(acme, clock) -> None:
    request = ask(acme)
    clock.advance(minutes=31)
    answer = approve(acme, request, "guest")
    assert "Confirm that it is you" in answer.text
    assert roles_of(acme, "guest") == {"guest"}


def test_no_name_is_told_that_the_decider_may_not_see(acme) -> None:
    """Admins don't read documents: they see folders, to whom they give roles on them."""
    target = f"document:{acme.documents['canary']}"
    ask_access(acme.visit("guest"), "document:read", target)
    request = newest_request(acme)
    for who in ("admin", "auditor"):
        for path in ("/requests", f"/requests/{request}", "/approvals"):
            answer = acme.visit(who).get(path)
            assert "Kanarienvogel" not in answer.text
            assert str(acme.documents["canary"]) not in answer.text
    assert "Closed" not in acme.visit("guest").get("/requests").text


def test_who_shares_for_a_while_approves_for_no_longer(acme) -> None:
    soon = portal_clock.now() + timedelta(days=5)
    with acme.bound(writes=True) as session:
        mine = RoleAssignment.user_id == acme["auditor"].id
        on_folder = RoleAssignment.folder_id.is_not(None)
        session.execute(update(RoleAssignment).where(mine, on_folder).values(expires_at=soon))
    request = ask(acme, "document:upload")
    later = f"{soon + timedelta(days=2):%Y-%m-%d}"
    late = approve(acme, request, "member", by="auditor", until=later)
    assert late.status_code == 400
    assert f"until {soon:%Y-%m-%d %H:%M} UTC" in late.text
    early = f"{portal_clock.now() + timedelta(days=2):%Y-%m-%d}"
    assert approve(acme, request, "member", by="auditor", until=early).status_code == 302


def test_what_concerns_the_organisation_is_offered_on_no_folder(acme) -> None:
    with acme.bound(writes=True) as session:
        for key, more in (("watcher", "audit:read"), ("keeper", "review:run")):
            held = ["document:read", more]
            session.add(CustomRole(key=key, name=key, sentence="S", permissions=held))
    request = ask(acme)
    for who in ("admin", "auditor"):
        page = acme.visit(who).get(f"/requests/{request}").text
        assert set(offered_roles(page)) == {"member", "folder-owner", "guest"}
