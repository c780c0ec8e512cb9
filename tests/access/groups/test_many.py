"""Groups of many people: found by pages, in as many statements as small ones."""

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.queries import MANY
from portal.core.ids import new_id
from portal.users.models import User
from tests.access.groups.teams import add, give, make, told
from tests.flows.test_statements import count_of
from tests.harness.statements import statements
from tests.installation import Organisation


def fill(organisation: Organisation, group: object, count: int, kind: str = "Crowd") -> None:
    with organisation.bound(writes=True) as session:
        people = [
            User(id=new_id(), email=f"{new_id()}@crowd.example", name=f"{kind} {n:05}")
            for n in range(count)
        ]
        session.add_all(people)
        session.flush()
        session.add_all(GroupMembership(group_id=group, user_id=person.id) for person in people)


def more_groups(organisation: Organisation, count: int) -> None:
    with organisation.bound(writes=True) as session:
        for n in range(count):
            group = Group(id=new_id(), name=f"Team {n:03}", name_key=f"team {n:03}")
            session.add(group)
            session.flush()
            session.add(RoleAssignment(group_id=group.id, role="auditor"))
            member = organisation["member"].id
            session.add(GroupMembership(group_id=group.id, user_id=member))


def test_people_and_groups_are_shown_by_pages(acme) -> None:
    group, admin = make(acme), acme.visit("admin")
    fill(acme, group, 120)
    page = admin.get(f"/groups/{group}").text
    assert "120 in all" in page
    assert "Crowd 00049" in page
    assert "Crowd 00050" not in page
    assert "Crowd 00119" in admin.get(f"/groups/{group}?page=3").text
    found = admin.get(f"/groups/{group}?q=crowd%200007").text
    assert "10 with" in found
    more_groups(acme, 60)
    assert "Team 059" not in admin.get("/groups").text
    assert "Team 059" in admin.get("/groups?page=2").text
    assert "Team 059" in admin.get("/groups?q=TEAM%20059").text
    assert admin.get("/groups?page=0").status_code == 200
    assert "No group found" in admin.get("/groups?q=%25").text


def test_more_people_and_groups_take_no_more_statements(acme) -> None:
    group, admin = make(acme), acme.visit("admin")
    give(acme, group, "auditor")
    member = acme["member"].id
    paths = ("/groups", f"/groups/{group}", f"/groups/{group}/people/add", f"/members/{member}")
    paths += (f"/groups/{group}/delete", f"/groups/{group}/source", "/account")

    def counts() -> dict[str, int]:
        found = {path: count_of(admin, path) for path in paths}
        return found | {"own": count_of(acme.visit("member"), "/account")}

    fill(acme, group, 3)
    more_groups(acme, 3)
    few = counts()
    fill(acme, group, 70)
    fill(acme, acme.groups["crew"], 5)
    assert counts() == few
    assert max(few.values()) <= 14, few


def test_adding_many_takes_as_many_statements_as_adding_few(acme) -> None:
    group, other = make(acme), make(acme, "Other")
    for each in (group, other):
        give(acme, each, "auditor")
    fill(acme, acme.groups["crew"], 60)
    rows = [r for r in acme.portal.rows("user_account") if r["name"].startswith("Crowd")]
    admin = acme.visit("admin")

    def adding(to: object, people: list[dict]) -> int:
        form = {"people": [str(person["id"]) for person in people]}
        with statements() as sent:
            assert admin.post(f"/groups/{to}/people/add", form).status_code == 302
        return len(sent)

    assert adding(group, rows[:2]) == adding(other, rows)
    assert len(told(acme, "group.member-added")) == 2 + len(rows)


def test_one_of_very_many_people_is_enough_to_refuse_a_role(acme) -> None:
    """However they are looked up: there are more than fit into a statement."""
    group = make(acme)
    fill(acme, group, MANY + 50)
    add(acme, group, "second_admin")
    answer = give(acme, group, "auditor")
    assert answer.status_code == 409
    assert "Second Admin Acme would be" in answer.text
    assert give(acme, group, "member").status_code == 302
