"""What changed from one version of a text to another."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict, PortalError
from portal.documents.downloads import Download, prepare_content, require_still
from portal.documents.models import DocumentVersion
from portal.documents.places import Place
from portal.documents.rendering import jobs
from portal.documents.rendering.comparison import MOST_LINES
from portal.documents.texts import find_text
from portal.documents.versions import find_version, find_version_before, get_version
from portal.tenancy.session import release

MAX_BYTES = 1024 * 1024


class Uncomparable(PortalError):
    """These versions can't be compared, and why."""

    status = 422


class Line(NamedTuple):
    """A line that is `same`, `removed` or `added`, with its numbers; or a `gap` before some."""

    what: str
    old_number: int | None
    new_number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The lines that changed with some around them; or, in `why_not`, why there are none.

    `are_ends_new`: nothing but the line ends changed, which no line shows.
    """

    name: str
    place: Place
    old_number: int
    new_number: int
    lines: Sequence[Line]
    why_not: str = ""
    are_ends_new: bool = False

    @property
    def is_cut(self) -> bool:
        """Whether more changed than is told."""
        return len(self.lines) == MOST_LINES


def compare_versions(
    actor: Actor, document_id: UUID, new_id: UUID, old_id: UUID | None
) -> Comparison:
    """Compare a version with another, or with the one before it, and record that it was.

    Raises `NotFound`, `Forbidden`, `Conflict` where there is none before it, `TooBusy`, or what
    `open_content` raises.
    """
    located, new = get_version(actor, document_id, new_id, Permission.DOCUMENT_READ)
    document = located.document
    old = find_version(document_id, old_id) if old_id else _before(document_id, new.number)
    name, numbers = document.name, (old.number, new.number)
    open_old, open_new = prepare_content(document, old), prepare_content(document, new)
    with open_old() as first, open_new() as second:
        try:
            texts = _text_of(first), _text_of(second)
            release()
            lines = _lines(*texts)
        except Uncomparable as error:
            return Comparison(name, located.place, *numbers, (), str(error))
    require_still(actor, document_id)
    record(
        actor,
        Action.DOCUMENT_COMPARED,
        f"document:{document_id}",
        old_version=numbers[0],
        new_version=numbers[1],
    )
    are_ends_new = not lines and texts[0] != texts[1]
    return Comparison(name, located.place, *numbers, lines, are_ends_new=are_ends_new)


def _before(document_id: UUID, number: int) -> DocumentVersion:
    found = find_version_before(document_id, number)
    if found is None:
        raise Conflict("There is no version before this one.")
    return found


def _text_of(content: Download) -> str:
    if content.size_bytes > MAX_BYTES:
        raise Uncomparable(f"Version {content.number} is larger than 1 MiB, too large to compare.")
    text = find_text(b"".join(content.read(0, content.size_bytes)))
    if text is None:
        raise Uncomparable(f"Version {content.number} is no text, and only texts can be compared.")
    return text


def _lines(old: str, new: str) -> Sequence[Line]:
    try:
        made = jobs.run("comparison", content=[old.encode(), b"\0", new.encode()])
    except jobs.JobFailed:
        raise Uncomparable("These versions differ too much to be compared in time.") from None
    return [Line(*line) for line in json.loads(made)]
