"""Roles and members by the pages: who may hand out what, to whom, and that somebody stays."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from portal.access import last_admin, service
from portal.access.decision import Forbidden, Grant, Member
from portal.access.holders import get_person
from portal.access.permissions import ADMIN, BUILT_IN, Permission
from portal.core import clock
from portal.users.queries import get_user
from tests.browsing import Visitor
from tests.installation import Organisation


def roles_of(organisation: Organisation, who: str) -> list[dict]:
    person = organisation[who].id
    return [r for r in organisation.portal.rows("role_assignment") if r["user_id"] == person]


def give(visitor: Visitor, organisation: Organisation, who: str, role: str, **more: str) -> object:
    form = {"role": role, "folder": "", "reason": ""} | more
    return visitor.post(f"/members/{organisation[who].id}/roles", form)


def take(visitor: Visitor, organisation: Organisation, who: str) -> object:
    [held] = roles_of(organisation, who)
    return visitor.post(f"/members/{organisation[who].id}/roles/{held['id']}/remove")


def deactivate(visitor: Visitor, organisation: Organisation, who: str) -> object:
    return visitor.post(f"/members/{organisation[who].id}/deactivate")


# Giving and taking


def test_a_role_is_given_with_a_reason_and_holds_at_once(acme) -> None:
    member = acme.visit("member")
    assert member.get("/members").status_code == 403
    answer = give(acme.visit("admin"), acme, "member", "auditor", reason="review of 2026")
    assert answer.location == f"/members/{acme['member'].id}"
    assert member.get("/members").status_code == 200
    entry = acme.log()[-1]
    assert (entry["action"], entry["target"]) == ("role.assigned", f"user:{acme['member'].id}")
    [given] = [r for r in roles_of(acme, "member") if r["role"] == "auditor"]
    assert entry["detail"] == {
        "assignment": str(given["id"]),
        "role": "auditor",
        "folder": None,
        "reason": "review of 2026",
        "expires_at": None,
        "way": "page",
    }
    assert "review of 2026" in acme.visit("officer").get(f"/members/{acme['member'].id}").text


def test_a_role_is_taken_after_a_question(acme) -> None:
    admin, [held] = acme.visit("admin"), roles_of(acme, "auditor")
    path = f"/members/{acme['auditor'].id}/roles/{held['id']}/remove"
    assert "Auditor" in admin.get(path).text
    assert len(roles_of(acme, "auditor")) == 1
    assert admin.submit(path).status_code == 302
    assert roles_of(acme, "auditor") == []
    assert acme.log()[-1]["detail"] == {
        "assignment": str(held["id"]),
        "role": "auditor",
        "folder": None,
        "reason": "",
        "way": "page",
    }
    assert admin.get(path).status_code == 404


def test_a_role_is_held_once(acme) -> None:
    assert give(acme.visit("admin"), acme, "auditor", "auditor").status_code == 409
    assert len(roles_of(acme, "auditor")) == 1


def test_a_role_is_given_once_also_in_parallel(portal, acme) -> None:
    visitors = [acme.visit(who) for who in ("admin", "second_admin", "admin", "second_admin")]
    start = Barrier(len(visitors))

    def assign(visitor: Visitor) -> int:
        start.wait()
        return give(visitor, acme, "member", "auditor").status_code

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = sorted(pool.map(assign, visitors))
    assert statuses == [302, 409, 409, 409]


def test_a_guest_is_one_on_a_folder_only(acme) -> None:
    admin, shared = acme.visit("admin"), str(acme.folders["shared"])
    assert give(admin, acme, "officer", "guest").status_code == 400
    assert give(admin, acme, "officer", "guest", folder=shared).status_code == 302


@pytest.mark.parametrize("role", ["admin", "compliance-officer", "auditor"])
def test_a_role_that_concerns_everybody_is_not_given_on_a_folder(acme, role) -> None:
    answer = give(acme.visit("admin"), acme, "member", role, folder=str(acme.folders["shared"]))
    assert answer.status_code == 400
    assert len(roles_of(acme, "member")) == 1


def test_a_role_on_a_folder_of_another_tenant_is_no_choice(acme, globex) -> None:
    """V1."""
    for folder in (globex.folders["shared"], uuid4(), acme.documents["note"]):
        answer = give(acme.visit("admin"), acme, "officer", "guest", folder=str(folder))
        assert answer.status_code == 422
    assert len(roles_of(acme, "officer")) == 1


def test_roles_that_watch_each_other_are_not_held_together(acme) -> None:
    admin = acme.visit("admin")
    assert give(admin, acme, "officer", "admin").status_code == 409
    assert give(admin, acme, "second_admin", "compliance-officer").status_code == 409
    assert "at the same time" in give(admin, acme, "officer", "admin").text


def test_exclusive_roles_are_not_held_together_also_in_parallel(acme) -> None:
    visitors = [acme.visit("admin"), acme.visit("second_admin")]
    start = Barrier(2)

    def assign(visitor: Visitor, role: str) -> int:
        start.wait()
        return give(visitor, acme, "member", role).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(assign, visitors, ["admin", "compliance-officer"]))
    assert statuses == [302, 409]


@pytest.mark.parametrize("role", sorted(BUILT_IN))
def test_nobody_changes_their_own_roles(portal, acme, role) -> None:
    admin, before = acme.visit("admin"), roles_of(acme, "admin")
    folder = str(acme.folders["shared"])
    assert give(admin, acme, "admin", role).status_code == 403
    assert give(admin, acme, "admin", role, folder=folder).status_code == 403
    assert take(admin, acme, "admin").status_code == 403
    assert roles_of(acme, "admin") == before
    assert acme.told() == [("access.refused", "refused")] * 3


def test_nobody_turns_the_other_acts_on_themselves(portal, acme) -> None:
    admin, own = acme.visit("admin"), f"/members/{acme['admin'].id}"
    for act in ("deactivate", "reactivate", "reset-factors"):
        assert admin.post(f"{own}/{act}").status_code == 403, act
    assert {entry["target"] for entry in acme.log()} == {f"user:{acme['admin'].id}"}
    assert admin.get("/members").status_code == 200


@pytest.mark.parametrize("who", ["member", "guest", "auditor", "officer"])
def test_who_is_no_admin_hands_out_nothing(portal, acme, who) -> None:
    before = portal.rows("role_assignment")
    visitor = acme.visit(who)
    for role in BUILT_IN:
        assert give(visitor, acme, "invited", role).status_code == 403
    assert take(visitor, acme, "second_admin").status_code == 403
    assert deactivate(visitor, acme, "admin").status_code == 403
    assert portal.rows("role_assignment") == before
    assert {outcome for _, outcome in acme.told()} == {"refused"}


def test_a_partial_admin_gives_no_more_management_than_it_holds(acme) -> None:
    """V4."""
    with acme.bound(writes=True):
        member = Member(
            session_id=uuid4(),
            user_id=acme["member"].id,
            name="Partial",
            email="p@acme.example",
            proved_at=clock.now(),
            grants=(Grant(frozenset({Permission.ROLE_ASSIGN, Permission.MEMBER_READ})),),
        )
        with pytest.raises(Forbidden):
            service.assign_role(member, get_person(acme["auditor"].id), ADMIN.key)
        service.assign_role(member, get_person(acme["auditor"].id), "member")


def test_an_unknown_role_in_a_row_gives_nothing(portal, acme) -> None:
    portal.execute("UPDATE role_assignment SET role = 'owner' WHERE role = 'member'", acme)
    assert acme.visit("member").get("/documents").status_code == 403


def test_a_role_that_has_expired_gives_nothing(portal, acme) -> None:
    portal.execute(
        "UPDATE role_assignment SET expires_at = '2000-01-01' WHERE role = 'member'", acme
    )
    assert acme.visit("member").get("/documents").status_code == 403


# The last admin


def test_the_last_admin_stays(acme) -> None:
    admin = acme.visit("admin")
    assert take(admin, acme, "second_admin").status_code == 302
    # Now the admin is the last; nobody but an admin could even try, so ask the service.
    with acme.bound(writes=True) as session:
        user = get_user(acme["admin"].id)
        with pytest.raises(last_admin.LastAdmin):
            last_admin.require_another_admin(user.id)
        session.rollback()
    assert deactivate(acme.visit("second_admin"), acme, "admin").status_code == 403


def test_an_admin_who_can_not_sign_in_is_no_other_admin(portal, acme) -> None:
    for state in ("invited", "deactivated"):
        portal.execute(
            f"UPDATE user_account SET state = '{state}' WHERE email LIKE 'second_admin@%'", acme
        )
        with acme.bound(writes=True), pytest.raises(last_admin.LastAdmin):
            last_admin.require_another_admin(acme["admin"].id)


def test_an_admin_for_a_while_is_no_other_admin(portal, acme) -> None:
    for until in ("2000-01-01", "2100-01-01"):
        second = acme["second_admin"].id
        literal = f"'{second.hex}'" if portal.name == "sqlite" else f"'{second}'"
        portal.execute(
            f"UPDATE role_assignment SET expires_at = '{until}' WHERE user_id = {literal}", acme
        )
        with acme.bound(writes=True), pytest.raises(last_admin.LastAdmin):
            last_admin.require_another_admin(acme["admin"].id)


@pytest.mark.parametrize("acts", [(take, take), (deactivate, deactivate), (take, deactivate)])
@pytest.mark.parametrize("attempt", range(4))
def test_of_two_admins_who_remove_each_other_at_once_one_stays(portal, acme, acts, attempt) -> None:
    visitors = [acme.visit("admin"), acme.visit("second_admin")]
    start = Barrier(2)

    def remove(visitor: Visitor, act: object, other: str) -> int:
        start.wait()
        return act(visitor, acme, other).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(remove, visitors, acts, ["second_admin", "admin"]))
    # The second one finds that nobody else is left, or that it is no admin or signed out by then.
    assert statuses[0] == 302
    assert statuses[1] in (401, 403, 409), statuses
    active = {u["id"] for u in portal.rows("user_account") if u["state"] == "active"}
    left = [
        r for r in portal.rows("role_assignment") if r["role"] == "admin" and r["user_id"] in active
    ]
    assert len([r for r in left if r["tenant_id"] == acme.id]) == 1


# Members


def test_the_list_finds_people_by_name_and_e_mail(acme, globex) -> None:
    admin = acme.visit("admin")
    assert "officer@acme.example" in admin.get("/members?q=OFFICER").text
    assert "officer@acme.example" not in admin.get("/members?q=guest").text
    for wildcard in ("%", "_", "\\"):
        page = admin.get("/members", query_string={"q": f"{wildcard}@"}).text
        assert "officer@acme.example" not in page
    assert "globex.example" not in admin.get("/members?q=globex").text


def test_the_list_finds_people_by_state(acme) -> None:
    admin = acme.visit("admin")
    admin.post(f"/members/{acme['guest'].id}/deactivate")
    for state, has_guest, has_officer in (
        ("deactivated", True, False),
        ("active", False, True),
        ("", True, True),
        ("nonsense", True, True),
    ):
        page = admin.get("/members", query_string={"q": "acme.example", "state": state}).text
        assert ("guest@acme.example" in page, "officer@acme.example" in page) == (
            has_guest,
            has_officer,
        )
    page = admin.get("/members?q=officer&state=deactivated").text
    assert "No member has “officer” in name or e-mail and is deactivated." in page


def test_deactivation_and_reactivation(acme) -> None:
    admin = acme.visit("admin")
    assert deactivate(admin, acme, "member").status_code == 302
    assert deactivate(admin, acme, "member").status_code == 409
    assert admin.post(f"/members/{acme['member'].id}/reactivate").status_code == 302
    assert admin.post(f"/members/{acme['member'].id}/reactivate").status_code == 409
    assert [action for action, _ in acme.told()] == ["member.deactivated", "member.reactivated"]


def test_a_name_is_corrected_everywhere_and_its_owner_is_told(acme, globex) -> None:
    admin, member = acme.visit("admin"), acme["member"]
    path = f"/members/{member.id}/rename"
    assert admin.submit(path, name="  Mia Chen-Lundqvist ").status_code == 302
    assert admin.submit(path, name="Mia Chen-Lundqvist").status_code == 302, "nothing to tell"
    [entry] = acme.log()
    assert (entry["action"], entry["target"]) == ("member.renamed", f"user:{member.id}")
    assert entry["detail"] == {"name_before": member.name, "name": "Mia Chen-Lundqvist"}
    [kept] = [row for row in acme.portal.rows("audit_entry") if row["id"] == entry["id"]]
    assert kept["told"] == {}, "names lie beside the entry, where they can be erased"
    mail = acme.mails()[-1]
    assert (mail["to"], mail["subject"]) == (member.email, "Your name was changed")
    assert f"Name until now: {member.name}" in mail["txt"]
    assert "Mia Chen-Lundqvist" in admin.get("/members").text

    for wrong in ("", " ", "two\nlines", "x" * 201):
        assert admin.post(path, {"name": wrong}).status_code in (400, 422), wrong
    assert acme.visit("officer").post(path, {"name": "Nobody"}).status_code == 403
    assert admin.post(f"/members/{acme['admin'].id}/rename", {"name": "Me"}).status_code == 403
    assert globex.visit("admin").post(path, {"name": "Theirs"}).status_code == 404
    deactivate(admin, acme, "member")
    assert admin.post(path, {"name": "Somebody again"}).status_code == 409


def test_a_factor_is_reset_once(acme) -> None:
    path = f"/members/{acme['member'].id}/reset-factors"
    admin = acme.visit("admin")
    assert admin.submit(path).status_code == 302
    assert admin.post(path).status_code == 409
    assert acme.told() == [("factor.reset", "success")]


def test_the_page_of_roles_is_made_from_the_table_that_decides(acme) -> None:
    page = acme.visit("admin").get("/roles").text
    for role in BUILT_IN.values():
        assert role.name in page
    for permission in Permission:
        assert permission.sentence.split(",")[0].replace("'", "&#39;") in page


def test_an_admin_reads_no_documents(acme) -> None:
    admin = acme.visit("admin")
    for path in ("/documents", f"/documents/{acme.documents['note']}", "/documents/trash",
                 f"/documents/{acme.documents['note']}/download"):  # fmt: skip
        assert admin.get(path).status_code == 403
