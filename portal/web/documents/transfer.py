"""Documents on the wire: an upload as it arrives; a download as an HTTP answer, whole or one range
of it (RFC 9110, section 14).
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import IO
from urllib.parse import quote

from flask import Request, Response
from werkzeug.datastructures import ContentRange
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import quote_etag

from portal.documents.downloads import Download
from portal.web.headers import DOWNLOAD_POLICY

ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Arriving:
    """The body of a request. That a client went away is an `OSError`, as it is on any socket."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except ClientDisconnected as error:
            raise ConnectionResetError from error


Watched = Callable[[Iterator[bytes]], Iterator[bytes]]


def send(
    download: Download, request: Request, watched: Watched, *, is_whole: bool = False
) -> Response:
    """The content as an attachment that no page can show and nothing can run.

    A version's content never changes, so its id is the entity tag. What goes out passes through
    `watched`, which may end it. `is_whole` leaves out what was asked about ranges and tags. That it
    is given is told once its first block is proved: so no transaction waits for the store.
    """
    etag = download.version_id.hex
    if is_whole:
        response = _content(download, request, 0, download.size_bytes, watched, status=200)
    else:
        response = _answer(download, request, etag, watched)
    response.call_on_close(download.close)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        return response
    download.tell()
    response.headers["Content-Type"] = download.media_type
    response.headers["Content-Disposition"] = _attachment(download.name)
    response.headers["Accept-Ranges"] = "none" if is_whole else "bytes"
    response.headers["ETag"] = quote_etag(etag)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def send_archive(name: str, size_bytes: int, pieces: Iterator[bytes], request: Request) -> Response:
    """A ZIP that is made as it goes: how long it will be is known, so a break is seen."""
    response = Response(() if request.method == "HEAD" else pieces)
    response.content_length = size_bytes
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = _attachment(f"{name}.zip")
    response.headers["Accept-Ranges"] = "none"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def _answer(download: Download, request: Request, etag: str, watched: Watched) -> Response:
    if "If-Match" in request.headers and not request.if_match.contains(etag):
        return Response(status=412)
    if request.if_none_match.contains_weak(etag):
        return Response(status=304)
    asked = _asked_range(request, etag, download.size_bytes)
    if asked is None:
        return _content(download, request, 0, download.size_bytes, watched, status=200)
    start, stop = asked
    if start >= stop:
        response = Response(status=416)
        response.content_range = ContentRange("bytes", None, None, download.size_bytes)
        return response
    response = _content(download, request, start, stop, watched, status=206)
    response.content_range = ContentRange("bytes", start, stop, download.size_bytes)
    return response


def _content(
    download: Download, request: Request, start: int, stop: int, watched: Watched, *, status: int
) -> Response:
    body = () if request.method == "HEAD" else watched(download.read(start, stop))
    response = Response(body, status=status)
    response.content_length = stop - start
    return response


def _asked_range(request: Request, etag: str, size_bytes: int) -> tuple[int, int] | None:
    """Start and stop of the range that is asked for, if it is one and of this version, else None.

    Several ranges at once, what makes no sense, and a range of another version (If-Range) are
    answered by the whole; so is a date in If-Range, as no answer ever said one. Beyond the end the
    range is empty.
    """
    found = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", quote_etag(etag))
    if found is None or condition != quote_etag(etag):
        return None
    first, last = found.groups()
    if first == last == "" or (first and last and int(last) < int(first)):
        return None
    if not first:
        return max(0, size_bytes - int(last)), size_bytes
    return int(first), min(int(last) + 1, size_bytes) if last else size_bytes


def _attachment(name: str) -> str:
    """The file's name in ASCII for old readers, and whole by RFC 8187."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
