"""Showing a document in the browser, by what can run nothing there (docs/decisions/0014).

Pictures of a few kinds go out as they are, texts as plain text, and of a PDF a page at a time, as a
picture or as its text, made in a confined process.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from uuid import UUID

from portal.access.decision import decide
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import PortalError
from portal.documents.downloads import Download, open_content, require_still
from portal.documents.pictures import READERS, find_picture
from portal.documents.places import Place
from portal.documents.rendering import jobs
from portal.documents.rendering.confinement import End
from portal.documents.rendering.jobs import JobFailed
from portal.documents.texts import find_text
from portal.documents.versions import get_version
from portal.tenancy.session import release

MEBIBYTE = 1024 * 1024
MAX_PICTURE_BYTES, MAX_PIXELS = 25 * MEBIBYTE, 50_000_000
MAX_PDF_BYTES = 50 * MEBIBYTE
TEXT_BYTES = 256 * 1024
MOST_PAGES = 10**6  # more than any file of that size holds, and no program finds too large a number
PLAIN_TEXT, PAGE = "text/plain", "image/webp"
MARKUP = frozenset({"text/html", "text/xml", "text/javascript", "text/css"})


class Kind(StrEnum):
    """In what way a document is shown."""

    PICTURE = "picture"
    PDF = "pdf"
    TEXT = "text"


class Unshowable(PortalError):
    """There is no preview, and why."""

    status = 422
    message = "There is no preview of this kind of file."


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a document: a page of a PDF, as a picture or as its text."""

    page: int = 1
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """What the page round a preview tells. Without a preview, `why_not` says why."""

    name: str
    place: Place
    number: int
    size_bytes: int
    kind: Kind | None
    page_count: int
    why_not: str
    can_see_access: bool

    @property
    def is_cut(self) -> bool:
        """Whether no more than the beginning is shown."""
        return self.kind == Kind.TEXT and self.size_bytes > TEXT_BYTES


@dataclass(frozen=True, slots=True)
class Preview:
    """What is shown: a text in UTF-8 or a picture; `pieces` is None where the reader has it."""

    tag: str
    title: str
    media_type: str
    pieces: Iterator[bytes] | None
    close: Callable[[], None]

    @property
    def is_text(self) -> bool:
        """Whether it is one, and no picture."""
        return self.media_type == PLAIN_TEXT


def kind_of(media_type: str) -> Kind | None:
    """How a type is shown. Whatever a browser could run something of is in no kind."""
    if media_type in READERS:
        return Kind.PICTURE
    if media_type == "application/pdf":
        return Kind.PDF
    is_text = media_type.startswith("text/") or media_type == "application/json"
    return Kind.TEXT if is_text and media_type not in MARKUP else None


def describe_preview(actor: Actor, document_id: UUID, version_id: UUID | None) -> Described:
    """Whether and how a version can be shown. Gives nothing away that would be recorded.

    Raises `NotFound`, `Forbidden`, or what `open_content` raises.
    """
    located, version = get_version(actor, document_id, version_id, Permission.DOCUMENT_READ)
    kind, page_count, why_not = kind_of(version.media_type), 1, ""
    with open_content(located.document, version) as content:
        try:
            if kind == Kind.PDF:
                page_count = as_count(_of_pdf(content, "count", 1))
            else:
                _check(content)
        except Unshowable as error:
            why_not = str(error)
        return Described(
            content.name,
            located.place,
            content.number,
            content.size_bytes,
            kind,
            page_count,
            why_not,
            can_see_access=decide(actor, Permission.ACCESS_READ, located.place.target()),
        )


