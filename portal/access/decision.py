"""The one place where access is decided: a pure function over a snapshot read once a request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.access.permissions import OPERATOR_PERMISSIONS, Permission
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import RecordedRefusal


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions held in the whole organisation, or in one folder and all beneath it."""

    permissions: frozenset[Permission]
    folder_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Actor):
    """A signed-in person with what they hold at this moment."""

    kind: ActorKind = ActorKind.USER
    session_id: UUID
    name: str
    email: str
    proved_at: datetime
    grants: tuple[Grant, ...] = field(default=())


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
    if actor.kind == ActorKind.OPERATOR:
        return permission in OPERATOR_PERMISSIONS
    if not isinstance(actor, Member):
        return False
    return any(
        permission in grant.permissions
        and (grant.folder_id is None or grant.folder_id in target.folders)
        for grant in actor.grants
    )


def require(actor: Actor, permission: Permission, target: Target = ORGANISATION) -> None:
    """Raises `Forbidden` unless `decide` allows."""
    if not decide(actor, permission, target):
        raise Forbidden(permission, target)


def holds_anywhere(actor: Actor, permission: Permission) -> bool:
    """Whether `actor` holds `permission` on anything at all: enough to be shown the way there."""
    return isinstance(actor, Member) and any(permission in g.permissions for g in actor.grants)


def folders_of(actor: Actor, permission: Permission) -> frozenset[UUID]:
    """The folders on which `actor` was given `permission` by name."""
    if not isinstance(actor, Member):
        return frozenset()
    return frozenset(
        g.folder_id for g in actor.grants if permission in g.permissions and g.folder_id
    )
