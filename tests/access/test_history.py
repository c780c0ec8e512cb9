"""Access as of a past time: the log, replayed, says what was true."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access import service
from portal.access.decision import Member, Target, decide
from portal.access.history.queries import replay_access, replay_place
from portal.access.history.world import World
from portal.access.holders import get_person
from portal.access.permissions import Permission
from portal.access.present import given_to
from portal.access.queries import assignments_of
from portal.auth.membership import deactivate_member, reactivate_member
from portal.core import clock
from portal.core.errors import NotFound, PortalError
from portal.documents.folders import move_folder
from portal.documents.places import get_place
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import get_user
from tests.conftest import on_sqlite
from tests.installation import Organisation

ASKED = (
    Permission.DOCUMENT_READ,
    Permission.DOCUMENT_EDIT,
    Permission.FOLDER_SHARE,
    Permission.MEMBER_READ,
    Permission.AUDIT_READ,
)


def admin_of(organisation: Organisation) -> Member:
    return present(session_user(organisation, "admin"))


def session_user(organisation: Organisation, who: str) -> User:
    return get_user(organisation[who].id)


def folder(organisation: Organisation, name: str | None) -> UUID | None:
    return organisation.folders[name] if name else None


def attempt(organisation: Organisation, act: Callable[..., None], *arguments: object) -> None:
    """Do something as a request does: whole, or not at all."""
    point = db.session.begin_nested()
    try:
        act(organisation, *arguments)
        db.session.flush()
    except PortalError:
        point.rollback()
    else:
        point.commit()


def give(organisation: Organisation, who: str, role: str, place: str | None, days: int | None):
    service.assign_role(
        admin_of(organisation),
        get_person(organisation[who].id),
        role,
        folder(organisation, place),
        expires_at=clock.now() + timedelta(days=days) if days else None,
    )


def take(organisation: Organisation, who: str) -> None:
    for held in assignments_of([organisation[who].id]).get(organisation[who].id, ()):
        service.remove_role(admin_of(organisation), get_person(organisation[who].id), held.id)


def move(organisation: Organisation, name: str, into: str | None) -> None:
    member = present(session_user(organisation, "member"))
    move_folder(member, organisation.folders[name], folder(organisation, into))


def bar(organisation: Organisation, who: str) -> None:
    deactivate_member(admin_of(organisation), organisation[who].id)


def unbar(organisation: Organisation, who: str) -> None:
    reactivate_member(admin_of(organisation), organisation[who].id)


def present(user: User) -> Member:
    """Somebody with what the rows say they hold, as a session reads it."""
    now = clock.now()
    held = [grant for _, grant in given_to(user.id)]
    return Member(
        session_id=user.id,
        user_id=user.id,
        name=user.name,
        email=user.email,
        proved_at=now,
        grants=tuple(g for g in held if g.expires_at is None or g.expires_at > now)
        if user.state == UserState.ACTIVE
        else (),
    )


def replay(organisation: Organisation, at: datetime) -> World:
    """The rights of a moment, with all folders."""
    world = replay_access(at)
    for folder_id in organisation.folders.values():
        replay_place(world, f"folder:{folder_id}", at)
    return world


def check_the_present(organisation: Organisation) -> None:
    """Everybody's rights in every folder are the same by the rows and by the log."""
    world = replay(organisation, clock.now())
    folders = [None, *organisation.folders.values()]
    for user in db.session.query(User):
        member = present(user)
        could_sign_in = world.people.get(user.id) == UserState.ACTIVE
        then = [
            grant
            for _, grant in world.holdings_of(user.id)
            if could_sign_in and (grant.expires_at is None or grant.expires_at > clock.now())
        ]
        past = Member(
            session_id=user.id, user_id=user.id, name=user.name, email=user.email,
            proved_at=clock.now(), grants=tuple(then),
        )  # fmt: skip
        for folder, permission in product(folders, ASKED):
            here = tuple(row.id for row in get_place(folder).folders)
            assert world.chain_of(folder) == here
            asked = Target("thing", here)
            assert decide(past, permission, asked) is decide(member, permission, asked), (
                user.email,
                permission,
                folder,
            )


def test_at_the_start_the_log_and_the_rows_agree(acme, globex) -> None:
    for organisation in (acme, globex):
        with organisation.bound():
            check_the_present(organisation)


PEOPLE = ("member", "guest", "auditor", "officer", "second_admin", "invited")
people = st.sampled_from(PEOPLE)
places = st.sampled_from([None, "shared", "closed"])
roles = st.sampled_from(["member", "guest", "auditor", "folder-owner", "compliance-officer"])
steps = st.one_of(
    st.tuples(st.just(give), people, roles, places, st.sampled_from([None, 1])),
    st.tuples(st.just(take), people),
    st.tuples(st.just(move), st.sampled_from(["shared", "closed"]), places),
    st.tuples(st.just(bar), people),
    st.tuples(st.just(unbar), people),
)


@on_sqlite
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(steps, min_size=1, max_size=8))
def test_whatever_happens_the_log_and_the_rows_agree(acme, happened) -> None:
    with acme.bound() as session:
        for act, *arguments in happened:
            attempt(acme, act, *arguments)
        check_the_present(acme)
        session.rollback()


def test_a_world_of_the_past_stays_what_it_was(acme, clock) -> None:
    with acme.bound(writes=True) as session:
        attempt(acme, give, "officer", "guest", "shared", None)
        session.commit()
    then = clock.now(UTC)
    clock.advance(minutes=1)
    with acme.bound(writes=True) as session:
        attempt(acme, take, "officer")
        attempt(acme, move, "shared", "closed")
        attempt(acme, bar, "member")
        session.commit()
    with acme.bound():
        world = replay(acme, then)
        shared = acme.folders["shared"]
        assert world.chain_of(shared) == (shared,)
        assert world.people[acme["member"].id] == UserState.ACTIVE
        roles = {given.role for given, _ in world.holdings_of(acme["officer"].id)}
        assert roles == {"compliance-officer", "guest"}
        check_the_present(acme)


def test_one_thing_is_placed_without_reading_all_of_them(acme) -> None:
    with acme.bound() as session:
        attempt(acme, move, "shared", "closed")
        target = f"document:{acme.documents['plan']}"
        world = replay_access(clock.now())
        replay_place(world, target, clock.now())
        assert world.place_of(target) == (acme.folders["shared"], acme.folders["closed"])
        assert acme.documents["note"] not in world.folder_of
        session.rollback()


def test_what_was_not_there_yet_has_no_place(acme) -> None:
    with acme.bound():
        long_ago = clock.now() - timedelta(days=400)
        with pytest.raises(NotFound):
            replay_place(replay_access(long_ago), f"folder:{acme.folders['shared']}", long_ago)
