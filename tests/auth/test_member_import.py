"""Many people invited from a table: looked at first, then all of them or nobody."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.audit.actor import Actor
from portal.auth import member_import
from portal.auth.invitations import Invited, invite_member
from portal.core.errors import Invalid
from tests.access.own_roles import give, made
from tests.access.test_history import admin_of
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.installation import Organisation

GOOD = "name,email,role\nAda Lane,ada@acme.example,Member\nBo Hill,bo@acme.example,auditor\n"


def send(visitor: Visitor, table: str, *, sure: bool = False) -> object:
    return visitor.post("/members/import", {"table": table, "sure": "yes" if sure else ""})


def people(organisation: Organisation) -> int:
    rows = organisation.portal.rows("user_account")
    return len([row for row in rows if row["tenant_id"] == organisation.id])


def test_the_preview_says_what_it_would_do_and_does_nothing(acme) -> None:
    before = people(acme)
    answer = send(acme.visit("admin"), GOOD)
    assert answer.status_code == 200
    assert "2 people to invite" in answer.text
    assert people(acme) == before
    assert acme.told() == []


def test_everybody_is_invited_with_a_link_each(acme) -> None:
    before = people(acme)
    answer = send(acme.visit("admin"), GOOD, sure=True)
    assert answer.text.count("/auth/invitations/") == 2
    assert people(acme) == before + 2
    assert {"ada@acme.example", "bo@acme.example"} <= {mail["to"] for mail in acme.mails()}
    assert {e["detail"]["way"] for e in acme.log() if e["action"] == "role.assigned"} == {"import"}


FAULTS = {
    "x,not-an-e-mail,member": "not an e-mail",
    ",x@acme.example,member": "visible",
    "X,member@acme.example,member": "a member with this e-mail",
    "X,ADA@acme.example,member": "same e-mail as in line 2",
    "X,x@acme.example,emperor": "no role",
    "X,x@acme.example,": "role is missing",
    "X,x@acme.example,guest": "only be given on a folder",
    "X,x@acme.example,member,more": "more columns",
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_fault_is_told_by_its_line_and_nobody_is_invited(acme, line) -> None:
    before = people(acme)
    admin = acme.visit("admin")
    page = send(admin, GOOD + line + "\n").text
    assert "1 of 3 lines" in page
    assert FAULTS[line] in page
    assert "Invite all" not in page
    answer = send(admin, GOOD + line + "\n", sure=True)
    assert answer.status_code == 400
    assert "Line 4" in answer.text
    assert people(acme) == before


@pytest.mark.parametrize(
    "table", ["x", "name,email\nA,a@acme.example", "name,email,role\n", 'name,email,role\n"A']
)
def test_what_is_no_table_of_people_is_refused(acme, table) -> None:
    assert send(acme.visit("admin"), table).status_code == 400


def test_there_is_an_end_to_many(acme) -> None:
    lines = (f"P{n},p{n}@acme.example,member" for n in range(member_import.MAX_LINES + 1))
    assert send(acme.visit("admin"), "name,email,role\n" + "\n".join(lines)).status_code == 400


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_spreadsheets_part_columns_otherwise(acme, delimiter) -> None:
    table = "\ufeff" + GOOD.replace(",", delimiter).replace("\n", "\r\n")
    assert "2 people to invite" in send(acme.visit("admin"), table).text


@pytest.mark.parametrize("who", ["member", "guest", "auditor", "officer"])
def test_only_those_who_invite_import(acme, who) -> None:
    before = people(acme)
    assert send(acme.visit(who), GOOD, sure=True).status_code == 403
    assert people(acme) == before


def test_the_same_e_mail_is_free_in_another_tenant(acme, globex) -> None:
    send(acme.visit("admin"), GOOD, sure=True)
    assert "2 people to invite" in send(globex.visit("admin"), GOOD).text


@on_sqlite
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300) | st.text(alphabet='name,email,role\n"; \t@.x', max_size=200))
def test_no_text_is_an_error_of_ours(acme, text) -> None:
    with acme.bound():
        try:
            lines = member_import.read_people(admin_of(acme), text)
        except Invalid:
            return
        assert all(line.number > 1 for line in lines)


def refused(organisation: Organisation) -> list[tuple[str, str]]:
    return [told for told in organisation.told() if told[1] == "refused"]


def test_a_role_that_is_not_ones_own_to_give_is_refused_and_recorded(acme) -> None:
    """As it is when somebody is invited alone."""
    give(acme, "guest", made(acme, "member:invite", "role:assign", name="Inviter"))
    before, visitor = people(acme), acme.visit("guest")
    table = "name,email,role\nAda,ada@acme.example,member\nX,x@acme.example,admin\n"
    page = send(visitor, table)
    assert "You may not give the role Admin." in page.text
    assert refused(acme) == [], "it was looked at only"
    answer = send(visitor, table, sure=True)
    assert answer.status_code == 403
    assert "Line 3: You may not give the role Admin." in answer.text
    assert people(acme) == before
    assert refused(acme) == [("access.refused", "refused")]


def test_a_refusal_on_the_way_is_recorded_with_its_line_told(acme, monkeypatch) -> None:
    """The right was there when the table was read, and is gone at its second line."""
    before = people(acme)

    def one_right_less(actor: Actor, *given: Any, **named: Any) -> Invited:
        if given[0] == "bo@acme.example":
            actor = replace(actor, grants=())
        return invite_member(actor, *given, **named)

    monkeypatch.setattr(member_import, "invite_member", one_right_less)
    answer = send(acme.visit("admin"), GOOD, sure=True)
    assert answer.status_code == 403
    assert "Line 3: You are not allowed" in answer.text
    assert people(acme) == before
    assert acme.told() == [("access.refused", "refused")]
