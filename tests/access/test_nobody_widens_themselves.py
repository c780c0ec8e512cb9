"""No sequence of acts, whoever does them, leaves anybody holding more by an act of their own."""

from itertools import product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access import service
from portal.access.custom_roles import change_role, create_role, get_custom_role, version_of
from portal.access.decision import Member, Target, decide
from portal.access.groups.members import add_to_group, remove_from_group
from portal.access.holders import get_group_holder, get_person
from portal.access.permissions import Permission
from portal.access.role_rules import Chosen
from portal.documents.folders import move_folder
from portal.documents.places import get_place
from portal.documents.sharing import share_folder
from portal.users.queries import get_user
from tests.access.test_history import attempt, folder, present
from tests.conftest import on_sqlite
from tests.installation import Organisation

PEOPLE = ("admin", "second_admin", "member", "guest", "auditor", "officer")
FOLDERS = (None, "shared", "closed")
SOME = (
    Permission.ROLE_ASSIGN,
    Permission.ROLE_EDIT,
    Permission.GROUP_EDIT,
    Permission.FOLDER_SHARE,
    Permission.DOCUMENT_READ,
    Permission.DOCUMENT_EDIT,
    Permission.FOLDER_EDIT,
    Permission.FOLDER_CREATE,
    Permission.AUDIT_READ,
)


def actor(acme: Organisation, who: str) -> Member:
    return present(get_user(acme[who].id))


def rights(acme: Organisation, who: str) -> set[tuple[str | None, Permission]]:
    """What somebody may do, in every place and in the whole organisation."""
    member, found = actor(acme, who), set()
    for name, permission in product(FOLDERS, Permission):
        here = tuple(row.id for row in get_place(folder(acme, name)).folders)
        if decide(member, permission, Target("thing", here)):
            found.add((name, permission))
    return found


def assign(acme: Organisation, who: str, to: str, role: str, place: str | None) -> None:
    service.assign_role(actor(acme, who), get_person(acme[to].id), role, folder(acme, place))


def assign_to_crew(acme: Organisation, who: str, role: str, place: str | None) -> None:
    crew = get_group_holder(acme.groups["crew"])
    service.assign_role(actor(acme, who), crew, role, folder(acme, place))


def join(acme: Organisation, who: str, whom: str) -> None:
    add_to_group(actor(acme, who), acme.groups["crew"], [acme[whom].id])


def leave(acme: Organisation, who: str, whom: str) -> None:
    remove_from_group(actor(acme, who), acme.groups["crew"], acme[whom].id)


def share(acme: Organisation, who: str, to: str, role: str, place: str | None) -> None:
    if place:
        share_folder(
            actor(acme, who), acme.folders[place], get_person(acme[to].id), role, reason="x"
        )


def edit(acme: Organisation, who: str, permissions: frozenset[Permission]) -> None:
    key = acme.roles["archivist"]
    chosen = Chosen(name="Archivist", sentence="Keeps.", permissions=permissions)
    change_role(actor(acme, who), key, chosen, version=version_of(get_custom_role(key)))


def make(acme: Organisation, who: str, permissions: frozenset[Permission]) -> None:
    chosen = Chosen(name=f"Own {len(permissions)}", sentence="-", permissions=permissions)
    create_role(actor(acme, who), chosen, is_scoped=False)


def move(acme: Organisation, who: str, name: str, into: str | None) -> None:
    move_folder(actor(acme, who), acme.folders[name], folder(acme, into))


# Those who may do most, and what they would do for themselves, are tried most.
people, places = st.sampled_from(PEOPLE), st.sampled_from(FOLDERS)
doers = st.sampled_from(["admin", "second_admin"]) | people
whom = st.just("self") | people
roles = st.sampled_from(["admin", "member", "auditor", "guest", "folder-owner", "own"])
sets = st.frozensets(st.sampled_from(SOME), min_size=1, max_size=4)
acts = st.one_of(
    st.tuples(st.just(assign), doers, whom, roles, places),
    st.tuples(st.just(assign_to_crew), doers, roles, places),
    st.tuples(st.just(join), doers, whom),
    st.tuples(st.just(leave), doers, whom),
    st.tuples(st.just(share), people, whom, roles, places),
    st.tuples(st.just(edit), doers, sets),
    st.tuples(st.just(make), doers, sets),
    st.tuples(st.just(move), people, st.sampled_from(FOLDERS[1:]), places),
)


def named(acme: Organisation, who: str, argument: object) -> object:
    return {"own": acme.roles["archivist"], "self": who}.get(str(argument), argument)


@on_sqlite
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, min_size=2, max_size=10))
def test_nobody_comes_to_hold_more_by_an_act_of_their_own(acme, done) -> None:
    with acme.bound() as session:
        for act, who, *arguments in done:
            before = rights(acme, who)
            attempt(acme, act, who, *(named(acme, who, argument) for argument in arguments))
            gained = rights(acme, who) - before
            assert not gained, (act.__name__, who, arguments, gained)
        session.rollback()


def test_acts_do_happen(acme) -> None:
    """Else the test above would say nothing."""
    with acme.bound() as session:
        assert (None, Permission.AUDIT_READ) not in rights(acme, "member")
        attempt(acme, assign, "admin", "member", "auditor", None)
        attempt(acme, join, "admin", "officer")
        attempt(acme, assign, "admin", "guest", "folder-owner", "closed")
        attempt(acme, share, "guest", "officer", "member", "closed")
        assert (None, Permission.AUDIT_READ) in rights(acme, "member")
        assert ("shared", Permission.DOCUMENT_READ) in rights(acme, "officer")
        assert ("closed", Permission.DOCUMENT_EDIT) in rights(acme, "officer")

        session.rollback()
