"""Looking at a document: a page of ours, and in it a frame that shows the content."""

from base64 import b64encode
from collections.abc import Iterator
from uuid import UUID

from flask import Response, current_app, g, make_response, render_template
from flask.typing import ResponseReturnValue
from werkzeug.http import quote_etag

from portal.access.permissions import Permission
from portal.core.errors import NotFound
from portal.documents.downloads import require_still
from portal.documents.previews import Asked, Preview, Unshowable, describe_preview, open_preview
from portal.web.access import discloses, requires
from portal.web.documents.asking import asked_version
from portal.web.documents.routes.blueprint import blueprint
from portal.web.headers import FRAMED_POLICY, FRAMING_POLICY
from portal.web.lifecycle import refuse
from portal.web.ongoing import while_allowed
from portal.web.request import request

PLAIN_TEXT = "text/plain; charset=utf-8"


@blueprint.get("/<uuid:document_id>/view")
@requires(Permission.DOCUMENT_READ)
def view(document_id: UUID) -> ResponseReturnValue:
    """A document as far as it can be shown, one page of it at a time."""
    version_id, asked = asked_version(), _asked()
    shown = describe_preview(g.actor, document_id, version_id)
    if asked.page > shown.page_count:
        raise NotFound
    page = make_response(
        render_template(
            "documents/view.html",
            shown=shown,
            document_id=document_id,
            version_id=version_id,
            asked=asked,
        )
    )
    page.headers["Content-Security-Policy"] = FRAMING_POLICY
    return page


@blueprint.get("/<uuid:document_id>/preview")
@discloses
@requires(Permission.DOCUMENT_READ)
def preview(document_id: UUID) -> ResponseReturnValue:
    """What the frame shows. No page but ours frames it, and nothing in it runs."""
    etag = request.if_none_match
    try:
        shown = open_preview(
            g.actor, document_id, asked_version(), _asked(), is_known=etag.contains
        )
    except Unshowable as error:
        refuse(error)
        return _framed(Response(f"{error}\n", status=error.status), PLAIN_TEXT)
    response = Response(status=304) if shown.pieces is None else Response(_body(shown, document_id))
    response.call_on_close(shown.close)
    response.headers["ETag"] = quote_etag(shown.tag)
    return _framed(response, PLAIN_TEXT if shown.is_text else "text/html; charset=utf-8")


def _body(shown: Preview, document_id: UUID) -> Iterator[str] | Iterator[bytes]:
    """A text as it is; round a picture a page that fits it into the frame and says what it is."""
    pieces = _watched(shown.pieces or iter(()), document_id)
    if shown.is_text:
        return pieces
    return current_app.jinja_env.get_template("documents/framed.html").generate(
        title=shown.title, media_type=shown.media_type, pieces=in_base64(pieces)
    )


def _watched(pieces: Iterator[bytes], document_id: UUID) -> Iterator[bytes]:
    return while_allowed(
        pieces, f"document:{document_id}", lambda actor: require_still(actor, document_id)
    )


def in_base64(pieces: Iterator[bytes]) -> Iterator[str]:
    """The same in Base64, as it comes."""
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) // 3 * 3
        yield b64encode(rest[:whole]).decode()
        rest = rest[whole:]
    yield b64encode(rest).decode()


def _framed(response: Response, media_type: str) -> Response:
    """`no-store`: what is shown is not to lie in the cache of the browser."""
    response.headers["Content-Type"] = media_type
    response.headers["Content-Security-Policy"] = FRAMED_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = "inline"
    return response


def _asked() -> Asked:
    """`?page=…&as=text`."""
    page = request.page
    return Asked(page if 1 <= page < 10**6 else 10**6, request.args.get("as") == "text")
