"""Uploads that can be resumed: tus 1.0 with creation, termination, checksum and expiration.

Requests carry the form token in X-CSRFToken, as every upload does. A method can't be overridden by
a header: what a request may do is decided by the method that it came with.
"""

import binascii
from base64 import b64decode
from datetime import UTC
from uuid import UUID

from flask import Response, g, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import PreconditionFailed, UnsupportedMediaType
from werkzeug.http import http_date

from portal.access.permissions import Permission
from portal.core.errors import Invalid
from portal.core.settings import active
from portal.documents.resumable import service
from portal.documents.resumable.queries import list_broken_off
from portal.documents.resumable.service import CHECKSUMS, Checksum, Destination, Progress
from portal.web.access import requires, streams_body
from portal.web.documents import transfer
from portal.web.documents.routes.blueprint import blueprint
from portal.web.filters import size
from portal.web.request import request

VERSION = "1.0.0"
EXTENSIONS = "creation,termination,checksum,expiration"
PIECE_TYPE = "application/offset+octet-stream"
MOST_DIGITS = 18


@blueprint.post("/uploads/resumable")
@streams_body
@requires(Permission.DOCUMENT_UPLOAD, Permission.DOCUMENT_EDIT)
def begin_upload() -> ResponseReturnValue:
    """Begin an upload. What it becomes stands in the metadata: `filename` and `folder`, or the
    `document` that it is a version of, and perhaps a `note`.
    """
    _check_version()
    found = service.begin_upload(g.actor, _destination(), _number("Upload-Length"))
    address = url_for("documents.resume_upload", upload_id=found.upload_id)
    return _answer(found, 201, Location=address)


@blueprint.route("/uploads/<uuid:upload_id>", methods=["HEAD", "PATCH", "DELETE"])
@streams_body
@requires(Permission.DOCUMENT_UPLOAD, Permission.DOCUMENT_EDIT)
def resume_upload(upload_id: UUID) -> ResponseReturnValue:
    """Ask how far it has come, send some more, or give it up."""
    service.find_progress(g.actor, upload_id)  # what is not there is not, whatever one speaks
    _check_version()
    acts = {"HEAD": _tell_progress, "PATCH": _append, "DELETE": _end}
    return acts[request.method](upload_id)


@blueprint.get("/uploads/broken-off")
@requires(Permission.DOCUMENT_UPLOAD)
def broken_off() -> ResponseReturnValue:
    """What the visitor began to upload to `?folder=…` and can go on with, for a script to list: a
    page of it, and the address of the next one.
    """
    folder_id, after = (_id(request.args.get(name, "")) for name in ("folder", "after"))
    found = list_broken_off(g.actor, folder_id, after)
    sentence = "{} of {} are here. Choose the file again to go on."
    uploads = [
        {
            "name": one.name,
            "state": sentence.format(size(one.offset_bytes), size(one.size_bytes)),
            "address": url_for("documents.resume_upload", upload_id=one.id),
        }
        for one in found.uploads
    ]
    following = url_for("documents.broken_off", folder=folder_id, after=found.after)
    return {"uploads": uploads, "more": following if found.after else None}


@blueprint.after_request
def add_tus_headers(response: Response) -> Response:
    """Say which protocol it is, on refusals as well."""
    if request.endpoint in ("documents.begin_upload", "documents.resume_upload"):
        response.headers["Tus-Resumable"] = VERSION
        if request.method == "OPTIONS" or response.status_code == PreconditionFailed.code:
            response.headers["Tus-Version"] = VERSION
            response.headers["Tus-Extension"] = EXTENSIONS
            response.headers["Tus-Checksum-Algorithm"] = ",".join(CHECKSUMS)
            response.headers["Tus-Max-Size"] = str(active().max_upload_gib * 2**30)
    return response


def _tell_progress(upload_id: UUID) -> ResponseReturnValue:
    found = service.find_progress(g.actor, upload_id)
    return _answer(found, 200, **{"Upload-Length": str(found.size_bytes)})


def _append(upload_id: UUID) -> ResponseReturnValue:
    if request.mimetype != PIECE_TYPE:
        raise UnsupportedMediaType(f"Send the piece as {PIECE_TYPE}.")
    found = service.append(
        g.actor,
        upload_id,
        _number("Upload-Offset"),
        transfer.Arriving(request.stream),
        announced_bytes=request.content_length,
        checksum=_checksum(),
    )
    return _answer(found, 204)


def _end(upload_id: UUID) -> ResponseReturnValue:
    service.end_upload(g.actor, upload_id)
    return Response(status=204)


def _answer(found: Progress, status: int, **headers: str) -> Response:
    response = Response(status=status, headers=headers)
    response.headers["Upload-Offset"] = str(found.offset_bytes)
    response.headers["Upload-Expires"] = http_date(found.expires_at.astimezone(UTC))
    return response


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"This speaks tus {VERSION}.")


def _number(header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise Invalid(f"{header} is not a number.")
    return int(text)


def _destination() -> Destination:
    given = _metadata()
    return Destination(
        folder_id=_id(given.get("folder", "")),
        name=given.get("filename", ""),
        document_id=_id(given.get("document", "")),
        note=given.get("note", ""),
    )


def _metadata() -> dict[str, str]:
    """Keys and values of Upload-Metadata, which come in base64."""
    given = request.headers.get("Upload-Metadata", "").split(",")
    pairs = (pair.strip().partition(" ") for pair in given)
    try:
        return {key: _decoded(value).decode() for key, _, value in pairs if key}
    except UnicodeDecodeError:
        raise Invalid("This is not UTF-8.") from None


def _checksum() -> Checksum | None:
    if "Upload-Checksum" not in request.headers:
        return None
    algorithm, _, value = request.headers["Upload-Checksum"].partition(" ")
    return Checksum(algorithm, _decoded(value))


def _decoded(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("This is not base64.") from None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid("This is not an id.") from None
