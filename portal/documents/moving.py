"""Moving is sharing: what comes to lie in a folder is open to all who were let into that folder.

So it takes the right to share where a thing lies now, and nobody comes to hold more on a thing by
moving it into a folder of their own. Folders that the thing lies in already make no difference, nor
do those on which nobody was given anything: there, moving is no more than moving.

Moving can also be deleting, where a rule does that sooner than where a thing lies now. So it takes
the right to delete the thing, if other rules delete there.

A move and a share at the same moment need no lock between them. A move is refused for what is
given on folders that are entered, a share for where its own folder lies, and no folder is both. So
it ends as if one had come after the other, in an order in which both were allowed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy import or_, select

from portal.access.decision import NOTHING, Forbidden, Member, decide, require
from portal.access.models import RoleAssignment
from portal.access.permissions import Permission, Role
from portal.access.queries import has_ended
from portal.access.roles import list_live_roles
from portal.audit.actor import Actor
from portal.documents.choosing import Level, Spot, list_level
from portal.documents.links.queries import list_linked
from portal.documents.places import Place, get_live_place
from portal.documents.queries import find_anywhere, get_document
from portal.documents.retention.deleting import list_deleting
from portal.documents.sharing import can_give
from portal.tenancy.session import db

SHARE, DELETE = Permission.FOLDER_SHARE, Permission.DOCUMENT_DELETE
BY_LINK = frozenset({Permission.DOCUMENT_READ, Permission.LINK_CREATE})


class WouldShare(Forbidden):
    """By being moved a thing would come to be held by somebody to whom the actor can't give it."""

    message = (
        "Others were let into that folder, or you hold more there than here. Moving this there "
        "would share it, and you can't share it where it lies now."
    )


