"""Whatever admins do about groups, one act after the other: nobody widens what they hold."""

from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access.permissions import EXCLUSIVE
from tests.access.groups.teams import add, delete, give, make, remove
from tests.conftest import on_sqlite
from tests.installation import Organisation

ACTORS = ("admin", "second_admin", "auditor")
PEOPLE = ("admin", "second_admin", "member", "officer", "invited")
GROUPS = ("first", "second")
ROLES = ("admin", "member", "auditor", "compliance-officer")

STEPS = st.lists(
    st.tuples(
        st.sampled_from(ACTORS),
        st.sampled_from(("add", "remove", "give", "take", "delete")),
        st.sampled_from(GROUPS),
        st.sampled_from(PEOPLE),
        st.sampled_from(ROLES),
    ),
    min_size=4,
    max_size=12,
)


def held(organisation: Organisation, who: str) -> set[tuple[str, UUID | None]]:
    """What somebody holds, read off the rows: role, and the group through which."""
    person, rows = organisation[who].id, organisation.portal.rows
    groups = {m["group_id"] for m in rows("group_membership") if m["user_id"] == person}
    return {
        (row["role"], row["group_id"])
        for row in rows("role_assignment")
        if row["user_id"] == person or row["group_id"] in groups
    }


def do(organisation: Organisation, groups: dict[str, UUID], step: tuple[str, ...]) -> None:
    who, act, name, person, role = step
    group = groups[name]
    if act == "add":
        add(organisation, group, person, who=who)
    elif act == "remove":
        remove(organisation, group, person, who=who)
    elif act == "give":
        give(organisation, group, role, who=who)
    elif act == "delete":
        delete(organisation, group, who=who)
    else:
        given = organisation.portal.rows("role_assignment")
        for assignment in [r["id"] for r in given if r["group_id"] == group]:
            organisation.visit(who).post(f"/groups/{group}/roles/{assignment}/remove")


def replayed(organisation: Organisation) -> tuple[set, set]:
    """Who was in which group, and what groups held, by nothing but the log."""
    inside, given = set(), {}
    for entry in organisation.log():
        target, detail = entry["target"], entry["detail"]
        if entry["outcome"] != "success" or not target.startswith("group:"):
            continue
        if entry["action"] == "group.member-added":
            inside.add((target, detail["person"]))
        elif entry["action"] == "group.member-removed":
            inside.remove((target, detail["person"]))
        elif entry["action"] == "role.assigned":
            given[detail["assignment"]] = (target, detail["role"])
        elif entry["action"] == "role.removed":
            del given[detail["assignment"]]
    return inside, set(given.values())


@on_sqlite
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_no_sequence_of_acts_widens_who_acts_or_brings_together_what_excludes(
    portal, acme, steps
) -> None:
    portal.reset()
    groups = {name: make(acme, name) for name in GROUPS}
    for step in steps:
        before = held(acme, step[0])
        do(acme, groups, step)
        assert held(acme, step[0]) == before, step
        for who in PEOPLE:
            roles = {role for role, _ in held(acme, who)}
            assert not [pair for pair in EXCLUSIVE if pair <= roles], (step, who)
    inside, given = replayed(acme)
    made = set(groups.values())
    rows = [row for row in portal.rows("group_membership") if row["group_id"] in made]
    assert inside == {(f"group:{row['group_id']}", str(row["user_id"])) for row in rows}
    rows = [row for row in portal.rows("role_assignment") if row["group_id"] in made]
    assert given == {(f"group:{row['group_id']}", row["role"]) for row in rows}
