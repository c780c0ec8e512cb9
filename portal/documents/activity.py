"""What somebody did, and what others did to them and their documents, as the audit log tells it.

Everybody is told of what concerns them (docs/decisions/0025): it takes no permission, and is not
recorded as a reading of the log.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, true

from portal.access.decision import Member, decide
from portal.access.permissions import Permission
from portal.audit.activity import ActivityEntry, By, list_activity_entries
from portal.audit.pruning import find_mark
from portal.core import clock
from portal.core.ids import ids_named
from portal.documents.gone import is_gone
from portal.documents.links.models import SharingLink
from portal.documents.models import Document
from portal.documents.naming import Named, names_read
from portal.documents.places import TOP, list_places
from portal.tenancy.session import db
from portal.users.queries import names_of

FOLLOWED = 1000  # documents of one person, the newest, of which is told what others did to them


@dataclass(frozen=True, slots=True)
class Activity:
    """A page of it, newest first, with the things and people in it as far as they have a name."""

    entries: Sequence[ActivityEntry]
    older: UUID | None
    things: Mapping[str, Named]
    people: Mapping[UUID, str]
    begins_at: datetime | None  # the log, where it was pruned; told on the last page


def list_activity(member: Member, by: By, before: UUID | None = None) -> Activity:
    """A page of what concerns a member."""
    things = () if by == By.ME else _own_things(member)
    page = list_activity_entries(member.user_id, things, by, before)
    about = {entry.about for entry in page.entries}
    mark = find_mark()
    things, people = names_read(member, about), _people_in(page.entries)
    begins_at = mark.begins_at if mark and not page.older else None
    return Activity(page.entries, page.older, things, people, begins_at)


def _own_things(member: Member) -> Collection[str]:
    """The documents that the member made and may still read, and the links to them.

    Who may not read a document any more is not told what becomes of it. In the trash it is theirs
    still; where its time there is over it is gone, whatever keeps it.
    """
    own = (
        select(Document.id, Document.folder_id)
        .where(Document.created_by == member.user_id, is_gone(clock.now()).is_not(true()))
        .order_by(Document.id.desc())
        .limit(FOLLOWED)
    )
    lie_in = {row[0]: row[1] for row in db.session.execute(own)}
    places = list_places({one for one in lie_in.values() if one}) | {None: TOP}
    readable = {
        folder_id
        for folder_id, place in places.items()
        if decide(member, Permission.DOCUMENT_READ, place.target())
    }
    read = [one for one, folder_id in lie_in.items() if folder_id in readable]
    links = db.session.scalars(select(SharingLink.id).where(SharingLink.document_id.in_(read)))
    return [*(f"document:{one}" for one in read), *(f"link:{one}" for one in links)]


def _people_in(entries: Sequence[ActivityEntry]) -> Mapping[UUID, str]:
    actors = {entry.actor_id for entry in entries if entry.actor_id}
    return names_of({*actors, *ids_named("user", (entry.about for entry in entries))})
