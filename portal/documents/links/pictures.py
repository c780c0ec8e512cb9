"""Pictures of a content with who is shown it burnt in, made where the content can do no harm."""

from importlib.util import find_spec
from itertools import chain

from portal.documents.downloads import Download
from portal.documents.previews import (
    MAX_PDF_BYTES,
    MAX_PICTURE_BYTES,
    Kind,
    Unshowable,
    as_count,
    as_picture,
    kind_of,
)
from portal.documents.rendering import jobs
from portal.documents.rendering.confinement import End
from portal.documents.rendering.jobs import JobFailed
from portal.tenancy.session import release

WHY_NOT: dict[int, str] = {
    End.PROTECTED: "This PDF is protected by a password of its own, and can’t be shown.",
    End.UNCONFINED: "This server can’t show files safely, so it shows none.",
}
LENGTH_BYTES = 4  # of the words' length, which comes before them


def is_shown(media_type: str) -> bool:
    """Whether pictures can be made of a kind of file."""
    return kind_of(media_type) in (Kind.PDF, Kind.PICTURE)


def count_pages(content: Download) -> int:
    """How many pictures there are of a content. Raises `Unshowable` or `TooBusy`."""
    _check(content)
    if kind_of(content.media_type) == Kind.PICTURE:
        return 1
    return as_count(_run("pdf", "count", 1, b"", content))


def draw_marked(content: Download, page: int, words: str) -> bytes:
    """A page as WebP, with `words` burnt in. Raises `Unshowable` or `TooBusy`."""
    _check(content)
    kind, text = kind_of(content.media_type), words.encode()
    head = len(text).to_bytes(LENGTH_BYTES, "big") + text
    return as_picture(_run("watermark", str(kind), page, head, content))


def _check(content: Download) -> None:
    if not is_shown(content.media_type):
        raise Unshowable("This kind of file can’t be shown here.")
    if find_spec("pypdfium2") is None:
        raise Unshowable("Nothing can be shown on this server.")
    is_pdf = kind_of(content.media_type) == Kind.PDF
    if content.size_bytes > (MAX_PDF_BYTES if is_pdf else MAX_PICTURE_BYTES):
        raise Unshowable("This file is too large to be shown.")


def _run(job: str, task: str, page: int, head: bytes, content: Download) -> bytes:
    release()  # it takes seconds: no transaction waits for it

    pieces = chain([head], content.read(0, content.size_bytes))
    try:
        return jobs.run(job, task, str(page), content=pieces)
    except JobFailed as error:
        raise Unshowable(WHY_NOT.get(error.end, str(error))) from None
