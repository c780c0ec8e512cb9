"""Whatever roles are made and changed in whatever order: nobody gains management by it that the
editor lacks, nobody the editor themselves anything at all, and no rule between roles is broken.
"""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access.custom_roles import (
    change_role,
    create_role,
    get_custom_role,
    restore_role,
    version_of,
)
from portal.access.decision import Grant, Member
from portal.access.exclusive import list_exclusive_pairs
from portal.access.holders import get_person
from portal.access.models import CustomRole, RoleAssignment
from portal.access.permissions import (
    MANAGEMENT,
    ORGANISATION_WIDE,
    OVERSIGHT,
    POWER,
    Permission,
)
from portal.access.queries import roles_held_by
from portal.access.role_rules import Chosen
from portal.access.roles import list_live_roles, list_roles
from portal.access.service import assign_role
from portal.auth.retirement import retire_role, show_retirement
from portal.core import clock
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.tenancy.session import db
from tests.conftest import on_sqlite
from tests.founding import SIGNED_IN
from tests.installation import Organisation

EDITOR = "guest"
PEOPLE = ("second_admin", "member", "officer", EDITOR)
LACKED = (Permission.MEMBER_READ, Permission.MEMBER_RESET, Permission.SSO_EDIT)  # maybe
ALLOWED = (*LACKED, Permission.ROLE_ASSIGN, Permission.AUDIT_READ, Permission.DOCUMENT_READ)

names = st.sampled_from(("One", "Two", "Three", "ONE", "Admin"))
slots = st.integers(0, 5)  # which of the roles there are
seldom = st.sampled_from((False, False, False, True))
several = st.sets(st.sampled_from(ALLOWED), min_size=1, max_size=3)
steps = st.one_of(
    st.tuples(st.just("make"), names, several, seldom),
    st.tuples(st.just("change"), slots, names, several),
    st.tuples(st.just("give"), slots, st.sampled_from(PEOPLE), seldom),
    st.tuples(st.just("retire"), slots, st.none() | slots),
    st.tuples(st.just("restore"), slots),
)
editors = st.sets(st.sampled_from(LACKED)).map(
    lambda more: frozenset(more) | {Permission.ROLE_EDIT, Permission.ROLE_ASSIGN}
)


class World:
    """An editor with some management, by a role of the tenant's own, and what they try."""

    def __init__(self, acme: Organisation, held: frozenset[Permission]) -> None:
        self.acme = acme
        db.session.add(
            CustomRole(key="editors", name="Editors", sentence="-", permissions=sorted(held))
        )
        db.session.add(RoleAssignment(user_id=acme[EDITOR].id, role="editors"))
        db.session.flush()
        self.editor = Member(
            session_id=new_id(),
            user_id=acme[EDITOR].id,
            name="Editor",
            email="editor@acme.example",
            proved_at=clock.now(),
            grants=(Grant(held, role="editors"),),
        )
        for name, who, on_folder in (("Plain", "member", False), ("Shared", "officer", True)):
            self.make(name, {Permission.DOCUMENT_READ}, False)
            db.session.flush()
            self.give(self.names.index(name), who, on_folder)
        self.at_first = self.held_by_all()

    def held_by_all(self) -> dict[str, frozenset[Permission]]:
        """What everybody holds anywhere."""
        roles, held = list_live_roles(), roles_held_by()
        return {
            who: frozenset().union(
                *(roles[r].permissions for r in held.get(self.acme[who].id, ()) if r in roles)
            )
            for who in SIGNED_IN
        }

    def try_to(self, what: str, *how: object) -> None:
        """Do it as a request does: whole, or not at all."""
        point = db.session.begin_nested()
        try:
            getattr(self, what)(*how)
            db.session.flush()
        except PortalError:
            point.rollback()
        else:
            point.commit()

    @property
    def names(self) -> list[str]:
        return [role.name for role in list_roles().values() if not role.is_builtin]

    def key(self, slot: int) -> str:
        keys = [key for key, role in list_roles().items() if not role.is_builtin]
        return keys[slot % len(keys)]

    def make(self, name: str, permissions: set[Permission], is_scoped: bool) -> None:
        chosen = Chosen(name=name, sentence="-", permissions=frozenset(permissions))
        create_role(self.editor, chosen, is_scoped=is_scoped)

    def change(self, slot: int, name: str, permissions: set[Permission]) -> None:
        chosen = Chosen(name=name, sentence="-", permissions=frozenset(permissions))
        version = version_of(get_custom_role(self.key(slot)))
        change_role(self.editor, self.key(slot), chosen, version=version)

    def give(self, slot: int, who: str, on_folder: bool) -> None:
        folder = self.acme.folders["shared"] if on_folder else None
        assign_role(self.editor, get_person(self.acme[who].id), self.key(slot), folder)

    def retire(self, slot: int, successor: int | None) -> None:
        key = self.key(slot)
        instead = self.key(successor) if successor is not None else None
        count = show_retirement(self.editor, key).assignments
        retire_role(self.editor, key, instead, assignments=count)

    def restore(self, slot: int) -> None:
        restore_role(self.editor, self.key(slot))

    def check(self) -> None:
        """What has to be so whatever was tried."""
        held, roles = self.held_by_all(), list_live_roles()
        assert held[EDITOR] == self.at_first[EDITOR]
        for who in SIGNED_IN:
            gained = held[who] - self.at_first[who]
            assert gained & MANAGEMENT <= self.editor.everywhere, (who, gained)
        pairs = list_exclusive_pairs()
        for user_id, keys in roles_held_by().items():
            assert not any(pair <= keys for pair in pairs), user_id
        names = [role.name.casefold() for role in roles.values()]
        assert len(names) == len(set(names))
        for role in roles.values():
            assert not (role.permissions & POWER and role.permissions & OVERSIGHT)
        for row in db.session.query(RoleAssignment).all():
            assert row.role in roles, "somebody holds a role that is retired"
            is_wide = bool(roles[row.role].permissions & ORGANISATION_WIDE)
            assert not (row.folder_id and is_wide), roles[row.role]
            assert row.folder_id or not roles[row.role].is_scoped


@on_sqlite
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(held=editors, tried=st.lists(steps, min_size=6, max_size=14))
def test_no_sequence_of_edits_widens_anybody_beyond_the_editor(acme, held, tried) -> None:
    with acme.bound(writes=True) as session:
        try:
            world = World(acme, held)
            for what, *how in tried:
                world.try_to(what, *how)
                world.check()
        finally:
            session.rollback()
            session.expunge_all()
