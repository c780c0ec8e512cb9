"""Groups in a table of people: by the rules of adding somebody by hand, told line by line."""

from uuid import UUID

import pytest

from portal.access.models import Group
from portal.auth.sso.models import IdentityProvider
from tests.access.asked import want_two
from tests.access.groups import teams
from tests.access.own_roles import give, made
from tests.auth.test_member_import import people, refused, send
from tests.conftest import on_sqlite
from tests.installation import Organisation

pytestmark = on_sqlite

COLUMNS = "name,email,role,groups\n"


def line(groups: str, role: str = "member") -> str:
    return f"{COLUMNS}X,x@acme.example,{role},{groups}\n"


def id_of(organisation: Organisation, email: str) -> UUID:
    rows = organisation.portal.rows("user_account")
    return next(row["id"] for row in rows if row["email"] == email)


def test_people_come_into_the_groups_that_their_line_names(acme) -> None:
    finance, press = teams.make(acme, "Finance"), teams.make(acme, "Press")
    table = COLUMNS + "X,x@acme.example,member, finance ;PRESS\nY,y@acme.example,member,\n"
    preview = send(acme.visit("admin"), table)
    assert "2 people to invite" in preview.text
    assert "finance, PRESS" in preview.text
    assert teams.inside(acme, finance) == set()
    assert send(acme.visit("admin"), table, sure=True).status_code == 200
    x = id_of(acme, "x@acme.example")
    assert teams.inside(acme, finance) == teams.inside(acme, press) == {x}
    ways = [e["detail"]["way"] for e in teams.told(acme, "group.member-added")]
    assert ways == ["import", "import"]


def feed(organisation: Organisation, name: str) -> None:
    """A group that a provider fills."""
    with organisation.bound(writes=True) as session:
        provider = session.query(IdentityProvider).first()
        session.add(Group(name=name, name_key=name.lower(), provider_id=provider.id, claim="g"))


def test_a_fault_in_a_group_is_told_by_its_line_and_nobody_is_invited(acme) -> None:
    feed(acme, "Fed")
    teams.make(acme, "Finance")
    before, admin = people(acme), acme.visit("admin")
    for groups, fault in {
        "Finance;Nowhere": "no group “Nowhere”",
        "Fed": "An identity provider decides",
        ";".join(["Finance"] * 21): "At most 20 groups",
    }.items():
        page = send(admin, line(groups))
        assert "1 of 1 line" in page.text
        assert fault in page.text
        answer = send(admin, line(groups), sure=True)
        assert answer.status_code == 400
        assert "Line 2" in answer.text
    assert people(acme) == before


@pytest.mark.parametrize("columns", ["name,email,role,groups,groups", "name,email,groups"])
def test_columns_are_named_once_each(acme, columns) -> None:
    assert send(acme.visit("admin"), f"{columns}\nX,x@acme.example,member,a,b").status_code == 400


def test_nobody_puts_people_where_they_could_not_by_hand(acme) -> None:
    """Into a group that gives what they can't give, or that they are in themselves."""
    strong, own = teams.make(acme, "Strong"), teams.make(acme, "Own")
    assert teams.give(acme, strong, "admin").status_code == 302
    teams.add(acme, own, "guest")
    inviter = made(acme, "member:invite", "role:assign", "group:edit", name="Inviter")
    give(acme, "guest", inviter)
    before, visitor = people(acme), acme.visit("guest")
    for name, told in {"Strong": "Strong: You are not allowed", "Own": "Own: Nobody"}.items():
        assert told in send(visitor, line(name)).text
        already = len(refused(acme))
        assert send(visitor, line(name), sure=True).status_code == 403
        assert len(refused(acme)) == already + 1
    assert people(acme) == before


def test_what_nobody_may_hold_together_is_not_imported_together(acme) -> None:
    group = teams.make(acme, "Watchers")
    teams.give(acme, group, "auditor")
    before, admin = people(acme), acme.visit("admin")
    assert "Admin and Auditor at the same time" in send(admin, line("Watchers", "admin")).text
    assert send(admin, line("Watchers", "admin"), sure=True).status_code == 409
    assert people(acme) == before
    assert len(refused(acme)) == 1


def test_a_group_that_takes_two_people_waits_and_its_link_is_not_shown(acme) -> None:
    group = teams.make(acme, "Strong")
    teams.give(acme, group, "admin")
    want_two(acme, "grant-admin")
    answer = send(acme.visit("admin"), line("Strong"), sure=True)
    assert answer.status_code == 200
    assert "/auth/invitations/" not in answer.text
    assert teams.inside(acme, group) == set()
    assert [e["detail"]["way"] for e in teams.told(acme, "act.asked")] == ["import"]
