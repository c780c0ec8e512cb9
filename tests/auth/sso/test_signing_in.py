"""Signing in by a real provider: who comes in as whom, with which roles and what left to prove."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from portal.access.models import RoleAssignment
from portal.auth.closing.models import Closing
from portal.core import clock
from tests.auth.sso.joined import Joined, leads_to
from tests.installation import Organisation


def reasons(organisation: Organisation) -> list[str]:
    """Why the log says that sign-ins were refused."""
    return [row["detail"]["reason"] for row in organisation.log() if "reason" in row["detail"]]


def people(organisation: Organisation, email: str = "mia@acme.example") -> list[dict]:
    rows = organisation.portal.rows("user_account")
    return [r for r in rows if r["email"] == email and r["tenant_id"] == organisation.id]


def roles_of(organisation: Organisation, email: str = "mia@acme.example") -> set[str]:
    [user] = people(organisation, email)
    rows = organisation.portal.rows("role_assignment")
    return {row["role"] for row in rows if row["user_id"] == user["id"]}


def link(at: Joined, who: str, account: str = "mia") -> None:
    """Somebody links the provider's account to their own."""
    visitor = at.organisation.visit(who)
    answer = at.come_back(visitor, visitor.post("/sso/link", {"provider": at.id}), account)
    assert answer.location == "/sso/links", answer.text


def test_a_newcomer_with_a_verified_email_becomes_a_member(acme, at_acme: Joined) -> None:
    visitor = acme.visit()
    answer = at_acme.sign_in(visitor, next="/documents")
    assert (answer.status_code, answer.location) == (302, "/auth/code?next=/documents")
    [user] = people(acme)
    assert (user["name"], user["state"]) == ("Mia", "active")
    told = [row["action"] for row in acme.log()][-4:]
    arrived = ["member.provisioned", "role.assigned", "identity.linked", "sign-in.sso-accepted"]
    assert told == arrived
    # The policy asks for a second factor, and the provider's word for one is not taken.
    assert visitor.get("/auth/code?next=/documents").location == "/auth/enrol?next=/documents"


def test_who_comes_again_is_the_same_person(acme, at_acme: Joined) -> None:
    at_acme.sign_in()
    at_acme.provider.change_account("mia", email="maria@acme.example", name="Maria")
    assert at_acme.sign_in().status_code == 302
    assert len(people(acme)) == 1
    assert people(acme, "maria@acme.example") == []


def test_the_providers_word_for_a_second_factor_counts_where_it_is_trusted(
    acme, at_acme: Joined
) -> None:
    at_acme.change(trusts_mfa="y")
    visitor = acme.visit()
    assert at_acme.sign_in(visitor, next="/documents").location == "/documents"
    assert visitor.get("/documents").status_code == 200
    assert acme.log()[-1]["detail"] == {"assurance": "sso+sso"}
    at_acme.provider.change_account("mia", amr=["pwd"])
    assert at_acme.sign_in().location == "/auth/code"


@pytest.mark.parametrize(
    ("claims", "settings", "reason"),
    [
        ({"email_verified": False}, {}, "email-unverified"),
        ({"email": "mia@evil.example"}, {}, "email-domain"),
        ({}, {"default_role": ""}, "unknown-person"),
        ({"email": "member@acme.example"}, {}, "not-linked"),
        ({"email": "deactivated@acme.example"}, {}, "not-linked"),
    ],
)
def test_no_account_is_made(portal, acme, at_acme: Joined, claims, settings, reason) -> None:
    if settings:
        at_acme.change(**settings)
    at_acme.provider.change_account("mia", **claims)
    visitor, before = acme.visit(), len(portal.rows("user_account"))
    answer = at_acme.sign_in(visitor)
    assert answer.status_code == 400
    assert "did not work" in answer.text
    assert reasons(acme) == [reason]
    assert len(portal.rows("user_account")) == before
    assert visitor.cookie("session") is None


def test_no_account_is_made_where_the_organisation_closes(portal, acme, at_acme: Joined) -> None:
    with acme.bound(writes=True) as session:
        until = clock.now() + timedelta(days=14)
        session.add(Closing(agreed_at=clock.now(), ends_at=until))
    before = len(portal.rows("user_account"))
    assert at_acme.sign_in().status_code == 400
    assert reasons(acme) == ["unknown-person"]
    assert len(portal.rows("user_account")) == before


def test_an_account_is_linked_by_its_owner_who_is_told(acme, at_acme: Joined) -> None:
    link(at_acme, "member")
    mail = acme.mails()[-1]
    assert (mail["to"], mail["subject"]) == (
        acme["member"].email,
        "A way to sign in to your account was added",
    )
    visitor = acme.visit()
    assert at_acme.sign_in(visitor).location == "/auth/code"  # a factor of one's own is asked for
    visitor.submit("/auth/code", code=acme["member"].code)
    assert "Member Acme" in visitor.get("/account").text
    assert acme.log()[-1]["detail"] == {"assurance": "sso+totp"}


def test_an_account_at_the_provider_is_nobody_elses(acme, at_acme: Joined) -> None:
    link(at_acme, "member")
    visitor = acme.visit("admin")
    answer = at_acme.come_back(visitor, visitor.post("/sso/link", {"provider": at_acme.id}))
    assert answer.status_code == 400
    assert reasons(acme) == ["linked-elsewhere"]


