"""A download as an HTTP answer: whole, or one range of it (RFC 9110, section 14)."""

from urllib.parse import quote

from flask import Request, Response
from werkzeug.datastructures import ContentRange, Range
from werkzeug.http import quote_etag

from portal.documents.downloads import Download
from portal.web.headers import DOWNLOAD_POLICY


def send(download: Download, request: Request) -> Response:
    """The content as an attachment that no page can show and nothing can run.

    A version's content never changes, so its id is the entity tag.
    """
    etag = download.version_id.hex
    response = _answer(download, request, etag)
    response.call_on_close(download.close)
    response.headers["Content-Type"] = download.media_type
    response.headers["Content-Disposition"] = _attachment(download.name)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = quote_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def _answer(download: Download, request: Request, etag: str) -> Response:
    if request.if_none_match.contains(etag):
        return Response(status=304)
    asked = _asked_range(request, etag)
    if asked is None:
        return _content(download, request, 0, download.size_bytes, status=200)
    wanted = asked.range_for_length(download.size_bytes)
    if wanted is None:
        response = Response(status=416)
        response.content_range = ContentRange("bytes", None, None, download.size_bytes)
        return response
    start, stop = wanted
    response = _content(download, request, start, stop, status=206)
    response.content_range = ContentRange("bytes", start, stop, download.size_bytes)
    return response


def _content(
    download: Download, request: Request, start: int, stop: int, *, status: int
) -> Response:
    body = () if request.method == "HEAD" else download.read(start, stop)
    response = Response(body, status=status)
    response.content_length = stop - start
    return response


def _asked_range(request: Request, etag: str) -> Range | None:
    """The range that is asked for, if it is one, and of this version.

    Several ranges at once, and a range of another version (If-Range), are answered by the whole.
    """
    if request.range is None or len(request.range.ranges) != 1:
        return None
    condition = request.if_range
    is_conditional = condition.date is not None or condition.etag is not None
    return None if is_conditional and condition.etag != etag else request.range


def _attachment(name: str) -> str:
    """The file's name in ASCII for old readers, and whole by RFC 8187."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
