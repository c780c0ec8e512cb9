"""Groups that a provider fills: who is in them follows from its word, and from nothing else."""

from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from tests.access.groups.teams import add, give, inside, make, told
from tests.auth.sso.joined import Joined
from tests.harness.statements import statements
from tests.installation import Organisation


def feed(
    at: Joined, group: UUID, claim: str = "staff", who: str = "admin", provider: str | None = None
) -> TestResponse:
    form = {"provider": at.id if provider is None else provider, "claim": claim}
    return at.organisation.visit(who).post(f"/groups/{group}/source", form)


def mia(organisation: Organisation) -> UUID:
    rows = organisation.portal.rows("user_account")
    return next(row["id"] for row in rows if row["email"] == "mia@acme.example")


def link(at: Joined, who: str, account: str = "mia") -> None:
    """Somebody links the account that they have at the provider."""
    visitor = at.organisation.visit(who)
    answer = at.come_back(visitor, visitor.post("/sso/link", {"provider": at.id}), account)
    assert answer.status_code == 302


@pytest.fixture
def staff(acme, at_acme: Joined) -> UUID:
    """A group that the provider fills, with a role on a folder."""
    group = make(acme, "Staff")
    assert feed(at_acme, group).status_code == 302
    assert give(acme, group, "guest", folder=acme.folders["shared"]).status_code == 302
    return group


def test_people_come_in_and_go_as_the_provider_says_when_they_sign_in(
    acme, at_acme: Joined, staff
) -> None:
    at_acme.provider.change_account("mia", groups=["others", "staff"])
    at_acme.sign_in()
    assert inside(acme, staff) == {mia(acme)}
    [added] = told(acme, "group.member-added")
    detail = {"person": str(mia(acme)), "way": "claim", "provider": at_acme.id}
    assert (added["target"], added["detail"]) == (f"group:{staff}", detail)
    at_acme.provider.change_account("mia", groups=["Staff"])
    at_acme.sign_in()
    assert inside(acme, staff) == set(), "it is compared letter by letter"
    [removed] = told(acme, "group.member-removed")
    assert removed["detail"] == detail
    at_acme.provider.change_account("mia", groups="staff")
    at_acme.sign_in()
    assert inside(acme, staff) == {mia(acme)}


def test_it_gives_what_the_group_holds(acme, at_acme: Joined, staff) -> None:
    link(at_acme, "officer")
    page = f"/documents/folders/{acme.folders['shared']}"
    assert acme.visit("officer").get(page).status_code == 403
    at_acme.sign_in()
    assert acme.visit("officer").get(page).status_code == 200
    at_acme.provider.change_account("mia", groups=[])
    at_acme.sign_in()
    assert acme.visit("officer").get(page).status_code == 403


def test_a_sign_in_by_which_nothing_changes_locks_nothing(acme, at_acme: Joined, staff) -> None:
    at_acme.sign_in()
    before = len(acme.log())
    with statements() as sent:
        at_acme.sign_in()
    assert [text for text in sent if "pg_advisory" in text] == []
    assert [row["action"] for row in acme.log()[before:] if "group" in row["action"]] == []


def test_nobody_is_added_or_removed_by_hand(acme, at_acme: Joined, staff) -> None:
    at_acme.sign_in()
    assert add(acme, staff, "member").status_code == 409
    answer = acme.visit("admin").post(f"/groups/{staff}/people/{mia(acme)}/remove")
    assert answer.status_code == 409
    assert inside(acme, staff) == {mia(acme)}
    page = acme.visit("admin").get(f"/groups/{staff}").text
    assert "Login, with those whom it calls “staff”" in page
    assert "Add people" not in page
    assert "/remove" not in page.partition('id="people"')[2].partition("</table>")[0]


def test_another_source_empties_the_group_and_is_recorded(acme, at_acme: Joined) -> None:
    group = make(acme)
    give(acme, group, "guest", folder=acme.folders["shared"])
    add(acme, group, "member", "guest")
    page = acme.visit("admin").get(f"/groups/{group}/source").text
    assert "2 people leave it" in page
    assert feed(at_acme, group).status_code == 302
    assert inside(acme, group) == set()
    assert {row["detail"]["way"] for row in told(acme, "group.member-removed")} == {"feed"}
    changed = {"provider": at_acme.id, "claim": "staff"}
    assert told(acme, "group.changed")[-1]["detail"] == changed
    at_acme.sign_in()
    assert inside(acme, group) == {mia(acme)}
    assert feed(at_acme, group, "", provider="").status_code == 302
    assert inside(acme, group) == set()
    assert told(acme, "group.changed")[-1]["detail"] == {"provider": None, "claim": None}
    assert add(acme, group, "member").status_code == 302
    at_acme.sign_in()
    assert inside(acme, group) == {acme["member"].id}


def test_a_claim_fills_one_group_and_has_to_be_one(acme, globex, at_acme, at_globex) -> None:
    group, other = make(acme), make(acme, "Other")
    assert feed(at_acme, group).status_code == 302
    assert feed(at_acme, other).status_code == 409
    for claim in ("", "  ", "two\nlines", "x" * 201):
        assert feed(at_acme, other, claim).status_code in (400, 422), claim
    assert feed(at_acme, other, "x", provider=at_globex.id).status_code == 422
    assert feed(at_acme, other, "x", who="member").status_code == 403
    at_acme.change(groups_claim="")
    assert feed(at_acme, other, "x").status_code == 409


