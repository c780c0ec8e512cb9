"""What decides about access, as the audit log tells it: pure, entry by entry.

The log names people, groups, roles, folders and documents by their ids, as text; so does this.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from portal.access.decision import Grant
from portal.access.ends import is_later
from portal.access.permissions import BUILT_IN, Permission
from portal.access.roles import permissions_from
from portal.audit.actions import Action
from portal.audit.entries import Entry
from portal.users.models import UserState


@dataclass(frozen=True, slots=True)
class Given:
    """A role as it was given: to whom, where, by whom, when, why."""

    assignment_id: UUID | None
    holder: str  # "user:…" or "group:…"
    role: str
    folder_id: UUID | None
    expires_at: datetime | None
    reason: str
    way: str
    given_by: UUID | None
    given_at: datetime


@dataclass(slots=True)
class World:
    """Everything that decisions follow from, at one moment."""

    people: dict[UUID, UserState] = field(default_factory=dict)
    groups: dict[UUID, set[UUID]] = field(default_factory=dict)
    own_roles: dict[str, frozenset[Permission]] = field(default_factory=dict)
    given: dict[tuple[str, str, UUID | None], Given] = field(default_factory=dict)
    parents: dict[UUID, UUID | None] = field(default_factory=dict)
    folder_of: dict[UUID, UUID | None] = field(default_factory=dict)  # of each document
    trashed: set[UUID] = field(default_factory=set)

    def apply(self, entry: Entry) -> None:
        """Let what an entry tells happen. What has no part in access is passed over."""
        step = _STEPS.get(entry.action)
        if step is not None:
            step(self, entry)

    def holdings_of(self, user_id: UUID) -> Iterator[tuple[Given, Grant]]:
        """Everything that somebody was given, by name or through a group, ended or not."""
        groups = {group for group, people in self.groups.items() if user_id in people}
        for given in self.given.values():
            kind, holder_id = _split(given.holder)
            if kind == "user" and holder_id == user_id:
                yield given, self._grant(given, None)
            elif kind == "group" and holder_id in groups:
                yield given, self._grant(given, holder_id)

    def chain_of(self, folder_id: UUID | None) -> tuple[UUID, ...]:
        """A folder and those above it, nearest first."""
        chain: list[UUID] = []
        while folder_id is not None and folder_id not in chain:
            chain.append(folder_id)
            folder_id = self.parents.get(folder_id)
        return tuple(chain)

    def place_of(self, target: str) -> tuple[UUID, ...] | None:
        """The folders that a folder or document lay in; None where it was not there to be seen."""
        kind, thing = _split(target)
        if kind == "folder" and thing in self.parents:
            chain = self.chain_of(thing)
        elif kind == "document" and thing in self.folder_of:
            chain = self.chain_of(self.folder_of[thing])
        else:
            return None
        return None if self.trashed & {thing, *chain} else chain

    def unknown_folders(self, target: str) -> list[UUID]:
        """The folder on the way up from `target` that nothing was told of yet, if there is one."""
        kind, thing = _split(target)
        chain = self.chain_of(self.folder_of.get(thing) if kind == "document" else thing)
        return [folder for folder in chain if folder not in self.parents]

    def _grant(self, given: Given, group_id: UUID | None) -> Grant:
        return Grant(
            self.permissions_of(given.role),
            given.folder_id,
            given.role,
            given.assignment_id,
            group_id,
            given.expires_at,
        )

    def permissions_of(self, role: str) -> frozenset[Permission]:
        """What a role allowed. A built-in one is what this version makes of it."""
        if role in BUILT_IN:
            return BUILT_IN[role].permissions
        return self.own_roles.get(role, frozenset())


def _split(target: str) -> tuple[str, UUID]:
    kind, _, thing = target.partition(":")
    return kind, UUID(thing)


def _id(value: str | None) -> UUID | None:
    return UUID(value) if value else None


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _person(state: UserState) -> Callable[[World, Entry], None]:
    def step(world: World, entry: Entry) -> None:
        after = entry.detail.get("state", state)
        world.people[_split(entry.target)[1]] = UserState(after)

    return step


def _invited(world: World, entry: Entry) -> None:
    world.people.setdefault(_split(entry.target)[1], UserState.INVITED)


def _role_given(world: World, entry: Entry) -> None:
    detail = entry.detail
    given = Given(
        _id(detail.get("assignment")),
        entry.target,
        detail["role"],
        _id(detail.get("folder")),
        _time(detail.get("expires_at")),
        detail.get("reason") or "",
        detail.get("way") or "",
        entry.actor_id,
        entry.at,
    )
    world.given[given.holder, given.role, given.folder_id] = given


def _role_taken(world: World, entry: Entry) -> None:
    world.given.pop((entry.target, entry.detail["role"], _id(entry.detail.get("folder"))), None)


def _role_end_changed(world: World, entry: Entry) -> None:
    at = entry.target, entry.detail["role"], _id(entry.detail.get("folder"))
    given = world.given.get(at)
    if given is None:
        return
    ends = _time(entry.detail["expires_at"])
    if is_later(ends, given.expires_at):
        given = replace(given, given_by=entry.actor_id)
    world.given[at] = replace(given, expires_at=ends)


def _role_defined(world: World, entry: Entry) -> None:
    world.own_roles[_key(entry)] = permissions_from(entry.detail["permissions"])


def _role_retired(world: World, entry: Entry) -> None:
    world.own_roles.pop(_key(entry), None)


def _key(entry: Entry) -> str:
    return entry.target.partition(":")[2]


def _group_made(world: World, entry: Entry) -> None:
    world.groups[_split(entry.target)[1]] = set()


def _group_deleted(world: World, entry: Entry) -> None:
    world.groups.pop(_split(entry.target)[1], None)
    world.given = {at: given for at, given in world.given.items() if given.holder != entry.target}


def _put_into_group(world: World, entry: Entry) -> None:
    world.groups.setdefault(_split(entry.target)[1], set()).add(UUID(entry.detail["person"]))


def _taken_out_of_group(world: World, entry: Entry) -> None:
    world.groups.get(_split(entry.target)[1], set()).discard(UUID(entry.detail["person"]))


def _folder_placed(world: World, entry: Entry) -> None:
    world.parents[_split(entry.target)[1]] = _id(entry.detail.get("folder"))


def _document_placed(world: World, entry: Entry) -> None:
    world.folder_of[_split(entry.target)[1]] = _id(entry.detail.get("folder"))


def _trashed(world: World, entry: Entry) -> None:
    world.trashed.add(_split(entry.target)[1])


def _restored(world: World, entry: Entry) -> None:
    world.trashed.discard(_split(entry.target)[1])


_PLACING: Mapping[str, Callable[[World, Entry], None]] = {
    Action.DOCUMENT_DELETED: _trashed,
    Action.DOCUMENT_MOVED: _document_placed,
    Action.DOCUMENT_RESTORED: _restored,
    Action.DOCUMENT_UPLOADED: _document_placed,
    Action.FOLDER_CREATED: _folder_placed,
    Action.FOLDER_DELETED: _trashed,
    Action.FOLDER_MOVED: _folder_placed,
    Action.FOLDER_RESTORED: _restored,
}
_HOLDING: Mapping[str, Callable[[World, Entry], None]] = {
    Action.GROUP_CREATED: _group_made,
    Action.GROUP_DELETED: _group_deleted,
    Action.GROUP_MEMBER_ADDED: _put_into_group,
    Action.GROUP_MEMBER_REMOVED: _taken_out_of_group,
    Action.INVITATION_ACCEPTED: _person(UserState.ACTIVE),
    Action.MEMBER_DEACTIVATED: _person(UserState.DEACTIVATED),
    Action.MEMBER_INVITED: _invited,
    Action.MEMBER_PROVISIONED: _person(UserState.ACTIVE),
    Action.MEMBER_REACTIVATED: _person(UserState.ACTIVE),
    Action.ROLE_ASSIGNED: _role_given,
    Action.ROLE_CHANGED: _role_defined,
    Action.ROLE_CREATED: _role_defined,
    Action.ROLE_END_CHANGED: _role_end_changed,
    Action.ROLE_REMOVED: _role_taken,
    Action.ROLE_RESTORED: _role_defined,
    Action.ROLE_RETIRED: _role_retired,
}
_STEPS = {**_PLACING, **_HOLDING}
PLACING = frozenset(_PLACING)  # the entries that tell where things lie
ACTIONS = frozenset(_STEPS)
