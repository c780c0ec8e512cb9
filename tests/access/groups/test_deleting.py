"""A group that is deleted takes all that it gave along, and the log tells of each loss."""

from tests.access.groups.teams import add, delete, give, held_by, inside, make, told


def test_the_question_says_how_many_people_lose_which_roles(acme) -> None:
    group, admin = make(acme), acme.visit("admin")
    assert "nobody loses anything" in admin.get(f"/groups/{group}/delete").text
    give(acme, group, "auditor")
    give(acme, group, "guest", folder=acme.folders["shared"])
    assert "Nobody is in it" in admin.get(f"/groups/{group}/delete").text
    add(acme, group, "member", "guest")
    page = admin.get(f"/groups/{group}/delete").text
    assert "2 people in it lose" in page
    assert "Auditor" in page
    assert "Guest, on one folder" in page
    assert inside(acme, group)


def test_with_the_group_goes_what_it_gave(portal, acme) -> None:
    group, member = make(acme), acme.visit("member")
    give(acme, group, "auditor")
    give(acme, group, "guest", folder=acme.folders["shared"])
    add(acme, group, "member", "guest")
    assert member.get("/audit").status_code == 200
    given = {str(r["id"]) for r in portal.rows("role_assignment") if r["group_id"] == group}
    answer = acme.visit("admin").submit(f"/groups/{group}/delete")
    assert answer.location == "/groups"
    assert member.get("/audit").status_code == 403
    assert (inside(acme, group), held_by(acme, group)) == (set(), set())
    assert acme.visit("admin").get(f"/groups/{group}").status_code == 404
    removed, taken = told(acme, "group.member-removed"), told(acme, "role.removed")
    assert {row["detail"]["person"] for row in removed} == {
        str(acme[who].id) for who in ("member", "guest")
    }
    assert {row["detail"]["assignment"] for row in taken} == given
    assert {row["detail"]["way"] for row in [*removed, *taken]} == {"deletion"}
    assert {row["target"] for row in [*removed, *taken]} == {f"group:{group}"}
    [gone] = told(acme, "group.deleted")
    assert gone["detail"]["name"] == "Finance"


def test_its_name_is_free_again_and_it_is_deleted_once(acme) -> None:
    group = make(acme)
    assert delete(acme, group).status_code == 302
    assert delete(acme, group).status_code == 404
    assert make(acme) != group


def test_the_other_groups_stay(acme, globex) -> None:
    group = make(acme)
    add(acme, group, "member")
    delete(acme, group)
    assert inside(acme, acme.groups["crew"]) == {acme["deactivated"].id}
    assert inside(globex, globex.groups["crew"]) == {globex["deactivated"].id}


def test_the_log_calls_a_group_by_its_name_while_it_has_one(acme) -> None:
    group, officer = make(acme, "Kassenwarte"), acme.visit("officer")
    add(acme, group, "member")
    assert "Kassenwarte" in officer.get("/audit?target=group").text
    [added] = told(acme, "group.member-added")
    page = officer.get(f"/audit/{added['id']}").text
    assert "Kassenwarte" in page
    assert acme["member"].name in page
    delete(acme, group)
    page = officer.get("/audit?target=group&action=group.member-added").text
    assert "Kassenwarte" not in page
    assert str(group)[:8] in page
