"""Roles that follow from a provider's word go with the provider, or with the link to it."""

from uuid import UUID

import pytest

from portal.access.models import RoleAssignment
from portal.auth.sso.models import ExternalIdentity
from portal.core.ids import new_id
from portal.users.models import User, UserState
from tests.auth.sso.joined import Joined
from tests.auth.sso.test_signing_in import link, people, reasons, roles_of
from tests.browsing import Visitor
from tests.harness.statements import statements
from tests.installation import NOWHERE, Organisation


@pytest.fixture
def mapped(at_acme: Joined) -> Joined:
    """Mia has come by the provider, whose word makes her an auditor besides a member."""
    at_acme.change(group_roles="staff = Auditor\nboss = Admin", trusts_mfa="y")
    at_acme.sign_in()
    assert roles_of(at_acme.organisation) == {"member", "auditor"}
    return at_acme


def delete(at: Joined, visitor: Visitor | None = None) -> None:
    visitor = visitor or at.organisation.visit("admin")
    assert visitor.post(f"/sso/{at.id}/delete").status_code == 302


def taken(organisation: Organisation) -> list[str]:
    """The roles that the log says were taken away by claim."""
    return [
        row["detail"]["role"]
        for row in organisation.log()
        if row["action"] == "role.removed" and row["detail"]["way"] == "claim"
    ]


def claim(organisation: Organisation, who: str, role: str) -> None:
    """Somebody holds a role by claim."""
    with organisation.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=organisation[who].id, role=role, is_from_claim=True))


def test_roles_by_claim_go_with_the_provider(acme, mapped: Joined) -> None:
    page = acme.visit("admin").get(f"/sso/{mapped.id}/delete").text
    assert "1 person loses 1 role" in page
    delete(mapped)
    assert roles_of(acme) == {"member"}, "what was given by hand stays"
    assert taken(acme) == ["auditor"]
    assert acme.log()[-1]["action"] == "provider.deleted"


def test_it_says_nothing_of_roles_where_none_is_lost(acme, at_acme: Joined) -> None:
    link(at_acme, "member")
    assert "lose" not in acme.visit("admin").get(f"/sso/{at_acme.id}/delete").text
    delete(at_acme)
    assert taken(acme) == []


def test_who_is_linked_to_another_provider_alone_keeps_theirs(acme, globex, mapped: Joined) -> None:
    for organisation in (acme, globex):
        claim(organisation, "member", "auditor")
    delete(mapped)
    assert roles_of(acme, acme["member"].email) == {"member", "auditor"}
    assert roles_of(globex, globex["member"].email) == {"member", "auditor"}


def test_the_last_admin_stays_one_when_the_provider_is_deleted(acme, mapped: Joined) -> None:
    mapped.provider.change_account("mia", groups=["boss", "staff"])
    mia = mapped.inside()
    mapped.provider.change_account("mia", groups=["boss"])
    mapped.sign_in()
    [user] = people(acme)
    with acme.bound(writes=True) as session:
        session.query(RoleAssignment).filter(
            RoleAssignment.role == "admin", RoleAssignment.user_id != user["id"]
        ).delete()
    delete(mapped, mia)
    assert roles_of(acme) == {"member", "admin"}
    assert reasons(acme)[-1] == "last-admin"


def test_of_two_admins_by_claim_one_stays(acme, mapped: Joined) -> None:
    mapped.provider.change_account("mia", groups=["boss"])
    mapped.sign_in()
    mia = mapped.inside()
    mapped.provider.change_account("mia", groups=[])
    claim(acme, "member", "admin")
    [user] = people(acme)
    with acme.bound(writes=True) as session:
        session.query(ExternalIdentity).filter_by(user_id=acme["member"].id).update(
            {"provider_id": UUID(mapped.id)}
        )
        session.query(RoleAssignment).filter(
            RoleAssignment.role == "admin", RoleAssignment.is_from_claim.is_(False)
        ).delete()
    assert "2 people lose 2 roles" in mia.get(f"/sso/{mapped.id}/delete").text
    delete(mapped, mia)
    rows = [row for row in acme.portal.rows("role_assignment") if row["tenant_id"] == acme.id]
    admins = {row["user_id"] for row in rows if row["role"] == "admin"}
    assert len(admins) == 1
    assert admins < {user["id"], acme["member"].id}


def test_roles_by_claim_go_with_the_link(acme, at_acme: Joined) -> None:
    at_acme.change(group_roles="staff = Auditor", trusts_mfa="y")
    link(at_acme, "member")
    visitor = at_acme.inside()
    assert roles_of(acme, acme["member"].email) == {"member", "auditor"}
    own = next(
        row["id"]
        for row in acme.portal.rows("external_identity")
        if row["user_id"] == acme["member"].id and row["issuer"] == at_acme.provider.issuer
    )
    page = visitor.get(f"/sso/links/{own}/remove")
    assert (page.status_code, "Auditor" in page.text) == (200, True)
    assert "auditor" in roles_of(acme, acme["member"].email), "a question changes nothing"
    assert visitor.get("/audit").status_code == 200
    assert visitor.post(f"/sso/links/{own}/remove").location == "/sso/links"
    assert roles_of(acme, acme["member"].email) == {"member"}
    assert visitor.get("/audit").status_code == 403
    assert taken(acme) == ["auditor"]
    assert acme.log()[-2]["action"] == "identity.unlinked"
    mail = acme.mails()[-1]
    assert (mail["to"], mail["subject"]) == (
        acme["member"].email,
        "A way to sign in to your account was removed",
    )


def test_nobody_parts_another_from_a_provider(acme, mapped: Joined) -> None:
    [mias] = [
        row["id"]
        for row in acme.portal.rows("external_identity")
        if row["issuer"] == mapped.provider.issuer
    ]
    for method in ("GET", "POST"):
        member = acme.visit("member")
        answer = member.open(
            f"/sso/links/{mias}/remove", method, headers={"X-CSRFToken": member.csrf_token}
        )
        assert answer.status_code == 404
    assert roles_of(acme) == {"member", "auditor"}


def linked(organisation: Organisation, count: int) -> None:
    """More people who are linked to the provider that nobody can reach."""
    with organisation.bound(writes=True) as session:
        for number in range(count):
            user = User(
                id=new_id(),
                email=f"linked-{number}@acme.example",
                name="Linked",
                state=UserState.ACTIVE,
            )
            session.add(user)
            session.flush()
            session.add(
                ExternalIdentity(
                    user_id=user.id,
                    provider_id=organisation.providers["nowhere"],
                    issuer=NOWHERE,
                    subject=user.email,
                )
            )


def test_who_loses_nothing_by_a_deletion_costs_no_statement(acme) -> None:
    linked(acme, 40)
    admin = acme.visit("admin")
    with statements() as sent:
        assert admin.post(f"/sso/{acme.providers['nowhere']}/delete").status_code == 302
    assert len(sent) < 30
