"""Nobody comes to hold by a provider's word what they decided themselves."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from portal.core import clock as present_time
from tests.access.asked import roles_of
from tests.access.groups import teams
from tests.access.own_roles import change, give, made
from tests.auth.sso.joined import Joined
from tests.auth.sso.test_enforcing import break_glass, enforce
from tests.auth.sso.test_feeds import feed, link, mia
from tests.documents import sharers
from tests.installation import Organisation


def refused(organisation: Organisation, who: str) -> list[dict[str, Any]]:
    """Why roles by claim were refused to somebody."""
    target = f"user:{organisation[who].id}"
    told = [row for row in organisation.log() if row["action"] == "role.refused"]
    return [row["detail"] for row in told if row["target"] == target]


def own(role: str) -> dict[str, str]:
    return {"role": role, "reason": "own-decision"}


# A mapping of groups


def test_who_maps_a_group_does_not_get_its_role(acme, at_acme: Joined) -> None:
    assert at_acme.change(group_roles="staff = Member").status_code == 302
    link(at_acme, "admin")
    assert at_acme.sign_in().status_code == 302
    assert "member" not in roles_of(acme, "admin")
    assert refused(acme, "admin") == [own("member")]


def test_everybody_else_gets_it_also_by_another_line(acme, at_acme: Joined) -> None:
    key = made(acme, "access:read", name="Slim")
    at_acme.change(group_roles="staff = Member")
    link(at_acme, "second_admin")
    at_acme.sign_in()
    assert "member" in roles_of(acme, "second_admin")
    assert (
        at_acme.change("second_admin", group_roles="staff = Member\nteam = Slim").status_code == 302
    )
    at_acme.provider.change_account("mia", groups=["staff", "team"])
    at_acme.sign_in()
    assert "member" in roles_of(acme, "second_admin"), "another admin decided about this line"
    assert key not in roles_of(acme, "second_admin")
    assert refused(acme, "second_admin") == [own(key)]


def test_a_line_that_another_admin_writes_anew_is_theirs(acme, at_acme: Joined) -> None:
    at_acme.change(group_roles="staff = Member")
    link(at_acme, "admin")
    at_acme.change("second_admin", group_roles="")
    at_acme.change("second_admin", group_roles="staff = Member")
    at_acme.sign_in()
    assert "member" in roles_of(acme, "admin")


def test_nobody_keeps_a_role_by_a_line_of_their_own(acme, at_acme: Joined) -> None:
    at_acme.change(group_roles="staff = Member")
    link(at_acme, "second_admin")
    at_acme.sign_in()
    both = "staff = Member\nother = Member"
    assert at_acme.change("second_admin", group_roles=both).status_code == 302
    at_acme.provider.change_account("mia", groups=["other"])
    at_acme.sign_in()
    assert "member" not in roles_of(acme, "second_admin")
    assert refused(acme, "second_admin") == [own("member")]


@pytest.mark.parametrize("changed", [{"groups_claim": "amr"}, {"client_id": "other"}])
def test_who_changes_what_groups_are_decides_about_every_line(
    acme, at_acme: Joined, changed
) -> None:
    at_acme.change(group_roles="staff = Member\npwd = Member")
    link(at_acme, "second_admin")
    assert (
        at_acme.change(
            "second_admin", group_roles="staff = Member\npwd = Member", **changed
        ).status_code
        == 302
    )
    if "client_id" in changed:  # and back, to be able to sign in
        at_acme.change("second_admin", group_roles="staff = Member\npwd = Member")
        at_acme.test()
        at_acme.offer()
    at_acme.sign_in()
    assert "member" not in roles_of(acme, "second_admin")
    assert own("member") in refused(acme, "second_admin")


def test_what_is_held_by_hand_is_no_matter_of_groups(acme, at_acme: Joined) -> None:
    give(acme, "admin", "member", by="second_admin")
    at_acme.change(group_roles="staff = Member")
    link(at_acme, "admin")
    at_acme.sign_in()
    assert "member" in roles_of(acme, "admin")
    assert refused(acme, "admin") == []


def test_who_widens_a_role_does_not_get_it_by_a_group(acme, at_acme: Joined) -> None:
    key = made(acme, "access:read", name="Thin")
    assert at_acme.change("second_admin", group_roles="staff = Thin").status_code == 302
    wider = change(acme.visit("admin"), key, "access:read", "document:read", name="Thin")
    assert wider.status_code == 302
    link(at_acme, "admin")
    at_acme.sign_in()
    assert key not in roles_of(acme, "admin")
    assert refused(acme, "admin") == [own(key)]


def test_a_role_by_hand_that_has_ended_makes_room_for_the_groups(acme, at_acme: Joined) -> None:
    ended = present_time.now() - timedelta(days=1)
    sharers.give(acme, "second_admin", "member", expires_at=ended)
    at_acme.change(group_roles="staff = Member")
    link(at_acme, "second_admin")
    at_acme.sign_in()
    rows = acme.portal.rows("role_assignment")
    [held] = [r for r in rows if r["user_id"] == acme["second_admin"].id and r["role"] == "member"]
    assert (held["is_from_claim"], held["expires_at"]) == (True, None)


# Groups that a provider fills


@pytest.fixture
def thin(acme, at_acme: Joined) -> tuple[UUID, str]:
    """A group that another admin has the provider fill, and the role that they gave it."""
    group = teams.make(acme, "Staff", who="second_admin")
    key = made(acme, "access:read", name="Thin")
    feed(at_acme, group, who="second_admin")
    teams.give(acme, group, key, who="second_admin")
    link(at_acme, "admin")
    return group, key


def test_who_widens_the_role_of_a_fed_group_does_not_come_in(acme, at_acme: Joined, thin) -> None:
    group, key = thin
    wider = change(acme.visit("admin"), key, "access:read", "document:read", name="Thin")
    assert wider.status_code == 302
    at_acme.sign_in()
    assert teams.inside(acme, group) == set()
    assert teams.told(acme, "group.member-refused")[-1]["detail"]["reason"] == "own-decision"


def test_who_only_renames_the_role_comes_in(acme, at_acme: Joined, thin) -> None:
    group, key = thin
    assert change(acme.visit("admin"), key, "access:read", name="Slim").status_code == 302
    at_acme.sign_in()
    assert teams.inside(acme, group) == {acme["admin"].id}


def test_who_prolongs_what_a_fed_group_holds_does_not_come_in(acme, at_acme: Joined) -> None:
    group = teams.make(acme, "Staff", who="second_admin")
    feed(at_acme, group, who="second_admin")
    link(at_acme, "admin")
    ended = present_time.now() - timedelta(days=1)
    given = sharers.give(acme, group, "guest", "shared", group=True, expires_at=ended)
    page = f"/folders/{acme.folders['shared']}/shares/{given}/end"
    longer = acme.visit("admin").post(page, {"until": "", "reason": ""})
    assert longer.status_code == 302
    at_acme.sign_in()
    assert teams.inside(acme, group) == set()


# Who may change whose word is taken


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"groups_claim": "name"}, 403),
        ({"client_id": "other"}, 403),
        ({"allowed_domains": "acme.example\nevil.example"}, 403),
        ({"allowed_domains": "acme.example\nglobex.example", "name": "Renamed"}, 302),
        ({"groups_claim": "name", "group_roles": ""}, 302),
        ({"client_id": "other", "group_roles": "", "default_role": ""}, 302),
        ({"client_secret": "another"}, 302),
    ],
)
def test_only_who_hands_out_roles_changes_whose_word_gives_them(
    acme, at_acme: Joined, changed, status
) -> None:
    assert at_acme.change(group_roles="staff = Member").status_code == 302
    give(acme, "guest", made(acme, "sso:edit", name="Single"))
    settings = {"group_roles": "staff = Member"} | changed
    assert at_acme.change("guest", **settings).status_code == status


def test_after_breaking_the_glass_a_provider_is_mended_without_what_it_gives(
    acme, at_acme: Joined
) -> None:
    group = teams.make(acme, "Staff")
    feed(at_acme, group)
    teams.give(acme, group, "guest", folder=acme.folders["shared"])
    at_acme.change(group_roles="staff = Member")
    at_acme.sign_in()
    assert teams.inside(acme, group) == {mia(acme)}
    code, *_ = enforce(acme)
    visitor, page = break_glass(acme, code), f"/sso/{at_acme.id}/edit"
    mended = {
        "name": "Login", "issuer": at_acme.provider.issuer, "client_id": "other",
        "client_secret": "other", "allowed_domains": "acme.example", "default_role": "member",
        "groups_claim": "groups", "group_roles": "staff = Member",
    }  # fmt: skip
    assert "filled by it no more" in visitor.get(page).text
    answer = visitor.post(page, mended)
    assert answer.status_code == 403
    assert "leave the issuer" in answer.text
    assert teams.inside(acme, group) == {mia(acme)}
    bare = mended | {"default_role": "", "group_roles": ""}
    assert visitor.post(page, bare).status_code == 302
    assert teams.inside(acme, group) == set()
    assert "no more" not in acme.visit("admin").get(page).text
