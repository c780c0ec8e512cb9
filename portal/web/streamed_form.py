"""A form with files, read as it arrives (RFC 7578): no byte of a file is kept before the form's
token was right, and no file lies in memory or on a disk as a whole.

Flask and Flask-WTF would read the form before the view, and spool its files in clear. So the view
declares `reads_form`, is left alone by both, and takes the parts in their order: the token has to
come before the files, as it does in our pages.
"""

from collections.abc import Iterator
from typing import IO

from flask import current_app
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from werkzeug.exceptions import BadRequest, ClientDisconnected, UnsupportedMediaType

from portal.web.request import request

READ_BYTES = 256 * 1024
MAX_FIELD_BYTES = 4096
MAX_PARTS = 1000
TOKEN = "csrf_token"

Event = MultipartSegment | bytes | bytearray | None  # a part, a piece of it, its end


class BrokenForm(EOFError):
    """The form ended before its end, or is none."""


class File:
    """A file of the form. It is read once, before the next is asked for."""

    def __init__(self, name: str, events: Iterator[Event]) -> None:
        self.name = name
        self._events: Iterator[Event] | None = events

    def read(self, _size: int, /) -> bytes:
        """The next piece, of whatever size it came in; nothing at the end."""
        piece = next(self._events, None) if self._events else None
        if not isinstance(piece, bytes | bytearray):
            self._events = None
            return b""
        return bytes(piece)

    def skip(self) -> None:
        """Read what is left of it."""
        while self.read(READ_BYTES):
            pass


class StreamedForm:
    """The form of the present request. `fields` holds those that have come so far."""

    def __init__(self) -> None:
        """Raises `CSRFError` where the body is no such form, and no token came in a header."""
        kind, options = parse_options_header(request.headers.get("Content-Type", ""))
        self.fields: dict[str, str] = {}
        self._is_checked = False
        self._boundary = options.get("boundary") if kind == "multipart/form-data" else None
        if not self._boundary:
            current_app.extensions["csrf"].protect()

    def files(self) -> Iterator[File]:
        """The files in their order.

        Raises `BadRequest`, `CSRFError` before the first, or `UnsupportedMediaType` where the body
        is no such form.
        """
        if not self._boundary:
            raise UnsupportedMediaType("This takes a form with files.")
        events = _events(request.stream, self._boundary)
        try:
            for segment in events:
                if not isinstance(segment, MultipartSegment):
                    continue
                if segment.filename is None:
                    self.fields[segment.name] = _read_field(events)
                    continue
                self._check_token()
                file = File(segment.filename, events)
                yield file
                file.skip()
        except BrokenForm as error:
            raise BadRequest("The form broke off.") from error
        self._check_token()

    def _check_token(self) -> None:
        """Have Flask-WTF look at the token as if it had come in the header. Raises `CSRFError`."""
        if not self._is_checked:
            request.environ["HTTP_X_CSRFTOKEN"] = self.fields.get(TOKEN, "")
            current_app.extensions["csrf"].protect()
            self._is_checked = True


def _read_field(events: Iterator[Event]) -> str:
    value = b""
    for piece in events:
        if not isinstance(piece, bytes | bytearray):
            break
        value += piece
        if len(value) > MAX_FIELD_BYTES:
            raise BadRequest("A field of the form is too long.")
    return value.decode(errors="replace")


def _events(stream: IO[bytes], boundary: str) -> Iterator[Event]:
    """What the parser makes of the body. Raises `BrokenForm`."""
    parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS, strict=True)
    try:
        while not parser.closed:
            yield from parser.parse(stream.read(READ_BYTES))
    except (MultipartError, ClientDisconnected) as error:
        raise BrokenForm from error
