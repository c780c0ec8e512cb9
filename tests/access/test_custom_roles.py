"""A tenant's own roles: made, changed, brought back, by whom, and what they can't be."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from portal.access.permissions import BUILT_IN, MANAGEMENT, Permission
from tests.access.own_roles import (
    READS,
    change,
    give,
    given,
    group_with,
    made,
    make,
    retire,
    role_form,
    version_of,
)
from tests.installation import Organisation

MANAGES = ("member:read", "role:edit", "role:assign")


def own_roles(organisation: Organisation) -> dict[str, dict]:
    rows = organisation.portal.rows("custom_role")
    return {row["key"]: row for row in rows if row["tenant_id"] == organisation.id}


def half_admin(organisation: Organisation, who: str, *permissions: str) -> str:
    """Have somebody hold nothing but a role with these permissions; gives its key."""
    key = made(organisation, *permissions, name="Half an admin")
    member = organisation[who].id
    literal = f"'{member.hex}'" if organisation.portal.name == "sqlite" else f"'{member}'"
    organisation.portal.execute(
        f"DELETE FROM role_assignment WHERE user_id = {literal}", organisation
    )
    assert give(organisation, who, key).status_code == 302
    return key


# Made


def test_a_role_is_made_given_and_holds(acme, globex) -> None:
    member = acme.visit("guest")
    assert member.get("/members").status_code == 403
    key = made(acme, "member:read", "policy:read")
    assert acme.log()[-1]["detail"] == {
        "key": key,
        "name": "Librarian",
        "sentence": "Looks after it.",
        "permissions": ["member:read", "policy:read"],
        "is_scoped": False,
    }
    assert (acme.log()[-1]["action"], acme.log()[-1]["target"]) == ("role.created", f"role:{key}")
    assert member.get("/members").status_code == 403
    assert give(acme, "guest", key).status_code == 302
    assert member.get("/members").status_code == 200
    assert "Librarian" in member.get("/members").text
    assert "Librarian" not in globex.visit("admin").get("/roles").text
    assert globex.visit("admin").get(f"/roles/{key}").status_code == 404


def test_a_copy_begins_with_what_the_other_allows(acme) -> None:
    page = acme.visit("admin").get("/roles/new?copy=guest").text
    assert "Guest (copy)" in page
    assert 'value="document:read" id="permissions-document-read"\n           checked' in page
    assert page.count("checked") == 2  # that, and that it is for folders
    assert acme.visit("admin").get("/roles/new?copy=nonsense").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["admin", " ADMIN ", "Compliance  Officer", "\uff21dmin", "archivist", "compliance-officer"],
)
def test_a_name_is_another_one_than_every_live_role_has(acme, name) -> None:
    before = own_roles(acme)
    assert make(acme.visit("admin"), *READS, name=name).status_code == 409
    assert own_roles(acme) == before


@pytest.mark.parametrize(
    ("permissions", "more"),
    [
        ((), {}),
        (READS, {"name": "a = b"}),
        (READS, {"name": "a\u202eb"}),
        (READS, {"name": " "}),
        (READS, {"sentence": ""}),
        (READS, {"name": "x" * 61}),
        (("document:burn",), {}),
        (("member:read",), {"is_scoped": "y"}),
        (("audit:read",), {"is_scoped": "y"}),
        (("review:run",), {"is_scoped": "y"}),
        (("audit:read", "role:assign"), {}),
        (("audit:read", "group:edit"), {}),
    ],
)
def test_some_roles_can_not_be(acme, permissions, more) -> None:
    before = own_roles(acme)
    assert make(acme.visit("admin"), *permissions, **more).status_code in (400, 422)
    assert own_roles(acme) == before
    assert acme.told() == []


def test_a_role_for_folders_is_given_on_folders_alone(acme) -> None:
    key = made(acme, *READS, is_scoped="y")
    assert give(acme, "officer", key).status_code == 400
    assert give(acme, "officer", key, "shared").status_code == 302
    officer = acme.visit("officer")
    assert officer.get(f"/documents/folders/{acme.folders['shared']}").status_code == 200
    assert officer.get(f"/documents/folders/{acme.folders['closed']}").status_code == 403


@pytest.mark.parametrize("permission", ["member:read", "audit:read", "review:run"])
def test_what_concerns_everybody_is_not_given_on_a_folder(acme, permission) -> None:
    key = made(acme, permission)
    assert give(acme, "guest", key, "shared").status_code == 400


@pytest.mark.parametrize("who", ["member", "guest", "officer", "auditor"])
def test_only_who_may_edit_roles_does(acme, who) -> None:
    visitor, key, before = acme.visit(who), acme.roles["archivist"], own_roles(acme)
    assert make(visitor, *READS).status_code == 403
    for path, form in (
        ("change", role_form(*READS)),
        ("retire", {"successor": "", "assignments": "0"}),
        ("restore", {}),
    ):
        assert visitor.post(f"/roles/{key}/{path}", form).status_code == 403
    assert own_roles(acme) == before


# Never more than one's own


def test_nobody_puts_management_into_a_role_that_they_lack(acme) -> None:
    """V4."""
    half_admin(acme, "member", *MANAGES)
    member = acme.visit("member")
    assert make(member, "member:reset").status_code == 403
    page = member.get("/roles/new").text
    assert page.count("can’t put it into a role") == len(MANAGEMENT - set(MANAGES))
    answer = make(member, "member:read", "document:delete")
    assert answer.status_code == 302
    key = answer.location.rpartition("/")[2]
    assert change(member, key, "member:read", "sso:edit").status_code == 403
    assert own_roles(acme)[key]["permissions"] in (
        ["document:delete", "member:read"],
        '["document:delete", "member:read"]',
    )
    assert acme.told()[-1] == ("access.refused", "refused")


def test_nobody_changes_or_retires_a_role_with_management_that_they_lack(acme) -> None:
    key = made(acme, "member:reset", name="Helper")
    half_admin(acme, "member", *MANAGES)
    member = acme.visit("member")
    assert member.get(f"/roles/{key}/edit").status_code == 403
    assert member.post(f"/roles/{key}/change", role_form(*READS)).status_code == 403
    form = {"successor": "", "assignments": "0"}
    assert member.post(f"/roles/{key}/retire", form).status_code == 403
    assert retire(acme.visit("admin"), key).status_code == 302
    assert member.post(f"/roles/{key}/restore").status_code == 403


def test_what_a_role_allows_is_changed_by_who_may_assign_roles(acme) -> None:
    key = made(acme, *READS)
    half_admin(acme, "member", "role:edit", "member:read")
    member = acme.visit("member")
    assert change(member, key, *READS, name="Bookworm").status_code == 302
    assert change(member, key, "document:edit").status_code == 403
    assert give(acme, "guest", key).status_code == 302
    assert retire(member, key).status_code == 403


@pytest.mark.parametrize("through_group", [False, True])
def test_nobody_changes_or_retires_a_role_they_hold(acme, through_group) -> None:
    key = made(acme, *READS)
    if through_group:
        group_with(acme, "admin", role=key)
    else:
        assert give(acme, "admin", key, by="second_admin").status_code == 302
    admin, before = acme.visit("admin"), own_roles(acme)
    assert admin.get(f"/roles/{key}/edit").status_code == 403
    assert admin.post(f"/roles/{key}/change", role_form("document:edit")).status_code == 403
    assert "have this role yourself" in admin.post(f"/roles/{key}/retire").text
    assert own_roles(acme) == before
    page = admin.get(f"/roles/{key}").text
    assert f"/roles/{key}/edit" not in page
    assert "You have this role yourself" in page
    assert change(acme.visit("second_admin"), key, "document:edit").status_code == 302


@pytest.mark.parametrize("key", sorted(BUILT_IN))
def test_a_built_in_role_stays_as_it_is(acme, key) -> None:
    admin = acme.visit("second_admin")
    for path in ("edit", "preview", "retire"):
        assert admin.get(f"/roles/{key}/{path}").status_code == 404
    for path in ("change", "retire", "restore"):
        assert admin.post(f"/roles/{key}/{path}", role_form(*READS)).status_code == 404


# Changed


def test_a_change_holds_from_the_next_click(acme) -> None:
    key = made(acme, "member:read")
    give(acme, "guest", key)
    guest = acme.visit("guest")
    assert guest.get("/policy").status_code == 403
    answer = change(acme.visit("admin"), key, "policy:read", name="Reader of policies")
    assert answer.location == f"/roles/{key}"
    assert guest.get("/policy").status_code == 200
    assert guest.get("/members").status_code == 403
    entry = acme.log()[-2]
    assert (entry["action"], entry["target"]) == ("role.changed", f"role:{key}")
    assert entry["detail"] == {
        "key": key,
        "name": "Reader of policies",
        "sentence": "Looks after it.",
        "permissions": ["policy:read"],
        "is_scoped": False,
        "before": {
            "name": "Librarian",
            "sentence": "Looks after it.",
            "permissions": ["member:read"],
        },
    }


def test_the_preview_names_whom_it_widens_and_narrows_and_changes_nothing(acme) -> None:
    key = made(acme, "member:read", "document:edit")
    give(acme, "guest", key)
    give(acme, "member", key)
    group_with(acme, "auditor", role=key)
    admin, before = acme.visit("admin"), own_roles(acme)
    asked = role_form("member:read", "policy:read", version=version_of(admin, key))
    page = admin.get(f"/roles/{key}/preview", query_string=asked).text
    assert own_roles(acme) == before
    gains, _, losses = page.partition("It allows no longer")
    # The auditor reads the policy anyway, and the member edits documents anyway.
    assert "2 people are widened" in gains
    assert acme["guest"].name in gains
    assert acme["member"].name in gains
    assert acme["auditor"].name not in gains
    assert "2 people are narrowed" in losses
    assert acme["auditor"].name in losses
    assert acme["member"].name not in losses
    assert admin.submit(f"/roles/{key}/edit", name="Librarian").status_code == 405  # by GET alone


def test_the_preview_refuses_what_would_be_refused(acme) -> None:
    key = made(acme, *READS)
    give(acme, "officer", key, "shared")
    admin = acme.visit("admin")
    asked = role_form("member:read", version=version_of(admin, key))
    answer = admin.get(f"/roles/{key}/preview", query_string=asked)
    assert answer.status_code == 400
    assert "can’t be held on a folder" in answer.text
    assert change(admin, key, "member:read").status_code == 400
    assert change(admin, key, "document:edit").status_code == 302


def test_of_two_changes_by_what_was_shown_one_holds(acme) -> None:
    key = made(acme, *READS)
    visitors = [acme.visit("admin"), acme.visit("second_admin")]
    wanted = ["document:edit", "document:delete"]
    version = version_of(visitors[0], key)
    forms = [role_form(permission, version=version) for permission in wanted]
    start = Barrier(2)

    def send(number: int) -> int:
        start.wait()
        return visitors[number].post(f"/roles/{key}/change", forms[number]).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(send, range(2)))
    assert sorted(statuses) == [302, 409]
    kept = str(own_roles(acme)[key]["permissions"])
    assert wanted[statuses.index(302)] in kept
    assert wanted[statuses.index(409)] not in kept
    assert acme.told().count(("role.changed", "success")) == 1


def test_the_same_again_is_no_change(acme) -> None:
    key = made(acme, *READS)
    assert change(acme.visit("admin"), key, *READS).status_code == 409


def test_a_name_may_change_its_case_and_not_become_anothers(acme) -> None:
    key = made(acme, *READS)
    admin = acme.visit("admin")
    assert change(admin, key, *READS, name="LIBRARIAN").status_code == 302
    assert change(admin, key, *READS, name="archivist").status_code == 409


def test_a_role_is_not_widened_into_what_its_holders_can_not_have(acme) -> None:
    key = made(acme, "policy:read")
    assert give(acme, "second_admin", key).status_code == 302
    answer = change(acme.visit("admin"), key, "policy:read", "audit:read")
    assert answer.status_code == 409
    assert acme["second_admin"].name in answer.text
    assert acme.visit("second_admin").get("/audit").status_code == 403


# Named everywhere


def test_a_custom_role_is_named_wherever_roles_are(acme) -> None:
    key = made(acme, *READS, "member:read")
    group_with(acme, "officer", role=key)
    assert give(acme, "guest", key).status_code == 302
    admin, officer = acme.visit("admin"), acme.visit("officer")
    for path in ("/roles", f"/roles/{key}", "/members", f"/members/{acme['guest'].id}",
                 "/members/new", "/policy", "/policy/people", "/sso/new"):  # fmt: skip
        assert "Librarian" in admin.get(path).text, path
    assert "Librarian" in acme.visit("guest").get("/account").text
    page = admin.get(f"/roles/{key}").text
    assert "Through the group Finance" in page
    assert acme["officer"].name in page
    assert acme["guest"].name in page
    assert "for the test" in page
    assert f"By hand, {acme['admin'].name}" in page
    assert "1 person and 1 group" in admin.get("/roles").text
    entry = next(e for e in acme.log() if e["action"] == "role.assigned")
    assert "Librarian" in officer.get(f"/audit/{entry['id']}").text
    assert "Librarian" in officer.get("/audit?action=role.created").text


def test_where_a_role_is_held_is_told_to_who_may_know_the_folder(acme) -> None:
    key = made(acme, *READS)
    give(acme, "guest", key, "closed")
    assert "Closed" in acme.visit("admin").get(f"/roles/{key}").text
    assert "One folder" in acme.visit("officer").get(f"/roles/{key}").text


def test_groups_of_a_provider_are_mapped_by_the_name(acme) -> None:
    key = made(acme, *READS)
    admin = acme.visit("admin")
    form = {
        "name": "Login",
        "issuer": "http://127.0.0.1:9/x",
        "client_id": "portal",
        "client_secret": "s",
        "default_role": "",
        "group_roles": "staff=of=us = LIBRARIAN",
    }
    made_one = admin.post("/sso/new", form)
    assert made_one.status_code == 302, made_one.text
    [kept] = [str(r["group_roles"]) for r in acme.portal.rows("identity_provider")
              if r["name"] == "Login"]  # fmt: skip
    assert key in kept
    assert "staff=of=us: Librarian" in admin.get(made_one.location).text


# Brought back


def test_a_retired_role_can_be_brought_back_and_nobody_gets_it_back(acme) -> None:
    key = made(acme, *READS)
    give(acme, "officer", key)
    admin = acme.visit("admin")
    assert admin.post(f"/roles/{key}/restore").status_code == 409
    assert retire(admin, key).status_code == 302
    assert "Retired" in admin.get(f"/roles/{key}").text
    assert give(acme, "officer", key).status_code == 422
    assert admin.get(f"/roles/{key}/edit").status_code == 409
    assert admin.post(f"/roles/{key}/restore").status_code == 302
    assert acme.log()[-1]["action"] == "role.restored"
    assert acme.log()[-1]["detail"]["permissions"] == ["document:read"]
    assert given(acme, "officer") == {("compliance-officer", None)}
    assert give(acme, "officer", key).status_code == 302


def test_it_comes_back_under_a_name_that_is_free(acme) -> None:
    key = made(acme, *READS)
    admin = acme.visit("admin")
    retire(admin, key)
    made(acme, *READS, name="librarian")
    assert admin.post(f"/roles/{key}/restore").status_code == 409


def test_every_permission_is_explained_where_roles_are_made(acme) -> None:
    page = acme.visit("admin").get("/roles/new").text
    for permission in Permission:
        assert f'value="{permission}"' in page
    assert page.count("Dangerous") == sum(p.is_dangerous for p in Permission)
