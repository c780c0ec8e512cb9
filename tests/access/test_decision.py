"""The decision, against a slow one that was written from the design and not from the code."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.access.decision import (
    ORGANISATION,
    Forbidden,
    Grant,
    Member,
    Target,
    decide,
    folders_of,
    holds_anywhere,
    permissions_on,
    require,
)
from portal.access.permissions import (
    BUILT_IN,
    EXCLUSIVE,
    MANAGEMENT,
    OPERATOR_PERMISSIONS,
    OVERSIGHT,
    Permission,
)
from portal.access.queries import grants_from
from portal.audit.actor import OPERATOR, SYSTEM, Actor, ActorKind

FOLDERS = [UUID(int=n) for n in range(1, 7)]
NOW = datetime(2026, 11, 21, tzinfo=UTC)

permissions = st.sampled_from(list(Permission))
folders = st.sampled_from(FOLDERS)
moments = st.sampled_from([None, NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)])
assignments = st.lists(
    st.tuples(st.sampled_from([*BUILT_IN, "owner", ""]), st.none() | folders, moments), max_size=6
)
# A tree: each folder lies in an earlier one, or at the top.
trees = st.tuples(*(st.none() | st.sampled_from(FOLDERS[:n]) if n else st.none() for n in range(6)))


def member(grants: tuple[Grant, ...]) -> Member:
    return Member(
        session_id=uuid4(),
        user_id=uuid4(),
        name="Somebody",
        email="s@acme.example",
        proved_at=NOW,
        grants=grants,
    )


def grants(held: list) -> tuple[Grant, ...]:
    """What assignments (role, folder, end) amount to now, read as a session reads its rows."""
    rows = [
        SimpleNamespace(
            assignment_id=uuid4(), role=role, folder_id=folder, group_id=None,
            expires_at=expires_at, permissions=None,
        )
        for role, folder, expires_at in held
    ]  # fmt: skip
    return grants_from(rows, NOW)


def chain(tree: tuple[UUID | None, ...], folder: UUID | None) -> list[UUID]:
    """A folder and those above it, nearest first."""
    found = []
    while folder is not None:
        found.append(folder)
        folder = tree[FOLDERS.index(folder)]
    return found


def is_allowed(held: list, permission: Permission, tree: tuple, place: UUID | None) -> bool:
    """The design's words: tenant-wide or on a folder (inherited downwards), and may expire."""
    for role, folder, expires_at in held:
        if role not in BUILT_IN or permission.value not in {
            p.value for p in BUILT_IN[role].permissions
        }:
            continue
        if expires_at is not None and expires_at <= NOW:
            continue
        if folder is None:
            return True
        below = [f for f in FOLDERS if folder in chain(tree, f)]
        if place in below:
            return True
    return False


@given(assignments, permissions, trees, st.none() | folders)
def test_it_decides_as_the_design_says(held, permission, tree, place) -> None:
    actor = member(grants(held))
    target = Target("thing", tuple(chain(tree, place)))
    allowed = is_allowed(held, permission, tree, place)
    assert decide(actor, permission, target) is allowed
    assert (permission in permissions_on(actor, target)) is allowed
    if allowed:
        require(actor, permission, target)
        assert holds_anywhere(actor, permission)
    else:
        with pytest.raises(Forbidden) as refusal:
            require(actor, permission, target)
        assert refusal.value.target == "thing"


@given(assignments, permissions)
def test_what_is_held_anywhere_is_what_some_place_allows(held, permission) -> None:
    actor = member(grants(held))
    somewhere = [Target("x", (folder,)) for folder in FOLDERS] + [ORGANISATION]
    assert holds_anywhere(actor, permission) is any(decide(actor, permission, t) for t in somewhere)
    by_name = folders_of(actor, permission)
    if not decide(actor, permission):
        assert by_name == {f for f in FOLDERS if decide(actor, permission, Target("x", (f,)))}


@given(assignments, assignments, permissions, trees, st.none() | folders)
def test_another_role_never_takes_anything_away(held, more, permission, tree, place) -> None:
    target = Target("thing", tuple(chain(tree, place)))
    if decide(member(grants(held)), permission, target):
        assert decide(member(grants(held + more)), permission, target)


@given(permissions)
def test_who_is_nobody_may_do_nothing(permission) -> None:
    for actor in (Actor(kind=ActorKind.ANONYMOUS), SYSTEM, Actor(kind=ActorKind.USER), member(())):
        assert not decide(actor, permission)
        assert not permissions_on(actor, ORGANISATION)
        assert not holds_anywhere(actor, permission)
        assert folders_of(actor, permission) == frozenset()


def test_an_operator_manages_people_and_sees_nothing() -> None:
    allowed = {permission for permission in Permission if decide(OPERATOR, permission)}
    assert allowed == permissions_on(OPERATOR, ORGANISATION) == OPERATOR_PERMISSIONS
    assert allowed < MANAGEMENT
    assert not any(holds_anywhere(OPERATOR, permission) for permission in Permission)


def test_the_table_of_roles_is_what_the_design_says() -> None:
    documents = {p for p in Permission if p.startswith(("document:", "folder:", "link:create"))}
    held = {key: set(role.permissions) for key, role in BUILT_IN.items()}
    assert held["admin"] == MANAGEMENT | {Permission.ACCESS_READ, Permission.ERASURE_ASK}
    assert held["admin"].isdisjoint(documents | {Permission.AUDIT_READ})
    assert held["folder-owner"] == documents | {Permission.ACCESS_READ}
    assert held["member"] == held["folder-owner"] - {Permission.FOLDER_SHARE}
    assert held["guest"] == {Permission.DOCUMENT_READ}
    assert BUILT_IN["guest"].is_scoped
    assert BUILT_IN["folder-owner"].is_scoped
    assert held["compliance-officer"] == OVERSIGHT | {
        Permission.ACCESS_READ,
        Permission.ERASURE_ASK,
        Permission.KEY_READ,
        Permission.KEY_ROTATE,
        Permission.LINK_READ,
        Permission.LINK_REVOKE,
        Permission.MEMBER_READ,
        Permission.POLICY_READ,
        Permission.REVIEW_RUN,
    }
    assert not held["compliance-officer"] & documents
    assert all(p.endswith(":read") for p in held["auditor"])
    assert frozenset({"admin", "compliance-officer"}) in EXCLUSIVE
    assert all(permission.sentence for permission in Permission)
