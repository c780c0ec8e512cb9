"""Who is in a group holds what it was given, is put there by others, and only by who may."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest

from portal.access.decision import Forbidden, Grant, Member
from portal.access.groups import members, service
from portal.access.groups.rules import find_group
from portal.access.locking import lock_access
from portal.access.permissions import MANAGEMENT, Permission
from portal.access.service import Way
from portal.audit.actor import OPERATOR
from portal.core import clock
from tests.access import own_roles
from tests.access.groups.teams import add, delete, give, held_by, inside, make, remove, told
from tests.access.waiting import locks_waited_for, wait_until
from tests.conftest import on_postgresql
from tests.installation import LOG, Organisation


def test_who_is_added_holds_what_the_group_holds_at_once_and_until_removed(acme) -> None:
    group, member = make(acme), acme.visit("member")
    assert give(acme, group, "auditor").status_code == 302
    assert member.get("/audit").status_code == 403
    assert add(acme, group, "member").status_code == 302
    assert member.get("/audit").status_code == 200
    assert remove(acme, group, "member").status_code == 302
    assert member.get("/audit").status_code == 403


def test_a_role_on_a_folder_holds_on_that_folder_and_ends_with_the_role(acme) -> None:
    group, shared = make(acme), acme.folders["shared"]
    add(acme, group, "officer")
    officer, page = acme.visit("officer"), f"/documents/folders/{shared}"
    assert officer.get(page).status_code == 403
    assert give(acme, group, "guest", folder=shared).status_code == 302
    assert officer.get(page).status_code == 200
    assert officer.get(f"/documents/folders/{acme.folders['closed']}").status_code == 403
    [given] = [r for r in acme.portal.rows("role_assignment") if r["group_id"] == group]
    admin, path = acme.visit("admin"), f"/groups/{group}/roles/{given['id']}/remove"
    assert "Guest" in admin.get(path).text
    assert admin.submit(path).status_code == 302
    assert officer.get(page).status_code == 403


def test_a_role_is_given_to_a_group_for_a_while(portal, acme) -> None:
    group, officer = make(acme), acme.visit("officer")
    shared = acme.folders["shared"]
    add(acme, group, "officer")
    assert give(acme, group, "guest", folder=shared, until="2100-01-31").status_code == 302
    page = f"/documents/folders/{shared}"
    assert officer.get(page).status_code == 200
    [given] = [r["id"] for r in portal.rows("role_assignment") if r["group_id"] == group]
    admin, path = acme.visit("admin"), f"/groups/{group}/roles/{given}/end"
    assert "2100-01-31" in admin.get(f"/groups/{group}").text
    assert admin.post(path, {"until": "2100-02-28", "reason": "longer"}).status_code == 302
    assert "2100-02-28" in admin.get(f"/groups/{group}").text
    portal.execute(
        "UPDATE role_assignment SET expires_at = '2000-01-01' WHERE role = 'guest'", acme
    )
    assert officer.get(page).status_code == 403
    assert add(acme, group, "admin", who="second_admin").status_code == 302
    assert admin.post(path, {"until": ""}).status_code == 403


def test_each_act_is_one_entry_that_names_who_which_and_how(acme) -> None:
    group = make(acme)
    add(acme, group, "member", "guest")
    remove(acme, group, "guest")
    member, guest = (str(acme[who].id) for who in ("member", "guest"))
    [made] = told(acme, "group.created")
    assert made["target"] == f"group:{group}"
    assert made["detail"] == {"name": "Finance", "sentence": "For us."}
    added = told(acme, "group.member-added")
    assert {row["target"] for row in added} == {f"group:{group}"}
    assert {row["actor_id"] for row in added} == {acme["admin"].id}
    assert sorted((row["detail"]["person"], row["detail"]["way"]) for row in added) == sorted(
        [(member, "page"), (guest, "page")]
    )
    [removed] = told(acme, "group.member-removed")
    assert removed["detail"] == {"person": guest, "way": "page"}


def test_people_are_found_by_name_and_e_mail_and_several_are_added_at_once(acme) -> None:
    group, admin = make(acme), acme.visit("admin")
    add(acme, group, "auditor")
    page = admin.get(f"/groups/{group}/people/add?q=auditor@acme").text
    assert "In the group" in page
    assert 'type="checkbox"' not in page
    page = admin.get(f"/groups/{group}/people/add?q=Member%20Acme").text
    assert str(acme["member"].id) in page
    assert str(acme["officer"].id) not in page
    assert add(acme, group, "member", "auditor", "officer").status_code == 302
    assert inside(acme, group) == {acme[who].id for who in ("member", "auditor", "officer")}
    assert add(acme, group, "member").status_code == 409
    assert acme.visit("admin").post(f"/groups/{group}/people/add").status_code == 422


def test_whoever_can_not_sign_in_may_be_in_a_group_and_holds_it_when_they_can(acme) -> None:
    group = make(acme)
    give(acme, group, "auditor")
    assert add(acme, group, "deactivated", "invited").status_code == 302
    assert len(inside(acme, group)) == 2
    assert acme.visit("admin").post(f"/members/{acme['deactivated'].id}/reactivate").location


def test_of_strangers_nobody_is_added(portal, acme, globex) -> None:
    group = make(acme)
    for stranger in (globex["member"].id, uuid4()):
        form = {"people": [str(acme["member"].id), str(stranger)]}
        answer = acme.visit("admin").post(f"/groups/{group}/people/add", form)
        assert answer.status_code == 404
    form = {"people": ["no id at all"]}
    assert acme.visit("admin").post(f"/groups/{group}/people/add", form).status_code == 422
    assert inside(acme, group) == set()


def test_a_group_has_a_name_of_its_own(acme, globex) -> None:
    make(acme, "Straße")
    admin = acme.visit("admin")
    for name in ("STRASSE", " strasse ", "straße"):
        assert admin.post("/groups/new", {"name": name}).status_code == 409, name
    for name in ("", "   ", "x" * 61, "ß" * 31, "hid\u202eden"):
        assert admin.post("/groups/new", {"name": name}).status_code in (400, 422), name
    make(globex, "Strasse")
    other = make(acme, "Other")
    renamed = {"name": "Strasse", "sentence": ""}
    assert admin.post(f"/groups/{other}/edit", renamed).status_code == 409
    assert admin.post(f"/groups/{other}/edit", {"name": "OTHER"}).status_code == 302
    assert told(acme, "group.changed")[-1]["detail"]["name"] == "OTHER"


# Nobody widens their own rights


def test_nobody_adds_or_removes_themselves(acme) -> None:
    group = make(acme)
    assert add(acme, group, "admin").status_code == 403
    assert add(acme, group, "admin", "member").status_code == 403
    assert inside(acme, group) == set()
    assert add(acme, group, "admin", who="second_admin").status_code == 302
    assert remove(acme, group, "admin").status_code == 403
    assert inside(acme, group) == {acme["admin"].id}


def test_nobody_changes_a_group_that_they_are_in(portal, acme) -> None:
    group = make(acme)
    give(acme, group, "member")
    add(acme, group, "admin", "guest", who="second_admin")
    [given] = [r["id"] for r in portal.rows("role_assignment") if r["group_id"] == group]
    before = (portal.rows("group_membership"), portal.rows("role_assignment"))
    admin = acme.visit("admin")
    assert add(acme, group, "officer").status_code == 403
    assert remove(acme, group, "guest").status_code == 403
    assert give(acme, group, "auditor").status_code == 403
    assert admin.post(f"/groups/{group}/roles/{given}/remove").status_code == 403
    assert delete(acme, group).status_code == 403
    source = {"provider": str(acme.providers["nowhere"]), "claim": "staff"}
    assert admin.post(f"/groups/{group}/source", source).status_code in (403, 409)
    assert admin.post(f"/groups/{group}/edit", {"name": "Renamed"}).status_code == 403
    assert (portal.rows("group_membership"), portal.rows("role_assignment")) == before
    page = admin.get(f"/groups/{group}").text
    assert "You are in this group" in page
    for act in ("Add people", "Give role", "Rename<", "Delete<"):
        assert act not in page


def test_a_name_is_changed_only_by_who_may_let_people_in(acme) -> None:
    board = make(acme, "Board")
    give(acme, board, "admin")
    own_roles.give(acme, "guest", own_roles.made(acme, "group:edit", "member:read"))
    clerk = acme.visit("guest")
    assert clerk.post(f"/groups/{board}/edit", {"name": "Bored"}).status_code == 403
    assert "Rename<" not in clerk.get(f"/groups/{board}").text
    harmless = make(acme, "Chess", who="guest")
    assert clerk.post(f"/groups/{harmless}/edit", {"name": "Go"}).status_code == 302


@pytest.mark.parametrize("who", ["member", "guest", "auditor", "officer"])
def test_who_is_no_admin_decides_nothing_about_groups(portal, acme, who) -> None:
    group, before = acme.groups["crew"], portal.dump()
    for answer in (
        add(acme, group, "invited", who=who),
        remove(acme, group, "deactivated", who=who),
        give(acme, group, "member", who=who),
        delete(acme, group, who=who),
        acme.visit(who).post("/groups/new", {"name": "Own"}),
    ):
        assert answer.status_code == 403
    after = portal.dump()
    assert {n: r for n, r in after.items() if n not in LOG} == {
        n: r for n, r in before.items() if n not in LOG
    }


def partial(organisation: Organisation, *permissions: Permission) -> Member:
    """Somebody with a role of the tenant's own."""
    return Member(
        session_id=uuid4(),
        user_id=organisation["member"].id,
        name="Partial",
        email="p@acme.example",
        proved_at=clock.now(),
        grants=(Grant(frozenset(permissions)),),
    )


