"""Retiring a role: nobody holds it after, in the same moment its holders get another, or none."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from portal.access.models import RoleAssignment
from portal.core import clock
from tests.access.own_roles import (
    READS,
    give,
    given,
    group_with,
    made,
    retire,
)
from tests.browsing import forms_of
from tests.installation import Organisation


def assignments(organisation: Organisation, role: str) -> list[dict]:
    return [r for r in organisation.portal.rows("role_assignment") if r["role"] == role]


def is_retired(organisation: Organisation, key: str) -> bool:
    [row] = [r for r in organisation.portal.rows("custom_role") if r["key"] == key]
    return row["retired_at"] is not None


def test_the_question_names_how_many_and_asking_changes_nothing(acme) -> None:
    key = made(acme, *READS)
    give(acme, "guest", key)
    give(acme, "guest", key, "shared")
    group_with(acme, "officer", "auditor", role=key)
    page = acme.visit("admin").get(f"/roles/{key}/retire").text
    assert "1 person and 1 group" in page
    assert "3 assignments" in page
    assert len(assignments(acme, key)) == 3
    assert not is_retired(acme, key)


def test_all_who_held_it_hold_nothing_by_it_any_more(acme) -> None:
    key = made(acme, "member:read")
    give(acme, "guest", key)
    group_with(acme, "member", role=key)
    guest, member = acme.visit("guest"), acme.visit("member")
    assert (guest.get("/members").status_code, member.get("/members").status_code) == (200, 200)
    assert retire(acme.visit("admin"), key).status_code == 302
    assert (guest.get("/members").status_code, member.get("/members").status_code) == (403, 403)
    assert assignments(acme, key) == []
    *removed, entry = [e for e in acme.log() if e["action"].startswith("role.r")]
    assert [e["action"] for e in removed] == ["role.removed", "role.removed"]
    assert {e["detail"]["way"] for e in removed} == {"retirement"}
    assert entry["action"] == "role.retired"
    assert entry["target"] == f"role:{key}"
    assert entry["detail"] == {
        "key": key,
        "name": "Librarian",
        "sentence": "Looks after it.",
        "permissions": ["member:read"],
        "is_scoped": False,
        "successor": None,
        "moved": 0,
        "removed": 2,
    }


def test_its_holders_get_the_other_in_the_same_place_until_the_same_end(acme) -> None:
    key = made(acme, *READS)
    ends = clock.now() + timedelta(days=3)
    give(acme, "officer", key)
    give(acme, "guest", key, "closed")
    group = group_with(acme, "auditor", role=key)
    with acme.bound(writes=True) as session:
        session.add(RoleAssignment(user_id=acme["invited"].id, role=key, expires_at=ends))
        over = clock.now() - timedelta(days=3)
        session.add(RoleAssignment(user_id=acme["deactivated"].id, role=key, expires_at=over))
    assert retire(acme.visit("admin"), key, "member").status_code == 302
    assert given(acme, "officer") == {("compliance-officer", None), ("member", None)}
    assert given(acme, "guest") == {
        ("guest", acme.folders["shared"]),
        ("member", acme.folders["closed"]),
    }
    assert group in {row["group_id"] for row in assignments(acme, "member")}
    assert assignments(acme, key) == []
    # The invited is a member already and keeps that; what was over is not given again.
    assert given(acme, "invited") == {("member", None)}
    assert acme.log()[-1]["detail"]["moved"] == 3
    assert acme.log()[-1]["detail"]["removed"] == 2
    told = [e for e in acme.log() if e["detail"].get("way") == "retirement"]
    assert [e["action"] for e in told] == ["role.removed"] * 5 + ["role.assigned"] * 3


def test_an_end_that_was_set_stays(acme) -> None:
    key, other = made(acme, *READS), made(acme, "document:edit", name="Other")
    ends = clock.now() + timedelta(days=3)
    with acme.bound(writes=True) as session:
        session.add(
            RoleAssignment(user_id=acme["guest"].id, role=key, expires_at=ends, is_from_claim=True)
        )
    assert retire(acme.visit("admin"), key, other).status_code == 302
    with acme.bound() as session:
        [moved] = session.query(RoleAssignment).filter_by(role=other).all()
        assert moved.expires_at == ends
        assert moved.is_from_claim


def test_it_is_moved_whole_or_not_at_all(acme) -> None:
    key = made(acme, *READS)
    give(acme, "guest", key)
    give(acme, "second_admin", key)
    admin = acme.visit("admin")
    answer = retire(admin, key, "auditor")
    assert answer.status_code == 409
    assert acme["second_admin"].name in answer.text
    assert "Admin and Auditor" in answer.text
    assert len(assignments(acme, key)) == 2
    assert not is_retired(acme, key)
    assert retire(admin, key, "guest").status_code == 400  # on a folder only
    assert len(assignments(acme, key)) == 2


def test_two_that_nobody_holds_together_can_follow_each_other(acme) -> None:
    key, other = made(acme, *READS), made(acme, "document:edit", name="Other")
    give(acme, "guest", key)
    admin = acme.visit("admin")
    assert admin.post("/roles/exclusive/add", {"first": key, "second": other}).status_code == 302
    assert retire(admin, key, other).status_code == 302
    assert (other, None) in given(acme, "guest")


def test_none_but_a_live_role_takes_its_place(acme, globex) -> None:
    key, other = made(acme, *READS), made(acme, *READS, name="Other")
    foreign = made(globex, *READS)
    give(acme, "guest", key)
    admin = acme.visit("admin")
    retire(admin, other)
    for successor in (key, other, foreign, "nonsense"):
        assert retire(admin, key, successor).status_code == 422
    assert len(assignments(acme, key)) == 1


def test_what_names_it_is_to_be_changed_first(acme) -> None:
    key = made(acme, *READS)
    admin = acme.visit("admin")
    [shown] = [f for f in forms_of(admin.get("/policy").text) if f.action == "/policy/preview"]
    policy = shown.fields
    policy |= {"mfa_for": "roles", "mfa_roles": [key], "factors": ["totp", "passkey"]}
    assert admin.post("/policy/change", policy).status_code == 302
    provider = {
        "name": "Login",
        "issuer": "http://127.0.0.1:9/x",
        "client_id": "portal",
        "client_secret": "s",
        "allowed_domains": "acme.example",
        "default_role": key,
    }
    assert admin.post("/sso/new", provider).status_code == 302
    page = admin.get(f"/roles/{key}/retire").text
    assert "the policy of signing in" in page
    assert "the single sign-on by Login" in page
    answer = admin.post(f"/roles/{key}/retire", {"successor": "", "assignments": "0"})
    assert answer.status_code == 409
    assert not is_retired(acme, key)


def test_more_holders_than_were_told_of_are_asked_about_again(acme) -> None:
    key = made(acme, *READS)
    give(acme, "guest", key)
    answer = retire(acme.visit("admin"), key, assignments="0")
    assert answer.status_code == 409
    assert len(assignments(acme, key)) == 1


@pytest.mark.parametrize("attempt", range(3))
def test_of_retiring_and_giving_at_once_no_assignment_is_left_over(acme, attempt) -> None:
    key = made(acme, *READS)
    form = forms_of(acme.visit("admin").get(f"/roles/{key}/retire").text)[-1].fields
    start = Barrier(4)

    def act(who: str) -> int:
        visitor = acme.visit("admin" if who == "retire" else "second_admin")
        start.wait()
        if who == "retire":
            return visitor.post(f"/roles/{key}/retire", form).status_code
        return give(acme, who, key, by="second_admin").status_code

    with ThreadPoolExecutor(4) as pool:
        retired, *gave = pool.map(act, ["retire", "guest", "officer", "auditor"])
    assert (retired == 302) == is_retired(acme, key)
    assert len(assignments(acme, key)) == (0 if retired == 302 else gave.count(302))
    assert retired in (302, 409)


def test_of_two_who_retire_it_one_does(acme) -> None:
    key = made(acme, *READS)
    give(acme, "guest", key)
    start = Barrier(2)

    def act(who: str) -> int:
        visitor = acme.visit(who)
        form = forms_of(visitor.get(f"/roles/{key}/retire").text)[-1].fields
        start.wait()
        return visitor.post(f"/roles/{key}/retire", form | {"successor": "member"}).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(act, ["admin", "second_admin"]))
    assert statuses == [302, 409]
    assert acme.told().count(("role.retired", "success")) == 1
    assert acme.told().count(("role.assigned", "success")) == 2


@pytest.mark.parametrize("attempt", range(4))
def test_of_naming_it_and_retiring_it_at_once_one_happens(acme, attempt) -> None:
    key = made(acme, *READS)
    policy = forms_of(acme.visit("second_admin").get("/policy").text)[-1].fields
    policy |= {"mfa_for": "roles", "mfa_roles": [key], "factors": ["totp", "passkey"]}
    start = Barrier(2)

    def act(path: str, form: dict, who: str) -> int:
        visitor = acme.visit(who)
        start.wait()
        return visitor.post(path, form).status_code

    with ThreadPoolExecutor(2) as pool:
        acts = [
            (f"/roles/{key}/retire", {"successor": "", "assignments": "0"}, "admin"),
            ("/policy/change", policy, "second_admin"),
        ]
        statuses = list(pool.map(lambda one: act(*one), acts))
    assert statuses in ([302, 400], [409, 302], [302, 422], [302, 409]), statuses
    assert is_retired(acme, key) == (statuses[0] == 302)


@pytest.mark.parametrize("number", ["9" * 400, "99999999999999999999", "-1"])
def test_a_number_that_nobody_was_told_of_retires_nothing(acme, number) -> None:
    key = made(acme, *READS)
    answer = acme.visit("admin").post(f"/roles/{key}/retire", {"assignments": number})
    assert answer.status_code == 422
    assert not is_retired(acme, key)
