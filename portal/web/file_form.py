"""Forms with files, parsed as they arrive: nothing is spooled to a disk, and no byte of a file is
taken before the form's token was found right. So the token's field stands before the files.
"""

from collections.abc import Iterator
from typing import Any

from flask import current_app
from multipart import MultipartError, MultipartSegment, PushMultipartParser
from werkzeug.exceptions import BadRequest

from portal.web.documents.transfer import Arriving
from portal.web.request import PortalRequest

TOKEN = "csrf_token"
PIECE_BYTES = 64 * 1024
MOST_FIELD_BYTES = 16 * 1024
MOST_PARTS = 100
MOST_DISCARDED_BYTES = 32 * 1024 * 1024


class IncomingFile:
    """One file of a form. It is read to its end, or not at all, before the next one comes."""

    def __init__(self, name: str, pieces: Iterator[bytes]) -> None:
        self.name = name
        self._pieces = pieces
        self._kept = b""

    def read(self, size: int, /) -> bytes:
        """As a file gives it. Raises `EOFError` where the form breaks off."""
        while len(self._kept) < size and (piece := next(self._pieces, b"")):
            self._kept += piece
        piece, self._kept = self._kept[:size], self._kept[size:]
        return piece


class FileForm:
    """The fields that came before the files, and then the files."""

    def __init__(self, request: PortalRequest) -> None:
        """Read all fields up to the first file. Raises `BadRequest`, or `CSRFError` where the token
        is wrong or has not come by then.
        """
        self.fields: dict[str, str] = {}
        self._stream = Arriving(request.stream)
        self._events = self._parsed(request) if request.is_form else iter(())
        self._next: MultipartSegment | None = None
        try:
            self._read_fields()
        except (MultipartError, EOFError, OSError):
            raise BadRequest("This form can't be understood.") from None
        _check_token(request, self.fields.get(TOKEN, ""))

    def next_file(self) -> IncomingFile | None:
        """The next file that somebody chose, or None."""
        while self._next is not None and not self._next.filename:
            self._skip()
        if self._next is None:
            return None
        return IncomingFile(str(self._next.filename), self._pieces())

    def discard(self) -> None:
        """Read on for a while: a browser shows no answer before it has sent what it has."""
        left = MOST_DISCARDED_BYTES
        try:
            while left > 0 and (piece := self._stream.read(PIECE_BYTES)):
                left -= len(piece)
        except OSError:
            return

    def _parsed(self, request: PortalRequest) -> Iterator[Any]:
        boundary = request.mimetype_params.get("boundary", "")
        if request.mimetype != "multipart/form-data" or not boundary:
            return
        parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
        with parser:
            yield from parser.parse_blocking(self._stream.read, PIECE_BYTES)

    def _read_fields(self) -> None:
        for segment in self._events:
            if segment.filename is not None:
                self._next = segment
                return
            value = b""
            for piece in self._pieces():
                value += piece
                if len(value) > MOST_FIELD_BYTES:
                    raise BadRequest("A field of this form is too long.")
            self.fields.setdefault(str(segment.name), value.decode(errors="replace"))

    def _skip(self) -> None:
        """Leave a file out that nobody chose, and fields that stand after files."""
        for _ in self._pieces():
            pass

    def _pieces(self) -> Iterator[bytes]:
        """What the present part holds. Afterwards the one after it is the present one."""
        try:
            for event in self._events:
                if event is None:
                    break
                yield bytes(event)
            self._next = next(self._events, None) if self._next is not None else None
        except MultipartError as error:
            raise EOFError from error


def _check_token(request: PortalRequest, token: str) -> None:
    """All that Flask-WTF checks of other forms. It looks for the token among the headers, too."""
    request.environ.setdefault("HTTP_X_CSRFTOKEN", token)
    current_app.extensions["csrf"].protect()