def test_who_may_not_give_a_role_lets_nobody_in_where_it_is_held_and_takes_nobody_out(
    acme,
) -> None:
    """V4. A group that holds Admin is as good as the role."""
    group = make(acme)
    give(acme, group, "admin")
    add(acme, group, "guest")
    user, guest = acme["auditor"].id, acme["guest"].id
    some = [Permission.GROUP_EDIT, Permission.MEMBER_READ]
    for actor in (
        partial(acme, *some),
        partial(acme, *some, Permission.ROLE_ASSIGN),
        partial(acme, *(MANAGEMENT - {Permission.ROLE_EDIT})),
    ):
        for act in (
            lambda who: members.add_to_group(who, group, [user]),
            lambda who: members.remove_from_group(who, group, guest),
            lambda who: service.delete_group(who, group),
        ):
            with acme.bound(writes=True) as session:
                with pytest.raises(Forbidden):
                    act(actor)
                session.rollback()
    assert inside(acme, group) == {guest}


def test_a_group_that_gives_nothing_takes_no_right_to_give_roles(acme) -> None:
    group = make(acme)
    with acme.bound(writes=True):
        actor = partial(acme, Permission.GROUP_EDIT)
        members.add_to_group(actor, group, [acme["guest"].id])
    assert inside(acme, group) == {acme["guest"].id}
    give(acme, group, "member")
    with acme.bound(writes=True) as session:
        with pytest.raises(Forbidden):
            members.remove_from_group(partial(acme, Permission.GROUP_EDIT), group, acme["guest"].id)
        session.rollback()