def open_preview(
    actor: Actor,
    document_id: UUID,
    version_id: UUID | None,
    asked: Asked,
    *,
    is_known: Callable[[str], bool],
) -> Preview:
    """Open what is shown of a version, and record that it was. Whoever reads it closes it.

    `is_known` tells whether the reader has what bears a tag. Raises `NotFound`, `Forbidden`,
    `Unshowable`, `TooBusy`, or what `open_content` raises.
    """
    located, version = get_version(actor, document_id, version_id, Permission.DOCUMENT_READ)
    content = open_content(located.document, version)
    try:
        preview = _preview(content, asked, is_known)
        require_still(actor, document_id)  # seconds may have passed
    except BaseException:
        content.close()
        raise
    record(
        actor,
        Action.DOCUMENT_PREVIEWED,
        f"document:{document_id}",
        version=content.number,
        page=asked.page,
    )
    return preview


def _preview(content: Download, asked: Asked, is_known: Callable[[str], bool]) -> Preview:
    kind = kind_of(content.media_type)
    tag = f"{content.version_id.hex}-{asked.page}-{'text' if asked.is_text else 'picture'}"
    title, media_type = content.name, content.media_type
    if kind == Kind.PDF:
        title = f"Page {asked.page} of {content.name}"
        media_type = PLAIN_TEXT if asked.is_text else PAGE
    elif kind == Kind.TEXT:
        media_type = PLAIN_TEXT
    pieces = None if is_known(tag) else _pieces(content, kind, asked)
    return Preview(tag, title, media_type, pieces, content.close)


def _pieces(content: Download, kind: Kind | None, asked: Asked) -> Iterator[bytes]:
    if kind == Kind.PDF:
        if asked.is_text:
            return iter([_of_pdf(content, "text", asked.page)])
        return iter([as_picture(_of_pdf(content, "picture", asked.page))])
    shown = _check(content)
    return iter([shown.encode()]) if kind == Kind.TEXT else content.read(0, content.size_bytes)


def _check(content: Download) -> str:
    """What a text begins with; of a picture, that it is one which a browser may be sent."""
    kind = kind_of(content.media_type)
    if kind is None:
        raise Unshowable
    head = _beginning(content)
    if kind == Kind.TEXT:
        text = find_text(head, is_cut=content.size_bytes > len(head))
        if text is None:
            raise Unshowable("This is no text, whatever its name says.")
        if not text:
            raise Unshowable("This file is empty.")
        return text
    picture = find_picture(head)
    if picture is None or picture.media_type != content.media_type:
        raise Unshowable("This is no picture of the kind that its name says.")
    if content.size_bytes > MAX_PICTURE_BYTES or picture.width * picture.height > MAX_PIXELS:
        raise Unshowable("This picture is too large to be shown. Download it instead.")
    return ""


def _beginning(content: Download) -> bytes:
    """The first block, which texts and the headers of pictures are read from."""
    return b"".join(content.read(0, min(content.size_bytes, TEXT_BYTES)))


def as_count(made: bytes) -> int:
    """How many pages there are, as a job says that a hostile file may have taken over.

    Raises `Unshowable`.
    """
    if not made.isdigit() or len(made) > len(str(MOST_PAGES)) or int(made) > MOST_PAGES:
        raise Unshowable(JobFailed.message)
    return int(made)


def as_picture(made: bytes) -> bytes:
    """The WebP that a job made, if it is one. Raises `Unshowable`."""
    if made[:4] != b"RIFF" or made[8:12] != b"WEBP":
        raise Unshowable(JobFailed.message)
    return made


def _of_pdf(content: Download, task: str, page: int) -> bytes:
    if find_spec("pypdfium2") is None:
        raise Unshowable("PDFs are not shown on this server.")
    if content.size_bytes > MAX_PDF_BYTES:
        raise Unshowable("This PDF is too large to be shown. Download it instead.")
    release()
    try:
        return jobs.run("pdf", task, str(page), content=content.read(0, content.size_bytes))
    except JobFailed as error:
        raise Unshowable(WHY_NO_PDF.get(error.end, str(error))) from None


WHY_NO_PDF: dict[int, str] = {
    End.PROTECTED: "This PDF is protected by a password. Download it instead.",
    End.UNCONFINED: "This server can't show PDFs safely, so it shows none.",
}
