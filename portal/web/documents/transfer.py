"""A download as an HTTP answer: whole, or one range of it (RFC 9110, section 14)."""

from urllib.parse import quote

from flask import Request, Response
from werkzeug.datastructures import ContentRange
from werkzeug.http import quote_etag

from portal.documents.downloads import Download
from portal.web.headers import DOWNLOAD_POLICY


def send(download: Download, request: Request) -> Response:
    """The content as an attachment that no page can show and nothing can run.

    A version's content never changes, so its id is the entity tag.
    """
    etag = download.version_id.hex
    if request.if_none_match.contains(etag):
        download.close()
        return _with_headers(Response(status=304), download, etag)
    wanted = _range(request, download, etag)
    if wanted is None:
        start, stop, status = 0, download.size_bytes, 200
    elif wanted == UNSATISFIABLE:
        download.close()
        response = Response(status=416)
        response.content_range = ContentRange("bytes", None, None, download.size_bytes)
        return response
    else:
        (start, stop), status = wanted, 206
    if request.method == "HEAD":
        download.close()
        response = Response(status=status)
    else:
        response = Response(download.read(start, stop), status=status, direct_passthrough=True)
    response.content_length = stop - start
    if status == 206:
        response.content_range = ContentRange("bytes", start, stop, download.size_bytes)
    return _with_headers(response, download, etag)


UNSATISFIABLE = (0, 0)


def _range(request: Request, download: Download, etag: str) -> tuple[int, int] | None:
    """Start and stop of the one range that is asked for; None for the whole content.

    Several ranges at once, and a range of another version (If-Range), are answered by the whole.
    """
    if request.range is None or len(request.range.ranges) != 1:
        return None
    condition = request.if_range
    if (condition.date or condition.etag) and condition.etag != etag:
        return None
    found = request.range.range_for_length(download.size_bytes)
    return UNSATISFIABLE if found is None else found


def _with_headers(response: Response, download: Download, etag: str) -> Response:
    response.headers["Content-Type"] = download.media_type
    response.headers["Content-Disposition"] = _attachment(download.name)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = quote_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def _attachment(name: str) -> str:
    """The file's name in ASCII for old readers, and whole by RFC 8187."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
