"""Many roles are taken and given by as many statements as few, each with an entry of its own."""

from datetime import timedelta
from uuid import UUID

import pytest

from portal.access.models import RoleAssignment
from portal.core import clock
from portal.core.ids import new_id
from portal.users.models import User
from tests.access.own_roles import READS, give, made, retire
from tests.access.reviews.campaign import close, lines_of, outcomes, start
from tests.conftest import on_sqlite
from tests.harness.statements import statements
from tests.installation import Organisation

pytestmark = on_sqlite

FEW, MANY = 3, 60


def fill(acme: Organisation, role: str, count: int) -> list[UUID]:
    """More people who hold a role."""
    people = [new_id() for _ in range(count)]
    with acme.bound(writes=True) as session:
        session.add_all(
            User(id=one, email=f"{one}@acme.example", name="N", state="active") for one in people
        )
        session.flush()
        session.add_all(RoleAssignment(user_id=one, role=role) for one in people)
    return people


def entries(acme: Organisation, action: str) -> list[str]:
    return sorted(entry["target"] for entry in acme.log() if entry["action"] == action)


def retire_with(acme: Organisation, name: str, count: int) -> int:
    key = made(acme, *READS, name=name)
    people = fill(acme, key, count)
    admin = acme.visit("admin")
    admin.get(f"/roles/{key}/retire")
    with statements() as seen:
        assert retire(admin, key, "member").status_code == 302
    targets = [f"user:{one}" for one in people]
    assert set(targets) <= set(entries(acme, "role.removed"))
    assert set(targets) <= set(entries(acme, "role.assigned"))
    return len(seen)


def test_a_role_is_retired_by_as_many_statements_for_many_as_for_few(acme) -> None:
    assert retire_with(acme, "Few", FEW) == retire_with(acme, "Many", MANY)


def close_with(acme: Organisation, name: str, count: int) -> int:
    key = made(acme, *READS, name=name)
    people = fill(acme, key, count)
    review = start(acme, "member", roles=[key])
    with acme.bound(writes=True) as session:
        for line in lines_of(acme, review):
            session.merge(line).decision = "revoke"
    with statements() as seen:
        assert close(acme, review) == 302
    assert set(outcomes(acme, review)) == {"revoked"}
    assert {f"user:{one}" for one in people} <= set(entries(acme, "role.removed"))
    return len(seen)


def test_a_review_is_closed_by_as_many_statements_for_many_as_for_few(acme) -> None:
    few = close_with(acme, "Few", FEW)
    assert close_with(acme, "Many", MANY) <= few


@pytest.mark.parametrize("ended", [False, True])
def test_who_has_the_other_role_already_keeps_it_unless_it_is_over(acme, ended) -> None:
    key = made(acme, *READS)
    give(acme, "guest", key)
    with acme.bound(writes=True) as session:
        there = RoleAssignment(user_id=acme["guest"].id, role="member", reason="Before")
        session.add(there)
        if ended:
            there.expires_at = clock.now() - timedelta(days=1)
    assert retire(acme.visit("admin"), key, "member").status_code == 302
    with acme.bound() as session:
        [held] = session.query(RoleAssignment).filter_by(
            user_id=acme["guest"].id, role="member", folder_id=None
        )
        assert (held.reason == "Before") is not ended
        assert held.expires_at is None


def start_with(acme: Organisation, name: str, count: int) -> int:
    """The lines differ in what they lack: every other role is held on a folder."""
    key = made(acme, *READS, name=name)
    people = fill(acme, key, count)
    with acme.bound(writes=True) as session:
        session.add_all(
            RoleAssignment(user_id=one, role=key, folder_id=acme.folders["shared"])
            for one in people
        )
    with statements() as seen:
        review = start(acme, "member", roles=[key])
    assert len(lines_of(acme, review)) == 2 * count
    return len(seen)


def test_a_review_is_started_by_as_many_statements_for_many_as_for_few(acme) -> None:
    few = start_with(acme, "Few", FEW)
    assert start_with(acme, "Many", MANY) <= few