class WouldDelete(Forbidden):
    """By being moved a thing would come to be deleted by a rule, and the actor can't delete it."""

    message = "Another rule would delete this there, and you can't delete it where it lies now."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What moving would come to.

    `is_shared`: others come to hold what is moved. `is_deleted`: another rule deletes it there.
    `lacking` is what forbids it, if anything.
    """

    is_shared: bool
    is_deleted: bool
    lacking: Permission | None


@dataclass(frozen=True, slots=True)
class Destination:
    """A level of the tree to which a thing could be moved, or from which one goes on."""

    level: Level
    is_here: bool
    outlook: Outlook

    @property
    def can_move(self) -> bool:
        """Whether it can be moved to the place itself."""
        return self.level.is_held and not self.is_here and self.outlook.lacking is None


@dataclass(frozen=True, slots=True)
class _There:
    """What becomes of things elsewhere: the roles that others than the mover were given on folders,
    by the folder; the folders that whoever has a link reads; and the rules that delete, each with
    its folder.
    """

    roles: Mapping[UUID, Collection[Role]]
    linked: Collection[UUID]
    deleting: Collection[tuple[UUID, UUID | None]]

    @classmethod
    def besides(cls, actor: Actor, folder_ids: Collection[UUID]) -> Self:
        """What others hold on the folders that are entered, and what rules delete anywhere."""
        deleting = list_deleting()
        if not folder_ids:
            return cls({}, (), deleting)
        given = select(RoleAssignment.folder_id, RoleAssignment.role).where(
            RoleAssignment.folder_id.in_(folder_ids),
            or_(RoleAssignment.user_id.is_(None), RoleAssignment.user_id != actor.user_id),
            or_(RoleAssignment.expires_at.is_(None), ~has_ended()),
        )
        rows = db.session.execute(given.distinct()).all()
        known = list_live_roles() if rows else {}
        found: dict[UUID, list[Role]] = defaultdict(list)
        for folder_id, key in rows:
            if folder_id is not None and key in known:
                found[folder_id].append(known[key])
        return cls(found, list_linked(folder_ids), deleting)

    def gained(self, source: Place, destination: Place) -> Sequence[Role]:
        """The roles that come to be held on what is moved."""
        return [role for at in _entered(source, destination) for role in self.roles.get(at, ())]

    def is_linked(self, source: Place, destination: Place) -> bool:
        """Whether what is moved comes to be read by a link."""
        return any(at in self.linked for at in _entered(source, destination))

    def is_deleted(self, source: Place, destination: Place, moved_id: UUID | None) -> bool:
        """Whether other rules delete what is moved than those where it lies. Those on a folder that
        is moved itself, `moved_id`, come along.
        """
        after = self._reaching(destination, moved_id)
        return bool(after) and after != self._reaching(source, moved_id)

    def _reaching(self, place: Place, moved_id: UUID | None) -> Collection[UUID]:
        above = {folder.id for folder in place.folders} - {moved_id}
        return {rule_id for rule_id, at in self.deleting if at is None or at in above}


@dataclass(frozen=True, slots=True)
class Move:
    """A way that a thing could take, and what it takes to edit the thing and to add it there."""

    source: Place
    destination: Place
    to_edit: Permission
    to_add: Permission
    moved_id: UUID | None = None  # of a folder


def foresee(actor: Actor, moves: Collection[Move]) -> Outlook:
    """What doing all of this would come to; in as many statements for few as for many."""
    there = _There.besides(
        actor, {one for move in moves for one in _entered(move.source, move.destination)}
    )
    outlooks = [
        _outlook(actor, move.source, move.destination, there, move.moved_id) for move in moves
    ]
    return Outlook(
        any(one.is_shared for one in outlooks),
        any(one.is_deleted for one in outlooks),
        next((one.lacking for one in outlooks if one.lacking), None),
    )


def can_move_all(actor: Actor, moves: Collection[Move]) -> bool:
    """Whether moving would be let do all of this; in four statements, however much it is."""
    may_move = all(
        move.source.is_live
        and move.destination.is_live
        and decide(actor, move.to_edit, move.source.target())
        and decide(actor, move.to_add, move.destination.target())
        for move in moves
    )
    return may_move and foresee(actor, moves).lacking is None


def require_to_move(
    actor: Actor,
    source: Place,
    destination: Place,
    name: str = "",
    *,
    moved_id: UUID | None = None,
) -> None:
    """`moved_id` is the folder, where one is moved.

    Raises `WouldShare` unless `actor` could share what lies at `source` with all who gain it, or
    `WouldDelete` where they could not delete it, and another rule would.
    """
    there = _There.besides(actor, _entered(source, destination))
    lacking = _lacking(actor, source, destination, there, moved_id)
    if lacking is not None:
        refusal = WouldDelete if lacking == DELETE else WouldShare
        raise refusal(lacking, source.target(name))


def show_destination_of_folder(actor: Actor, folder_id: UUID, spot: Spot | None) -> Destination:
    """Where `actor` is on the way to another place for a folder; at first, where it lies.

    Raises `NotFound` or `Forbidden`.
    """
    source = get_live_place(folder_id)
    require(actor, Permission.FOLDER_EDIT, source.target())
    return _destination(actor, Permission.FOLDER_CREATE, source, spot, moved_id=folder_id)


def show_destination_of_document(actor: Actor, document_id: UUID, spot: Spot | None) -> Destination:
    """Where `actor` is on the way to another place for a document; at first, where it lies.

    Raises `NotFound` or `Forbidden`.
    """
    get_document(actor, document_id, Permission.DOCUMENT_EDIT)
    source = find_anywhere(document_id).place  # whole, also where the actor sees less of it
    return _destination(actor, Permission.DOCUMENT_UPLOAD, source, spot)


def _destination(
    actor: Actor,
    permission: Permission,
    source: Place,
    spot: Spot | None,
    *,
    moved_id: UUID | None = None,
) -> Destination:
    above = Place(source.folders[1:]) if moved_id else source  # a folder is its own first one
    if spot is None:
        spot = Spot(above.folder_id if decide(actor, permission, above.target()) else None)
    level = list_level(actor, permission, spot, without=moved_id)
    there = _There.besides(actor, _entered(source, level.place))
    return Destination(
        level,
        level.place.folder_id == above.folder_id,
        _outlook(actor, source, level.place, there, moved_id),
    )


def _outlook(
    actor: Actor, source: Place, destination: Place, there: _There, moved_id: UUID | None
) -> Outlook:
    return Outlook(
        is_shared=there.is_linked(source, destination) or bool(there.gained(source, destination)),
        is_deleted=there.is_deleted(source, destination, moved_id),
        lacking=_lacking(actor, source, destination, there, moved_id),
    )


def _lacking(
    actor: Actor, source: Place, destination: Place, there: _There, moved_id: UUID | None
) -> Permission | None:
    """What the actor would have to hold at `source` as well, or None.

    Where a link leads, that is what making it takes.
    """
    is_deleted = there.is_deleted(source, destination, moved_id)
    if is_deleted and not decide(actor, DELETE, source.target()):
        return DELETE
    by_link = BY_LINK if there.is_linked(source, destination) else NOTHING
    for permission in sorted(_own(actor, _entered(source, destination)) | by_link):
        if not decide(actor, permission, source.target()):
            return permission
    gained = there.gained(source, destination)
    may_share = decide(actor, Permission.ROLE_ASSIGN) or decide(actor, SHARE, source.target())
    if gained and not (may_share and all(can_give(actor, source, role) for role in gained)):
        return SHARE
    return None


def _entered(source: Place, destination: Place) -> Collection[UUID]:
    """The folders that a thing comes to lie in, and does not lie in yet."""
    return {folder.id for folder in destination.folders} - {folder.id for folder in source.folders}


def _own(actor: Actor, folder_ids: Collection[UUID]) -> frozenset[Permission]:
    """What the actor was given on these folders by name or through a group."""
    held = actor.on_folders if isinstance(actor, Member) else {}
    return frozenset().union(*(held.get(folder_id, ()) for folder_id in folder_ids))