# Rights


def test_whoever_decides_about_it_does_not_come_in_by_it(acme, at_acme: Joined) -> None:
    """V2. Neither who has the claim fill the group, nor who gives it a role."""
    group = make(acme, "Staff")
    feed(at_acme, group)
    link(at_acme, "admin")
    at_acme.sign_in()
    assert inside(acme, group) == set()
    [refused] = told(acme, "group.member-refused")
    assert refused["outcome"] == "refused"
    assert refused["detail"] == {
        "person": str(acme["admin"].id),
        "provider": at_acme.id,
        "reason": "own-decision",
    }
    assert feed(at_acme, group, "", provider="").status_code == 302
    assert feed(at_acme, group, who="second_admin").status_code == 302
    give(acme, group, "member", who="admin")
    at_acme.sign_in()
    assert inside(acme, group) == set()


def test_who_is_in_it_does_not_change_whose_word_is_taken(acme, at_acme: Joined) -> None:
    group = make(acme, "Staff", who="second_admin")
    feed(at_acme, group, who="second_admin")
    link(at_acme, "admin")
    at_acme.sign_in()
    assert inside(acme, group) == {acme["admin"].id}
    assert feed(at_acme, group, "others").status_code == 403
    assert feed(at_acme, group, "", provider="").status_code == 403
    assert at_acme.change(groups_claim="departments").status_code == 403
    assert at_acme.change(issuer="http://127.0.0.1:9/other").status_code == 403
    assert at_acme.change(name="Renamed").status_code == 302
    assert inside(acme, group) == {acme["admin"].id}


def test_whose_word_is_taken_is_answered_for_by_who_changes_it(acme, at_acme: Joined) -> None:
    """Another admin had chosen a claim that does not name the group; this one makes it do so."""
    group = make(acme, "Staff", who="second_admin")
    feed(at_acme, group, "otp", who="second_admin")
    link(at_acme, "admin")
    at_acme.sign_in()
    assert told(acme, "group.member-refused") == []
    assert at_acme.change(groups_claim="amr").status_code == 302
    at_acme.sign_in()
    assert inside(acme, group) == set()
    assert len(told(acme, "group.member-refused")) == 1


def test_a_group_brings_nobody_roles_that_watch_each_other(acme, at_acme: Joined) -> None:
    group = make(acme, "Watchers")
    feed(at_acme, group)
    give(acme, group, "auditor")
    link(at_acme, "second_admin")
    assert at_acme.sign_in().status_code == 302
    assert inside(acme, group) == set()
    [refused] = told(acme, "group.member-refused")
    assert refused["detail"]["reason"] == "exclusive"


def test_what_goes_makes_room_for_what_comes(acme, at_acme: Joined) -> None:
    """From a group of auditors to a role as an admin, and back, each in one sign-in."""
    group = make(acme, "Watchers")
    feed(at_acme, group, "watchers")
    give(acme, group, "auditor")
    at_acme.change(group_roles="boss = Admin")
    at_acme.provider.change_account("mia", groups=["watchers"])
    at_acme.sign_in()
    assert inside(acme, group) == {mia(acme)}
    for groups, expected in ((["boss"], set()), (["watchers"], {mia(acme)})):
        at_acme.provider.change_account("mia", groups=groups)
        at_acme.sign_in()
        assert inside(acme, group) == expected, groups
    assert told(acme, "group.member-refused") == told(acme, "role.refused") == []


# What ends


def test_with_the_provider_go_the_people_and_not_the_group(acme, at_acme: Joined, staff) -> None:
    at_acme.sign_in()
    admin = acme.visit("admin")
    page = admin.get(f"/sso/{at_acme.id}/delete").text
    assert "Staff: 1 person" in page
    before = len(acme.log())
    assert admin.post(f"/sso/{at_acme.id}/delete").status_code == 302
    assert inside(acme, staff) == set()
    assert "People, by hand" in admin.get(f"/groups/{staff}").text
    actions = [row["action"] for row in acme.log()[before:]]
    assert actions.count("group.member-removed") == actions.count("group.changed") == 1
    assert add(acme, staff, "member").status_code == 302


def test_with_the_link_goes_the_person(acme, at_acme: Joined, staff) -> None:
    other = make(acme, "By hand")
    add(acme, other, "officer")
    link(at_acme, "officer")
    at_acme.sign_in()
    assert inside(acme, staff) == {acme["officer"].id}
    [own] = [
        row["id"]
        for row in acme.portal.rows("external_identity")
        if row["user_id"] == acme["officer"].id and str(row["provider_id"]) == at_acme.id
    ]
    assert acme.visit("officer").post(f"/sso/links/{own}/remove").status_code == 302
    assert inside(acme, staff) == set()
    assert inside(acme, other) == {acme["officer"].id}


def test_the_other_organisation_sees_nothing_of_it(acme, globex, at_acme, at_globex, staff) -> None:
    theirs = make(globex, "Staff")
    assert feed(at_globex, theirs).status_code == 302
    at_acme.sign_in()
    assert inside(acme, staff) == {mia(acme)}
    assert inside(globex, theirs) == set()
