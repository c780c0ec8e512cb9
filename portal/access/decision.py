"""The one place where access is decided: a pure function over a snapshot read once a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.access.permissions import OPERATOR_PERMISSIONS, Permission
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import RecordedRefusal

NOTHING: frozenset[Permission] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions held in the whole organisation, or in one folder and all beneath it.

    The rest tells through what: the role and its assignment, and the group that it was given to.
    """

    permissions: frozenset[Permission]
    folder_id: UUID | None = None
    role: str = ""
    assignment_id: UUID | None = None
    group_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Actor):
    """A signed-in person with what they hold at this moment.

    What the grants amount to is put together once, as every page asks for it many times.
    """

    kind: ActorKind = ActorKind.USER
    user_id: UUID
    session_id: UUID
    name: str
    email: str
    proved_at: datetime
    grants: tuple[Grant, ...] = field(default=())
    everywhere: frozenset[Permission] = field(init=False, repr=False, compare=False)
    on_folders: Mapping[UUID, frozenset[Permission]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        everywhere = NOTHING
        on_folders: dict[UUID, frozenset[Permission]] = {}
        for grant in self.grants:
            if grant.folder_id is None:
                everywhere |= grant.permissions
            else:
                held = on_folders.get(grant.folder_id, NOTHING)
                on_folders[grant.folder_id] = held | grant.permissions
        object.__setattr__(self, "everywhere", everywhere)
        object.__setattr__(self, "on_folders", on_folders)

    @property
    def roles(self) -> frozenset[str]:
        """The keys of all roles held, anywhere and through anything."""
        return frozenset(grant.role for grant in self.grants)


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is about, and the folders it lies in, nearest first; () is the top."""

    name: str
    folders: Sequence[UUID] = ()


ORGANISATION = Target("organisation")


class Forbidden(RecordedRefusal):
    """The actor lacks a permission. It is raised before anything was changed."""

    status = 403
    message = "You are not allowed to do this."

    def __init__(self, permission: Permission, target: Target) -> None:
        super().__init__(target.name, permission=permission)
        self.permission = permission


def decide(actor: Actor, permission: Permission, target: Target = ORGANISATION) -> bool:
    """Whether `actor` holds `permission` on `target`. What is not granted is refused."""
    if not isinstance(actor, Member):
        return actor.kind == ActorKind.OPERATOR and permission in OPERATOR_PERMISSIONS
    if permission in actor.everywhere:
        return True
    for folder_id in target.folders if actor.on_folders else ():
        if permission in actor.on_folders.get(folder_id, NOTHING):
            return True
    return False


def permissions_on(actor: Actor, target: Target) -> frozenset[Permission]:
    """All that `actor` holds on `target`: the permissions that `decide` allows there."""
    if not isinstance(actor, Member):
        return OPERATOR_PERMISSIONS if actor.kind == ActorKind.OPERATOR else NOTHING
    held = actor.everywhere
    for folder_id in target.folders:
        held |= actor.on_folders.get(folder_id, NOTHING)
    return held


def require(actor: Actor, permission: Permission, target: Target = ORGANISATION) -> None:
    """Raises `Forbidden` unless `decide` allows."""
    if not decide(actor, permission, target):
        raise Forbidden(permission, target)


def holds_anywhere(actor: Actor, permission: Permission) -> bool:
    """Whether `actor` holds `permission` on anything at all: enough to be shown the way there."""
    return isinstance(actor, Member) and (
        permission in actor.everywhere
        or any(permission in held for held in actor.on_folders.values())
    )


def folders_of(actor: Actor, permission: Permission) -> frozenset[UUID]:
    """The folders on which `actor` was given `permission` by name."""
    if not isinstance(actor, Member):
        return frozenset()
    return frozenset(folder for folder, held in actor.on_folders.items() if permission in held)
