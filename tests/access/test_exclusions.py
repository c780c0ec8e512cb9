"""Separation of duties: the pairs that nobody holds together, by whatever way it is tried."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from portal.access.exclusive import ExclusiveRoles, check_exclusive, list_exclusive_pairs
from portal.access.holders import get_group_holder
from portal.access.permissions import BUILT_IN, EXCLUSIVE, OVERSIGHT, POWER
from portal.access.roles import find_live_role
from portal.access.service import Way, grant_role
from portal.audit.actor import OPERATOR
from tests.access.own_roles import READS, change, give, given, group_with, made
from tests.conftest import on_sqlite
from tests.installation import Organisation


def forbid(organisation: Organisation, first: str, second: str, by: str = "admin"):
    form = {"first": first, "second": second}
    return organisation.visit(by).post("/roles/exclusive/add", form)


def pairs(organisation: Organisation) -> set[tuple[str, str]]:
    rows = organisation.portal.rows("exclusive_role_pair")
    return {
        (row["first_role"], row["second_role"])
        for row in rows
        if row["tenant_id"] == organisation.id and row["id"] != organisation.pairs["own"]
    }


def test_the_built_in_pairs_are_what_the_rule_says_of_built_in_roles() -> None:
    watching, powerful = (
        {role.key for role in BUILT_IN.values() if role.permissions & permissions}
        for permissions in (OVERSIGHT, POWER)
    )
    assert {frozenset({one, other}) for one in watching for other in powerful} == EXCLUSIVE


def test_a_pair_is_chosen_and_holds_by_the_page(acme, globex) -> None:
    key = made(acme, *READS)
    assert forbid(acme, key, "member").status_code == 302
    [entry] = [e for e in acme.log() if e["action"] == "exclusion.added"]
    assert entry["detail"] == {"roles": sorted([key, "member"])}
    assert entry["target"].startswith("exclusion:")
    assert "Librarian" in acme.visit("officer").get("/roles/exclusive").text
    answer = give(acme, "member", key)
    assert answer.status_code == 409
    assert "Nobody can be Librarian and Member at the same time" in answer.text
    assert acme["member"].name in answer.text
    refused = acme.log()[-1]
    assert refused["outcome"] == "refused"
    assert refused["detail"] == {
        "role": key,
        "conflicts_with": "member",
        "person": str(acme["member"].id),
        "group": None,
    }
    assert given(acme, "member") == {("member", None)}
    assert "Librarian" not in globex.visit("admin").get("/roles/exclusive").text


@pytest.mark.parametrize("reverse", [False, True])
def test_a_pair_is_chosen_once(acme, reverse) -> None:
    key = made(acme, *READS)
    assert forbid(acme, key, "guest").status_code == 302
    assert forbid(acme, *(("guest", key) if reverse else (key, "guest"))).status_code == 409
    assert len(pairs(acme)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("member", "member"), ("", "member"), ("member", "nonsense"), ("admin", "auditor")],
)
def test_some_pairs_make_no_sense(acme, first, second) -> None:
    assert forbid(acme, first, second).status_code in (400, 409, 422)
    assert pairs(acme) == set()


@pytest.mark.parametrize("through_group", [False, True])
def test_it_is_not_chosen_while_somebody_holds_both_and_they_are_named(acme, through_group) -> None:
    key = made(acme, *READS)
    if through_group:
        group_with(acme, "member", role=key)
    else:
        give(acme, "member", key)
    answer = forbid(acme, key, "member")
    assert answer.status_code == 409
    assert f"{acme['member'].name} is both Librarian and Member" in answer.text
    assert pairs(acme) == set()


def test_only_who_may_edit_roles_chooses_or_removes(acme) -> None:
    key = made(acme, *READS)
    for who in ("member", "officer", "auditor", "guest"):
        assert forbid(acme, key, "member", by=who).status_code == 403
        path = f"/roles/exclusive/{acme.pairs['own']}/remove"
        assert acme.visit(who).post(path).status_code == 403
    assert pairs(acme) == set()


def test_a_pair_is_removed_after_a_question(acme) -> None:
    path = f"/roles/exclusive/{acme.pairs['own']}/remove"
    admin, key = acme.visit("admin"), acme.roles["archivist"]
    assert give(acme, "auditor", key).status_code == 409
    assert "Archivist" in admin.get(path).text
    assert admin.submit(path).status_code == 302
    assert acme.log()[-1]["action"] == "exclusion.removed"
    assert acme.log()[-1]["detail"] == {"roles": sorted([key, "auditor"])}
    assert admin.post(path).status_code == 404
    assert give(acme, "auditor", key).status_code == 302


# By whatever way


def test_through_a_group_it_is_the_same_and_the_group_is_named(acme) -> None:
    key = made(acme, *READS)
    forbid(acme, key, "member")
    group_with(acme, "officer", role=key)
    answer = give(acme, "officer", "member")
    assert answer.status_code == 409
    assert "Librarian comes through the group “Finance”" in answer.text


def test_a_group_is_not_given_what_one_of_its_people_can_not_hold(acme) -> None:
    key = made(acme, *READS)
    forbid(acme, key, "member")
    group = group_with(acme, "officer", "member")
    with acme.bound(writes=True) as session:
        with pytest.raises(ExclusiveRoles, match="at the same time") as refusal:
            grant_role(OPERATOR, get_group_holder(group), find_live_role(key), way=Way.PAGE)
        assert acme["member"].name in str(refusal.value)
        session.rollback()


def test_whoever_is_put_into_a_group_is_checked_alike(acme) -> None:
    key = made(acme, *READS)
    forbid(acme, key, "member")
    with acme.bound():
        check_exclusive(OPERATOR, {acme["officer"].id}, {key}, "group:x")
        check_exclusive(OPERATOR, {acme["officer"].id, acme["guest"].id}, {key, "guest"}, "group:x")
        for roles in ({key}, {key, "guest"}, {"member", key}):
            with pytest.raises(ExclusiveRoles):
                check_exclusive(OPERATOR, {acme["officer"].id, acme["member"].id}, roles, "group:x")
        with pytest.raises(ExclusiveRoles):
            check_exclusive(OPERATOR, {acme["officer"].id}, {key, "member"}, "group:x")


def test_an_invitation_and_the_command_line_are_no_way_round(acme) -> None:
    key = made(acme, "audit:read")
    # A first role can't conflict; so what is invited holds one, and the operator is held as well.
    with acme.bound(writes=True) as session:
        user = group_with(acme, "second_admin")
        with pytest.raises(ExclusiveRoles):
            grant_role(OPERATOR, get_group_holder(user), find_live_role(key), way=Way.CLI)
        session.rollback()


# What roles of the tenant's own allow


def test_a_copy_of_auditor_is_as_far_from_an_admin_as_auditor(acme) -> None:
    key = made(acme, "audit:read", "document:read")
    answer = give(acme, "second_admin", key)
    assert answer.status_code == 409
    assert "Admin and Librarian" in answer.text
    assert acme.visit("second_admin").get("/audit").status_code == 403
    assert give(acme, "member", key).status_code == 302


def test_power_in_a_role_of_ones_own_is_kept_from_officers(acme) -> None:
    key = made(acme, "role:assign", "member:read")
    assert give(acme, "officer", key).status_code == 409
    assert give(acme, "member", key).status_code == 302
    with acme.bound():
        assert frozenset({key, "auditor"}) in list_exclusive_pairs()
    other = made(acme, "document:read", name="Other")
    assert give(acme, "officer", other).status_code == 302
    answer = change(acme.visit("admin"), other, "group:edit", name="Other")
    assert answer.status_code == 409
    assert acme["officer"].name in answer.text


# In parallel


@pytest.mark.parametrize("attempt", range(3))
def test_of_choosing_a_pair_and_giving_its_second_role_one_happens(acme, attempt) -> None:
    key = made(acme, *READS)
    start = Barrier(2)

    def act(which: str) -> int:
        start.wait()
        if which == "forbid":
            return forbid(acme, key, "member").status_code
        return give(acme, "member", key, by="second_admin").status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(act, ["forbid", "give"]))
    assert statuses == [302, 409]
    holds = (key, None) in given(acme, "member")
    assert holds != bool(pairs(acme))


@on_sqlite
def test_many_who_hold_both_are_counted(acme) -> None:
    key = made(acme, *READS)
    group_with(acme, "admin", "member", "officer", "auditor", "guest", "invited", role=key)
    group_with(
        acme, "admin", "member", "officer", "auditor", "guest", "invited",
        role="member", name="Others",
    )  # fmt: skip
    answer = forbid(acme, key, "member")
    assert answer.status_code == 409
    assert re.search(r"and 1 more are both Librarian and Member", answer.text)
