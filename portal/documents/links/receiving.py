"""Files that strangers send in by a link: into a folder, of which they see nothing.

They lie there as its maker's, who may upload there; the log tells that they came by the link.
"""

from datetime import timedelta
from uuid import UUID

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.service import record
from portal.auth import attempts
from portal.auth.notices import Notice, tell
from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.documents.adding import add_document
from portal.documents.contents import Body, TooLarge, take_in
from portal.documents.links.kinds import Deed, Kind
from portal.documents.links.managing import get_link
from portal.documents.links.uses import LinkRefused, note_use
from portal.documents.links.validity import check_open, maker_of, take_use
from portal.documents.links.visits import Visit, require_inside
from portal.documents.models import Document
from portal.documents.names import clean_name
from portal.documents.quotas import QuotaExceeded, settling

MIB = 1024 * 1024
MOST_SENDER = 100  # characters
TOLD_EVERY = timedelta(minutes=10)


class NoRoom(LinkRefused):
    """The maker's room or the organisation's is used up. How much it is, is nobody's outside."""

    status = 413
    message = "There is no room for this file. Tell whoever sent you the link."


class _Bounded:
    """A content that may have so many bytes, whatever was announced."""

    def __init__(self, body: Body, most_bytes: int) -> None:
        self._body, self._left = body, most_bytes

    def read(self, size: int, /) -> bytes:
        piece = self._body.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge("This file is larger than it may be here.")
        return piece


def receive_file(visit: Visit, sender: str, name: str, body: Body) -> Document:
    """Take in a file, of which the link counts one use; its maker is told.

    Access is decided before the first byte, and again before the rows. Raises `Invalid`,
    `TooLarge`, `UploadAbandoned`, `NoRoom`, `LinkRefused` or `LinkClosed`.
    """
    require_inside(visit)
    check_open(visit.link)
    link, actor, who = visit.link, visit.actor, visit.who
    if link.kind != Kind.REQUEST:
        raise LinkRefused(link.id, "no-request", "By this link nothing is sent in.")
    sender, name = clean_sender(sender), clean_name(name)
    _check_ending(name, link.endings)
    if link.max_file_mib is not None:
        body = _Bounded(body, link.max_file_mib * MIB)
    link_id, owner_id = link.id, link.created_by
    try:
        stored = take_in(new_id(), name, body, owner_id=owner_id, announced_bytes=None)
    except QuotaExceeded:
        raise NoRoom(link_id, "no-room") from None
    with settling(stored.room):
        maker, place = maker_of(get_link(link_id).link)
        take_use(link_id)
        document = add_document(stored, place.folder_id, name, f"Sent by {sender}")
        record(
            actor,
            Action.DOCUMENT_UPLOADED,
            f"document:{document.id}",
            folder=str(place.folder_id),
            size_bytes=stored.sealed.size_bytes,
            sealed_sha256=stored.sealed.sealed_sha256.hex(),
        )
        note_use(
            actor,
            link_id,
            Deed.UPLOADED,
            document_id=document.id,
            who=f"{sender} ({who})" if who else sender,
        )
        _tell_maker(maker, link_id)
    return document


def clean_sender(sender: str) -> str:
    """What a sender calls themselves, in one line. Raises `Invalid`."""
    sender = sender.strip()
    if not 1 <= len(sender) <= MOST_SENDER or not is_one_line(sender):
        raise Invalid(f"Say who you are, in {MOST_SENDER} characters at most.")
    return sender


def _check_ending(name: str, endings: list[str]) -> None:
    _, dot, ending = name.rpartition(".")
    if endings and not (dot and ending.lower() in endings):
        raise Invalid(f"Only files of these kinds are taken here: {', '.join(endings)}.")


def _tell_maker(maker: Member, link_id: UUID) -> None:
    """One mail for many files: the page of the link lists them all."""
    if attempts.take_turn(f"link-told:{link_id}", TOLD_EVERY):
        tell(maker.user_id, Notice.FILE_RECEIVED)