# Separation of duties


def test_a_group_brings_nobody_roles_that_watch_each_other(acme) -> None:
    watchers = make(acme, "Watchers")
    give(acme, watchers, "compliance-officer")
    answer = add(acme, watchers, "member", "second_admin")
    assert answer.status_code == 409
    assert "Second Admin Acme would be" in answer.text
    assert inside(acme, watchers) == set()
    assert add(acme, watchers, "member").status_code == 302
    form = {"role": "admin", "folder": "", "reason": ""}
    to_member = acme.visit("admin").post(f"/members/{acme['member'].id}/roles", form)
    assert to_member.status_code == 409
    rulers = make(acme, "Rulers")
    add(acme, rulers, "member")
    assert give(acme, rulers, "admin").status_code == 409
    assert held_by(acme, rulers) == set()


def at_once(*acts: object) -> list[int]:
    """The statuses of acts that all begin at the same moment."""
    start = Barrier(len(acts))

    def run(act: object) -> int:
        start.wait()
        return act().status_code

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_somebody_is_added_once_also_in_parallel(acme) -> None:
    group = make(acme)
    acts = [
        lambda who=who: add(acme, group, "member", who=who) for who in ("admin", "second_admin") * 2
    ]
    assert sorted(at_once(*acts)) == [302, 409, 409, 409]
    assert len(told(acme, "group.member-added")) == 1


@pytest.mark.parametrize("attempt", range(4))
def test_a_role_and_a_person_that_exclude_each_other_do_not_both_come_in_at_once(
    acme, attempt
) -> None:
    group = make(acme)
    add(acme, group, "guest")
    statuses = at_once(
        lambda: add(acme, group, "second_admin"),
        lambda: give(acme, group, "auditor"),
        lambda: add(acme, group, "invited"),
    )
    assert sorted(statuses[:2]) == [302, 409], statuses
    assert not (acme["second_admin"].id in inside(acme, group) and held_by(acme, group))


@on_postgresql
def test_who_was_just_put_into_a_group_gives_it_no_role(portal, acme) -> None:
    """The giver waits, and is asked about as of then."""
    group = make(acme)
    with ThreadPoolExecutor(1) as pool:
        with acme.bound(writes=True):
            lock_access()
            giving = pool.submit(give, acme, group, "member")
            wait_until(lambda: locks_waited_for(portal) == 1)
            members.put_in(OPERATOR, find_group(group), [acme["admin"].id], way=Way.CLI)
        assert giving.result().status_code == 403
    assert held_by(acme, group) == set()
