"""Who can open a folder or document, and through what: the list for its "Access" page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.access.decision import Grant, Member, decide, require
from portal.access.permissions import Permission, Role
from portal.access.reach import Can, Reaching, ReachPage, roles_that, search_reach
from portal.access.roles import list_roles
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.links.queries import count_links_to
from portal.documents.places import Place, get_live_place
from portal.documents.queries import find_anywhere
from portal.documents.sharing import can_give, can_share, list_shareable_roles


@dataclass(frozen=True, slots=True)
class AccessList:
    """People with what they can do on a place, and what the reader may do about it.

    `place` holds the folders whose names the reader may know, `readable` those of them that they
    may open; `is_readable` says so of the place itself, `takeable` which roles they may take back.
    `link_count` is of the sharing links that lead there.
    """

    found: ReachPage
    place: Place
    readable: frozenset[UUID]
    roles: Mapping[str, Role]
    shareable: Sequence[Role]
    takeable: frozenset[UUID]
    document_id: UUID | None = None
    is_readable: bool = False
    name: str = ""
    link_count: int = 0

    @property
    def folder_names(self) -> Mapping[UUID, str]:
        """The names of the folders that the reader may know."""
        return {folder.id: folder.name for folder in self.place.folders}


def list_folder_access(
    actor: Actor, folder_id: UUID, can: Can | None = None, text: str = "", page: int = 1
) -> AccessList:
    """Everybody who can do something in a folder. Raises `NotFound` or `Forbidden`."""
    place = get_live_place(folder_id)
    require(actor, Permission.ACCESS_READ, place.target())
    return _list(actor, place, can, text, page, name=place.folders[0].name)


def list_document_access(
    actor: Actor, document_id: UUID, can: Can | None = None, text: str = "", page: int = 1
) -> AccessList:
    """Everybody who can do something with a document.

    Its name is for who may read it, or read of it in the log. Raises `NotFound` or `Forbidden`.
    """
    located = find_anywhere(document_id)
    if located.document.trashed_at is not None or not located.place.is_live:
        raise NotFound
    target = located.place.target(f"document:{document_id}")
    require(actor, Permission.ACCESS_READ, target)
    if not decide(actor, Permission.AUDIT_READ):
        require(actor, Permission.DOCUMENT_READ, target)
    name = located.document.name
    return _list(actor, located.place, can, text, page, document_id=document_id, name=name)


def _list(
    actor: Actor,
    place: Place,
    can: Can | None,
    text: str,
    page: int,
    *,
    name: str,
    document_id: UUID | None = None,
) -> AccessList:
    roles = list_roles()
    wanted = roles_that([can] if can else list(Can), roles.values())
    found = search_reach(place.target(), wanted, text, page)
    return AccessList(
        found,
        place.seen_by(actor, Permission.ACCESS_READ),
        frozenset(f.id for f in place.seen_by(actor, Permission.DOCUMENT_READ).folders),
        roles,
        list_shareable_roles(actor, place, roles.values()),
        _takeable(actor, place, found.people, roles),
        document_id,
        decide(actor, Permission.DOCUMENT_READ, place.target()),
        name,
        count_links_to(place, document_id),
    )


def _takeable(
    actor: Actor, place: Place, people: Collection[Reaching], roles: Mapping[str, Role]
) -> frozenset[UUID]:
    """What `unshare_folder` would take from them, each on the folder that it was given on."""
    places = {folder.id: Place(place.folders[at:]) for at, folder in enumerate(place.folders)}
    return frozenset(
        grant.assignment_id
        for person in people
        for grant in person.reach.grants
        if grant.assignment_id is not None
        and grant.folder_id is not None
        and can_share(actor, places[grant.folder_id])
        and can_give(actor, places[grant.folder_id], roles[grant.role])
        and not _is_own(actor, person, grant)
    )


def _is_own(actor: Actor, person: Reaching, grant: Grant) -> bool:
    if grant.group_id is None:
        return person.user_id == actor.user_id
    return isinstance(actor, Member) and grant.group_id in {g.group_id for g in actor.grants}
