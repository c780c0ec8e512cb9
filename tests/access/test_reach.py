"""The list of who can open something says what `decide` says, for everybody."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.access.decision import Member, decide
from portal.access.models import CustomRole, Group, GroupMembership, RoleAssignment
from portal.access.permissions import BUILT_IN, MANAGEMENT, Permission
from portal.access.reach import PAGE_SIZE, Can, roles_that, search_reach
from portal.access.roles import list_roles
from portal.audit.actor import Actor, ActorKind
from portal.auth.live_sessions import find_session
from portal.auth.models import UserSession
from portal.auth.tokens import hash_token
from portal.core import clock
from portal.core.ids import new_id
from portal.documents.access_lists import list_document_access, list_folder_access
from portal.documents.models import Folder
from portal.documents.places import TOP, get_place
from portal.users.models import User, UserState
from tests.browsing import Visitor
from tests.conftest import on_sqlite
from tests.documents.sharers import give, make_folder, make_group, make_role
from tests.harness.statements import statements
from tests.installation import Organisation

STRANGER = Actor(kind=ActorKind.ANONYMOUS, request_id=None)
WORK = sorted(set(Permission) - MANAGEMENT)
OWN_ROLES = st.lists(st.sets(st.sampled_from(WORK), max_size=3), min_size=2, max_size=2)
PEOPLE, GROUPS, FOLDERS = 5, 3, 4


@dataclass(frozen=True)
class Assigned:
    """Who is given what where: by their numbers."""

    holder: int  # from PEOPLE on: a group
    role: str
    folder: int | None
    ends_in_hours: int | None


ROLES = [*BUILT_IN, "own-0", "own-1", "retired", "unknown"]
assigned = st.builds(
    Assigned,
    st.integers(0, PEOPLE + GROUPS - 1),
    st.sampled_from(ROLES),
    st.none() | st.integers(0, FOLDERS - 1),
    st.sampled_from([None, None, -1, 1]),
)


def role_rows(own: Sequence[set[Permission]]) -> list[CustomRole]:
    given = {"own-0": own[0], "own-1": own[1], "retired": set(WORK)}
    return [
        CustomRole(
            key=key,
            name=key,
            sentence="-",
            permissions=sorted(map(str, permissions)),
            retired_at=clock.now() if key == "retired" else None,
        )
        for key, permissions in given.items()
    ]


def people_of(session: Any, states: Sequence[str]) -> dict[UUID, str]:
    """People with a session each; gives its token by their id."""
    tokens = {}
    for n, state in enumerate(states):
        user = User(id=new_id(), email=f"w{n}@acme.example", name=f"Worldly {n}", state=state)
        session.add(user)
        session.flush()
        tokens[user.id] = f"token {n}"
        session.add(
            UserSession(user_id=user.id, token_hash=hash_token(f"token {n}"), address="192.0.2.1",
                        first_factor="password", second_factor="totp", user_agent="x")
        )  # fmt: skip
    session.flush()
    return tokens


def folders_of(session: Any, parents: Sequence[int | None], creator: UUID) -> list[UUID]:
    made: list[UUID] = []
    for n, parent in enumerate(parents):
        above = made[parent % n] if parent is not None and n else None
        folder = Folder(id=new_id(), parent_id=above, name=f"F{n}", created_by=creator)
        session.add(folder)
        session.flush()
        made.append(folder.id)
    return made


def may(member: Member | None, can: Can, folder_id: UUID | None) -> bool:
    """What the page says of somebody, asked of the one function that decides."""
    target = get_place(folder_id).target()
    return member is not None and any(decide(member, p, target) for p in can.permissions)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    own=OWN_ROLES,
    states=st.lists(st.sampled_from(list(UserState)), min_size=PEOPLE, max_size=PEOPLE),
    parents=st.lists(st.none() | st.integers(0, 3), min_size=FOLDERS, max_size=FOLDERS),
    inside=st.sets(st.tuples(st.integers(0, PEOPLE - 1), st.integers(0, GROUPS - 1))),
    assignments=st.lists(assigned, max_size=12, unique_by=lambda a: (a.holder, a.role, a.folder)),
)
@on_sqlite
def test_the_list_is_what_decide_says_in_any_world(
    acme, own, states, parents, inside, assignments
) -> None:
    with acme.bound(writes=True) as session:
        session.add_all(role_rows(own))
        tokens = people_of(session, states)
        folders = folders_of(session, parents, acme["member"].id)
        holders: list[UUID] = [*tokens]
        for n in range(GROUPS):
            group = Group(id=new_id(), name=f"G{n}", name_key=f"g{n}")
            session.add(group)
            holders.append(group.id)
        session.flush()
        for user, group in inside:
            session.add(GroupMembership(user_id=holders[user], group_id=holders[PEOPLE + group]))
        for one in assignments:
            ends = one.ends_in_hours
            row = RoleAssignment(role=one.role, folder_id=None)
            row.folder_id = None if one.folder is None else folders[one.folder]
            row.expires_at = clock.now() + timedelta(hours=ends) if ends else None
            setattr(row, "user_id" if one.holder < PEOPLE else "group_id", holders[one.holder])
            session.add(row)
        session.flush()
        check(tokens, [*folders, None])
        session.rollback()


def check(tokens: Mapping[UUID, str], folders: Sequence[UUID | None]) -> None:
    found = {user_id: find_session(token, STRANGER) for user_id, token in tokens.items()}
    members = {user_id: one.member if one else None for user_id, one in found.items()}
    roles = list_roles().values()
    for folder_id in folders:
        target = get_place(folder_id).target()
        listed = search_reach(target, roles_that(Can, roles), "worldly")
        said = {person.user_id: set(person.reach.can) for person in listed.people}
        expected = {
            user_id: {can for can in Can if may(member, can, folder_id)}
            for user_id, member in members.items()
        }
        assert said == {user_id: can for user_id, can in expected.items() if can}
        for person in listed.people:
            member = members[person.user_id]
            assert set(person.reach.grants) <= set(member.grants)
            held = {p for p in Permission if decide(member, p, target)}
            assert held == person.reach.permissions
        for can in Can:
            page = search_reach(target, roles_that([can], roles), "worldly")
            assert {p.user_id for p in page.people} == {u for u, c in expected.items() if can in c}
            assert page.total == len(page.people)


# By the pages, on both databases


def rows_of(visitor: Visitor, path: str) -> dict[str, tuple[set[str], list[str]]]:
    """What the list says, by name: what they can, and through what."""
    answer = visitor.get(path)
    assert answer.status_code == 200
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", answer.text, re.DOTALL)[1:]:
        name = words(re.search(r'<th scope="row".*?</th>', row, re.DOTALL)[0])
        can = set(re.findall(r'<span class="tag">(.*?)</span>', row))
        found[re.sub(r" (\(you\)|\S+@\S+)", "", name)] = (
            can,
            [words(way) for way in re.findall(r"<li>(.*?)</li>", row, re.DOTALL)],
        )
    return found


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split()).replace(" ,", ",")


def test_the_page_tells_who_can_what_and_through_what(acme) -> None:
    beneath = make_folder(acme, "Beneath", "shared")
    staff = make_group(acme, "Staff", "officer", "deactivated", "guest")
    soon = clock.now() + timedelta(days=2)
    give(acme, staff, "folder-owner", beneath, group=True, expires_at=soon)
    give(acme, "second_admin", make_role(acme, "filer", Permission.DOCUMENT_UPLOAD), "shared")
    give(acme, "auditor", "guest", "closed")
    give(acme, "officer", "guest", "shared", expires_at=clock.now() - timedelta(hours=1))
    until = f"until {soon:%Y-%m-%d %H:%M} UTC"
    everything, name = {"Read", "Change", "Let others in"}, lambda who: acme[who].name
    whole = "in the whole organisation"
    said = rows_of(acme.visit("auditor"), f"/folders/{beneath}/access")
    assert said == {
        name("admin"): ({"Let others in"}, [f"Admin {whole}"]),
        name("auditor"): ({"Read"}, [f"Auditor {whole}"]),
        name("guest"): (
            everything,
            [
                "Guest given on “Shared”",
                f"Folder owner given here, through the group Staff, {until}",
            ],
        ),
        name("member"): ({"Read", "Change"}, [f"Member {whole}"]),
        name("officer"): (
            everything, [f"Folder owner given here, through the group Staff, {until}"],
        ),
        name("second_admin"): (
            {"Change", "Let others in"}, [f"Admin {whole}", "Filer given on “Shared”"],
        ),
    }  # fmt: skip
    page = acme.visit("auditor").get(f"/folders/{beneath}/access").text
    assert "6 people; 1 more once the invitation is accepted; 1 deactivated, who can’t" in page
    auditor = acme.visit("auditor")
    for can, who in (
        ("read", {"auditor", "guest", "member", "officer"}),
        ("change", {"guest", "member", "officer", "second_admin"}),
        ("share", {"admin", "guest", "officer", "second_admin"}),
    ):
        found = rows_of(auditor, f"/folders/{beneath}/access?can={can}")
        assert found.keys() == {name(one) for one in who}, can
    assert rows_of(auditor, f"/folders/{beneath}/access?q=OFFIC").keys() == {name("officer")}
    assert "Nobody found" in auditor.get(f"/folders/{beneath}/access?q=acme.example").text
    assert rows_of(auditor, f"/folders/{beneath}/access?can=x&page=-1").keys() == said.keys()
    plan = rows_of(auditor, f"/documents/{acme.documents['plan']}/access")
    assert "Guest given on “Shared”" in plan[name("guest")][1]
    top = rows_of(auditor, f"/documents/{acme.documents['note']}/access")
    assert top.keys() == {name(one) for one in ("admin", "second_admin", "member", "auditor")}


def test_the_page_is_what_decide_says_of_everybody(acme) -> None:
    """A fixed world, by the services behind the pages, on PostgreSQL too."""
    beneath = make_folder(acme, "Beneath", "shared")
    give(acme, make_group(acme, "Staff", "officer", "guest"), "guest", "closed", group=True)
    give(acme, "auditor", "folder-owner", "shared")
    with acme.bound():
        actor = find_session(acme["auditor"].token, STRANGER).member
        for folder_id in (*acme.folders.values(), beneath):
            listed = list_folder_access(actor, folder_id).found
            said = {person.user_id: set(person.reach.can) for person in listed.people}
            for person in acme.people.values():
                found = find_session(person.token, STRANGER) if person.token else None
                can = {c for c in Can if may(found and found.member, c, folder_id)}
                assert said.get(person.id, set()) == can, person.name
        assert list_document_access(actor, acme.documents["canary"]).found.total > 0


def crowd(acme: Organisation, count: int) -> None:
    with acme.bound(writes=True) as session:
        group = Group(id=new_id(), name=f"Crowd {count}", name_key=f"crowd {count}")
        people = [
            User(id=new_id(), email=f"{n}@{count}.example", name=f"P {n}", state="active")
            for n in range(count)
        ]
        session.add_all([group, *people])
        session.flush()
        session.add(
            RoleAssignment(group_id=group.id, role="guest", folder_id=acme.folders["shared"])
        )
        session.add_all(RoleAssignment(user_id=person.id, role="member") for person in people)
        session.add_all(GroupMembership(group_id=group.id, user_id=p.id) for p in people)


def test_it_takes_five_statements_however_many_people_there_are(acme) -> None:
    counts = []
    for more in (3, 400):
        crowd(acme, more)
        with acme.bound():
            target = get_place(acme.folders["shared"]).target()
            with statements() as sent:
                found = search_reach(target, roles_that(Can, list_roles().values()))
            counts.append(len(sent))
    assert counts[0] == counts[1] <= 5
    assert (len(found.people), found.total) == (PAGE_SIZE, 403 + 5)
    last = acme.visit("officer").get(f"/folders/{acme.folders['shared']}/access?page=99")
    assert f"Page {found.pages} of {found.pages}" in last.text


def test_nobody_is_listed_on_what_lies_in_the_trash(acme) -> None:
    acme.visit("member").post(f"/folders/{acme.folders['shared']}/delete")
    officer = acme.visit("officer")
    assert officer.get(f"/folders/{acme.folders['shared']}/access").status_code == 404
    assert officer.get(f"/documents/{acme.documents['plan']}/access").status_code == 404
    assert TOP.target().folders == ()
