"""Whoever is refused is written down, and what they wanted does not happen."""

import pytest

from portal.web.access import declared
from tests.audit.log import state_of, unwritable
from tests.conftest import on_sqlite
from tests.installation import PASSWORD
from tests.web.access_list import ACCESS, BY_PROGRAMS, MEMBERS, SAFE
from tests.web.things import own_address

ADDRESS = "2001:db8::66"
CHANGING = sorted(
    (endpoint, method)
    for endpoint, entry in ACCESS.items()
    for method in entry.answers
    if method not in SAFE and endpoint not in BY_PROGRAMS
)


@on_sqlite
def test_a_missing_permission_is_recorded_with_who_what_and_from_where(portal, acme) -> None:
    before, tried = state_of(portal), []
    for endpoint, entry in ACCESS.items():
        permission = declared(portal.app.view_functions[endpoint]).permission
        for who in sorted(MEMBERS - entry.let_in):
            visitor, path = acme.visit(who, address=ADDRESS), own_address(acme, endpoint, who)
            for method in sorted(entry.methods - {"OPTIONS"}):
                headers = {"X-CSRFToken": visitor.csrf_token}
                assert visitor.open(path, method, headers=headers).status_code == 403
                tried.append((acme[who].id, permission))
    log = acme.log()
    assert [(e["actor_id"], e["detail"].get("permission")) for e in log] == tried
    assert {(e["action"], e["outcome"], e["target"]) for e in log} == {
        ("access.refused", "refused", "organisation")
    }
    assert {(e["address"], e["actor_kind"]) for e in log} == {(ADDRESS, "user")}
    assert len({e["request_id"] for e in log}) == len(tried) > 100
    assert state_of(portal) == before


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        ("/documents/folders/{closed}", "document:read"),
        ("/documents/{canary}", "document:read"),
        ("/documents/{canary}/download", "document:read"),
    ],
)
def test_a_permission_that_is_missing_on_this_very_thing_is_recorded_with_the_thing(
    acme, path, permission
) -> None:
    names = {**acme.folders, **acme.documents}
    assert acme.visit("guest").get(path.format(**names)).status_code == 403
    [entry] = acme.log()
    kind = "folder" if "folders" in path else "document"
    assert entry["target"] == f"{kind}:{names['closed' if kind == 'folder' else 'canary']}"
    assert (entry["action"], entry["actor_id"]) == ("access.refused", acme["guest"].id)
    assert entry["detail"] == {"permission": permission}


def test_an_upload_to_where_one_may_not_is_recorded_with_the_place(portal, acme) -> None:
    before, guest = state_of(portal), acme["guest"].id
    assert acme.visit("guest").upload("a.txt", b"x", acme.folders["shared"]).status_code == 403
    [entry] = acme.log()
    assert (entry["actor_id"], entry["detail"]) == (guest, {"permission": "document:upload"})
    assert state_of(portal) == before


def test_own_roles_and_exclusive_ones_are_refused_on_record(portal, acme) -> None:
    admin, before = acme.visit("admin"), state_of(portal)
    for who, role, permission in (
        ("admin", "member", "role:assign"),
        ("officer", "admin", None),
        ("second_admin", "compliance-officer", None),
    ):
        form = {"role": role, "folder": "", "reason": ""}
        assert admin.post(f"/members/{acme[who].id}/roles", form).status_code in (403, 409)
        entry = acme.log()[-1]
        assert (entry["action"], entry["outcome"]) == ("access.refused", "refused")
        assert (entry["actor_id"], entry["target"]) == (acme["admin"].id, f"user:{acme[who].id}")
        assert entry["detail"].get("permission") == permission
    assert len(acme.log()) == 3
    assert state_of(portal) == before


