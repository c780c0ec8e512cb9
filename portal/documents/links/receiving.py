"""Files that strangers send in by a link: into a folder, of which they see nothing.

They lie there as its maker's, who may upload there; the log tells that they came by the link.
"""

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts
from portal.auth.notices import Notice, tell
from portal.core.errors import Invalid, NotFound, PortalError
from portal.core.ids import new_id
from portal.core.texts import as_one_line, is_one_line
from portal.documents.adding import add_document
from portal.documents.contents import Body, TooLarge, TypeNotAllowed, UploadAbandoned, take_in
from portal.documents.links.kinds import Deed, Kind
from portal.documents.links.models import SharingLink
from portal.documents.links.uses import LinkRefused, note_use, record_refusal
from portal.documents.links.validity import check_open, maker_of, read_link_again, take_use
from portal.documents.links.visits import Visit, require_inside
from portal.documents.models import Document
from portal.documents.names import MAX_LENGTH, clean_name
from portal.documents.quotas import QuotaExceeded, settling
from portal.documents.scanning import Infected, ScannerAway

MIB = 1024 * 1024
MOST_SENDER = 100  # characters
TOLD_EVERY = timedelta(minutes=10)
NOT_NOW = "The portal can’t take this file just now. Please try again later."


class WrongEnding(Invalid):
    """The name does not end as those do that the link asks for."""


# Why a file is not taken, in a word for the link's page, and what its sender is told where the
# error's own words are not for somebody outside. The first that fits counts.
_REASONS: Sequence[tuple[type[PortalError], str, str | None]] = (
    (
        QuotaExceeded,  # how much room there is, is nobody's outside
        "no-room",
        "There is no room for this file. Tell whoever sent you the link.",
    ),
    (TypeNotAllowed, "wrong-type", "Files of this kind are not taken here."),
    (TooLarge, "too-large", None),
    (WrongEnding, "wrong-ending", None),
    (Invalid, "bad-name", None),
    (Infected, "infected", None),
    (ScannerAway, "not-scanned", None),
    (UploadAbandoned, "broke-off", None),
    (PortalError, "not-taken", NOT_NOW),
)


class FileRefused(LinkRefused):
    """A file was not taken. The link's maker is shown which, and why."""

    def __init__(self, link_id: UUID, cause: PortalError, who: str, file_name: str) -> None:
        reason, message = _why(cause)
        super().__init__(link_id, reason, message, who=who)
        self.status = cause.status
        self._cause, self._file_name = cause, as_one_line(file_name)[:MAX_LENGTH]

    def record(self, actor: Actor) -> None:
        """Add the entry, and the line for the maker; and what the cause tells by itself."""
        if isinstance(self._cause, RecordedRefusal) and not isinstance(self._cause, LinkRefused):
            self._cause.record(actor)
        record_refusal(actor, self.link_id, self.reason, who=self.who, file_name=self._file_name)


class _Sent(NamedTuple):
    """A file on its way in: what it is called, what is noted with it, and who sends it."""

    name: str
    note: str
    who: str


class _Bounded:
    """A content that may have so many bytes, whatever was announced."""

    def __init__(self, body: Body, most_bytes: int) -> None:
        self._body, self._left = body, most_bytes

    def read(self, size: int, /) -> bytes:
        piece = self._body.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge("documents", "This file is larger than it may be here.")
        return piece


def receive_file(visit: Visit, sender: str, name: str, body: Body) -> Document:
    """Take in a file, of which the link counts one use; its maker is told.

    Access is decided before the first byte, and again before the rows. Raises `Invalid` for a
    sender who is none, `LinkRefused` where nothing is to be sent, and `FileRefused`; and what
    is no refusal of this file: `NotFound` where the link is gone, or what keeps the portal itself.
    """
    require_inside(visit)
    link = visit.link
    if link.kind != Kind.REQUEST:
        raise LinkRefused(link.id, "no-request", "By this link nothing is sent in.")
    sender = clean_sender(sender)
    link_id, who = link.id, f"{sender} ({visit.who})" if visit.who else sender
    try:
        return _take(visit.actor, link, _Sent(clean_name(name), f"Sent by {sender}", who), body)
    except PortalError as error:
        if _is_refusal(error):
            raise FileRefused(link_id, error, who, name) from error
        raise


def clean_sender(sender: str) -> str:
    """What a sender calls themselves, in one line. Raises `Invalid`."""
    sender = sender.strip()
    if not 1 <= len(sender) <= MOST_SENDER or not is_one_line(sender):
        raise Invalid(f"Say who you are, in {MOST_SENDER} characters at most.")
    return sender


def _take(actor: Actor, link: SharingLink, sent: _Sent, body: Body) -> Document:
    check_open(link)
    _check_ending(sent.name, link.endings)
    if link.max_file_mib is not None:
        body = _Bounded(body, link.max_file_mib * MIB)
    link_id, owner_id = link.id, link.created_by
    stored = take_in(new_id(), sent.name, body, owner_id=owner_id, announced_bytes=None)
    with settling(stored.room):
        maker, place = maker_of(read_link_again(link_id))
        take_use(link_id)
        document = add_document(stored, place.folder_id, sent.name, sent.note)
        record(
            actor,
            Action.DOCUMENT_UPLOADED,
            f"document:{document.id}",
            folder=str(place.folder_id),
            size_bytes=stored.sealed.size_bytes,
            sealed_sha256=stored.sealed.sealed_sha256.hex(),
        )
        note_use(actor, link_id, Deed.UPLOADED, document_id=document.id, who=sent.who)
        _tell_maker(maker, link_id)
    return document


def _check_ending(name: str, endings: list[str]) -> None:
    _, dot, ending = name.rpartition(".")
    if endings and not (dot and ending.lower() in endings):
        raise WrongEnding(f"Only files of these kinds are taken here: {', '.join(endings)}.")


def _is_refusal(error: PortalError) -> bool:
    is_failure = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return not isinstance(error, NotFound) and (not is_failure or isinstance(error, ScannerAway))


def _why(cause: PortalError) -> tuple[str, str]:
    """A word for the link's page, and what whoever sent the file is told."""
    if isinstance(cause, LinkRefused):
        return cause.reason, str(cause)
    reason, told = next(
        (reason, told) for kind, reason, told in _REASONS if isinstance(cause, kind)
    )
    return reason, told or str(cause)


def _tell_maker(maker: Member, link_id: UUID) -> None:
    """One mail for many files: the page of the link lists them all."""
    if attempts.take_turn(f"link-told:{link_id}", TOLD_EVERY):
        tell(maker.user_id, Notice.FILE_RECEIVED)