def test_who_is_deactivated_stays_out(acme, at_acme: Joined) -> None:
    link(at_acme, "member")
    acme.visit("admin").post(f"/members/{acme['member'].id}/deactivate")
    visitor = acme.visit()
    assert at_acme.sign_in(visitor).status_code == 400
    assert visitor.cookie("session") is None
    assert reasons(acme)[-1] == "deactivated"


def test_only_somebody_who_is_let_in_by_the_provider_comes_in(acme, at_acme: Joined) -> None:
    assert at_acme.sign_in(account="nobody").status_code == 400
    assert reasons(acme) == ["provider-refused"]


def test_groups_give_roles_and_take_them_away(acme, at_acme: Joined) -> None:
    at_acme.change(group_roles="staff = Auditor\nleads = Compliance officer\nboss = Admin")
    at_acme.sign_in()
    assert roles_of(acme) == {"member", "auditor"}
    at_acme.provider.change_account("mia", groups=["leads"])
    at_acme.sign_in()
    assert roles_of(acme) == {"member", "compliance-officer"}
    at_acme.provider.change_account("mia", groups=["boss", "leads", "unheard of"])
    at_acme.sign_in()
    assert roles_of(acme) == {"member", "compliance-officer"}, "an officer is no admin besides"
    [refused] = [row for row in acme.log() if row["action"] == "role.refused"]
    assert refused["detail"] == {"role": "admin", "reason": "exclusive"}
    at_acme.provider.change_account("mia", groups=[])
    at_acme.sign_in()
    assert roles_of(acme) == {"member"}, "what was given by hand stays"


def test_the_last_admin_is_never_lost_to_a_claim(acme, at_acme: Joined) -> None:
    at_acme.change(group_roles="boss = Admin")
    at_acme.provider.change_account("mia", groups=["boss"])
    at_acme.sign_in()
    with acme.bound(writes=True) as session:
        [mia] = people(acme)
        session.query(RoleAssignment).filter(
            RoleAssignment.role == "admin", RoleAssignment.user_id != mia["id"]
        ).delete()
    at_acme.provider.change_account("mia", groups=[])
    assert at_acme.sign_in().status_code == 302
    assert "admin" in roles_of(acme)
    assert reasons(acme)[-1] == "last-admin"


def test_an_invitation_is_accepted_with_a_providers_account(acme, at_acme: Joined) -> None:
    at_acme.provider.change_account("mia", email="elsewhere@private.example")
    token, visitor = acme["invited"].invitation.rpartition("/")[2], acme.visit()
    assert "Continue with Login" in visitor.get(f"/auth/invitations/{token}").text
    answer = at_acme.sign_in(visitor, invitation=token)
    assert (answer.status_code, answer.location) == (302, "/auth/code")
    [user] = people(acme, acme["invited"].email)
    assert user["state"] == "active"
    assert at_acme.sign_in().status_code == 302
    assert at_acme.sign_in(acme.visit(), invitation=token).status_code == 404


def test_two_organisations_sign_in_by_two_providers_at_once(
    acme, globex, at_acme: Joined, at_globex: Joined
) -> None:
    there, here = acme.visit(), globex.visit()
    to_acme, to_globex = at_acme.begin(there), at_globex.begin(here)
    assert leads_to(to_acme).startswith(at_acme.provider.issuer)
    assert leads_to(to_globex).startswith(at_globex.provider.issuer)
    at_globex.provider.change_account("mia", email="mia@globex.example")
    assert at_globex.come_back(here, to_globex).status_code == 302
    assert at_acme.come_back(there, to_acme).status_code == 302
    assert len(people(acme)) == len(people(globex, "mia@globex.example")) == 1


def test_an_answer_for_one_organisation_is_none_for_another(
    acme, globex, at_acme: Joined, at_globex: Joined
) -> None:
    """Also with both cookies, as a browser that has both organisations open sends its own."""
    there, here = acme.visit(), globex.visit()
    begun = at_acme.begin(there)
    at_globex.begin(here)
    back = at_acme.way_back(at_acme.provider.sign_in(leads_to(begun), "mia"))
    assert here.get(back).status_code == 400
    assert reasons(globex) == ["state-differs"]
    here.take("sso", there.cookie("sso"))
    assert here.get(back).status_code == 400
    assert here.cookie("session") is None
    assert there.get(back).status_code == 302


def test_an_answer_works_once_and_in_its_own_browser(acme, at_acme: Joined) -> None:
    visitor, other = acme.visit(), acme.visit()
    back = at_acme.way_back(at_acme.provider.sign_in(leads_to(at_acme.begin(visitor)), "mia"))
    assert other.get(back).status_code == 400
    assert visitor.get(back.replace("state=", "state=x")).status_code == 400
    assert visitor.get(back).status_code == 400, "a wrong answer has used it up"
    at_acme.sign_in(visitor)
    token = visitor.cookie("sso")
    assert token is None


def test_of_two_who_come_back_at_once_one_is_let_in(acme, at_acme: Joined) -> None:
    visitor = acme.visit()
    back = at_acme.way_back(at_acme.provider.sign_in(leads_to(at_acme.begin(visitor)), "mia"))
    cookie, start, statuses = visitor.cookie("sso"), Barrier(4), []

    def come_back() -> None:
        browser = acme.visit()
        browser.take("sso", cookie)
        start.wait()
        statuses.append(browser.get(back).status_code)

    threads = [Thread(target=come_back) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 400, 400, 400]


def test_new_keys_of_the_provider_need_no_restart(acme, at_acme: Joined) -> None:
    assert at_acme.sign_in().status_code == 302
    at_acme.provider.rotate_keys()
    assert at_acme.sign_in().status_code == 302