def test_a_forged_form_is_recorded_in_whose_name_it_came(portal, acme) -> None:
    before, expected = state_of(portal), []
    for endpoint, method in CHANGING:
        [who, *_] = sorted(ACCESS[endpoint].let_in & MEMBERS)
        if (who, method) in ACCESS[endpoint].also:
            continue  # sent on before anything is looked at
        visitor = acme.visit(who, address=ADDRESS)
        path = own_address(acme, endpoint, who)
        headers = {"X-CSRFToken": "forged"}
        assert visitor.open(path, method, headers=headers).status_code == 400
        expected.append((acme[who].id, f"page:{endpoint}"))
    log = acme.log()
    assert [(e["actor_id"], e["target"]) for e in log] == expected
    assert {(e["action"], e["outcome"], e["address"]) for e in log} == {
        ("access.refused", "refused", ADDRESS)
    }
    assert [e["detail"] for e in log] == [{"reason": "csrf"}] * len(expected)
    assert state_of(portal) == before


def test_strangers_can_not_fill_the_log(portal, acme) -> None:
    """What anybody could send as often as they like goes to the operator's log alone."""
    for endpoint, method in CHANGING:
        stranger = acme.visit()
        headers = {"X-CSRFToken": "forged"}
        stranger.open(own_address(acme, endpoint), method, headers=headers)
        stranger.get("/documents")
        stranger.get("/auth/invitations/" + "x" * 43)
    assert acme.log() == []


def test_too_many_passwords_are_recorded_and_the_right_one_helps_no_more(portal, acme) -> None:
    stranger, email = acme.visit(address=ADDRESS), acme["member"].email
    form = {"email": email, "password": "wrong"}
    statuses = [stranger.post("/auth/sign-in", form).status_code for _ in range(10)]
    before = state_of(portal)
    answer = stranger.post("/auth/sign-in", form | {"password": PASSWORD})
    assert ([*statuses, answer.status_code]) == [401] * 10 + [429]
    assert acme.told() == [("sign-in.failed", "failure")] * 10 + [("sign-in.limited", "refused")]
    assert {e["address"] for e in acme.log()} == {ADDRESS}
    assert {e["actor_id"] for e in acme.log()} == {None}
    assert state_of(portal) == before


def test_too_many_codes_are_recorded_with_whose_they_were_to_be(portal, acme) -> None:
    half, member = acme.visit_half(), acme["member"]
    for _ in range(10):
        assert half.post("/auth/code", {"code": "000000"}).status_code == 401
    before = state_of(portal)
    assert half.post("/auth/code", {"code": member.code}).status_code == 429
    entry = acme.log()[-1]
    assert (entry["action"], entry["outcome"]) == ("sign-in.limited", "refused")
    assert (entry["actor_id"], entry["target"]) == (member.id, f"user:{member.id}")
    assert state_of(portal) == before


def test_too_many_present_passwords_are_recorded(portal, acme) -> None:
    visitor, member = acme.visit("member"), acme["member"]
    form = {"present": "wrong", "new": "seventeen lighthouses", "again": "seventeen lighthouses"}
    before = state_of(portal)
    for _ in range(10):
        visitor.post("/account/password", form)
    assert visitor.post("/account/password", form | {"present": PASSWORD}).status_code == 429
    entry = acme.log()[-1]
    assert (entry["outcome"], entry["target"]) == ("refused", f"user:{member.id}")
    assert state_of(portal) == before


@pytest.mark.parametrize("way", ["rule", "error"])
def test_a_refusal_that_can_not_be_recorded_is_one_all_the_same(portal, acme, way) -> None:
    before = state_of(portal)
    member, other = acme.visit("member"), acme["auditor"].id
    forged = {"csrf_token": "forged", "name": "New"}
    with unwritable(acme, way):
        assert member.post(f"/members/{other}/deactivate").status_code >= 400
        assert member.get("/audit").status_code >= 400
        assert member.open("/folders", "POST", data=forged).status_code >= 400
    assert acme.log() == []
    assert state_of(portal) == before
