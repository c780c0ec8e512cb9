"""Documents: lists, uploads, downloads, and what is done to a single one."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote
from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.core.errors import Invalid, NotFound, PortalError
from portal.documents import downloads, queries, service, uploads
from portal.documents.access_lists import list_document_access
from portal.documents.moving import show_destination_of_document
from portal.documents.retention.facts import ends_by_rules
from portal.documents.trash import get_trashed_document, purge_document_now
from portal.documents.trashed import list_trash
from portal.documents.versions import list_versions
from portal.users.queries import names_of
from portal.web.access import discloses, freshly, requires, streams_body
from portal.web.confirming import ConfirmForm
from portal.web.documents import transfer
from portal.web.documents.asking import asked_version
from portal.web.documents.forms import MoveForm, NameForm
from portal.web.documents.paging import after, asked_order, before, page_at, turned
from portal.web.documents.routes.blueprint import blueprint
from portal.web.documents.searching import asked
from portal.web.lifecycle import shown_on, shown_status
from portal.web.ongoing import while_allowed
from portal.web.places import redirect_to_folder, requested_spot, undo_category
from portal.web.request import request


@blueprint.get("")
@requires(Permission.DOCUMENT_READ)
def index() -> ResponseReturnValue:
    """The top: folders and documents that lie in none."""
    return _listing_page(None)


@blueprint.get("/folders/<uuid:folder_id>")
@requires(Permission.DOCUMENT_READ)
def folder(folder_id: UUID) -> ResponseReturnValue:
    """One folder."""
    return _listing_page(folder_id)


@blueprint.get("/<uuid:document_id>")
@requires(Permission.DOCUMENT_READ)
def show(document_id: UUID) -> ResponseReturnValue:
    """One document: what it is, and what can be done with it."""
    try:
        shown = queries.show_document(g.actor, document_id)
    except NotFound:
        return _in_the_trash(document_id)
    versions = list_versions(shown, request.args.get("before", type=_number))
    ends_at = ends_by_rules([document_id]).get(document_id)
    return render_template("documents/show.html", shown=shown, versions=versions, ends_at=ends_at)


@blueprint.get("/<uuid:document_id>/access")
@requires(Permission.ACCESS_READ)
def access(document_id: UUID) -> ResponseReturnValue:
    """Who can open a document, and through what."""
    listed = list_document_access(g.actor, document_id, *asked())
    return render_template("documents/access.html", listed=listed)


@blueprint.put("/uploads")
@streams_body
@requires(Permission.DOCUMENT_UPLOAD)
def upload() -> ResponseReturnValue:
    """A document as the raw body of the request, encrypted as it arrives.

    The name comes percent-encoded in X-File-Name, the folder in X-Folder: neither belongs into an
    address, which proxies write to their logs.
    """
    document = uploads.upload_document(
        g.actor,
        _folder_header(),
        unquote(request.headers.get("X-File-Name", "")),
        _body(),
        announced_bytes=request.content_length,
    )
    return {
        "id": str(document.id),
        "address": url_for("documents.show", document_id=document.id),
    }, 201


@blueprint.put("/<uuid:document_id>/versions")
@streams_body
@requires(Permission.DOCUMENT_EDIT)
def upload_version(document_id: UUID) -> ResponseReturnValue:
    """A new version as the raw body of the request; a note comes percent-encoded in X-Note."""
    version = uploads.upload_version(
        g.actor,
        document_id,
        _body(),
        announced_bytes=request.content_length,
        note=unquote(request.headers.get("X-Note", "")),
    )
    return {
        "id": str(version.id),
        "number": version.number,
        "address": url_for("documents.show", document_id=document_id),
    }, 201


@blueprint.get("/<uuid:document_id>/download")
@discloses
@requires(Permission.DOCUMENT_READ)
def download(document_id: UUID) -> ResponseReturnValue:
    """The content or that of an older version, whole or the range that is asked for."""
    asked_range = request.headers.get("Range", "")[:80]
    opened = downloads.open_download(g.actor, document_id, asked_version(), byte_range=asked_range)

    def watched(pieces: Iterator[bytes]) -> Iterator[bytes]:
        return while_allowed(
            pieces,
            f"document:{document_id}",
            lambda actor: downloads.require_still(actor, document_id),
        )

    return transfer.send(opened, request, watched)


@blueprint.route("/<uuid:document_id>/rename", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_EDIT)
def rename(document_id: UUID) -> ResponseReturnValue:
    """Give a document another name."""
    located = queries.get_document(g.actor, document_id, Permission.DOCUMENT_EDIT)
    form = NameForm(name=located.document.name)
    if form.validate_on_submit():
        with shown_on(form):
            service.rename_document(g.actor, document_id, str(form.name.data))
            flash("The document is renamed.", "success")
            return redirect_to_folder(located.document.folder_id)
    page = render_template(
        "documents/rename.html", form=form, name=located.document.name, place=located.place
    )
    return page, shown_status(form)


@blueprint.route("/<uuid:document_id>/move", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_EDIT)
def move(document_id: UUID) -> ResponseReturnValue:
    """Put a document into another folder."""
    located = queries.get_document(g.actor, document_id, Permission.DOCUMENT_EDIT)
    form = MoveForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.move_document(g.actor, document_id, form.folder_id)
            flash("The document is moved.", undo_category())
            return redirect_to_folder(form.folder_id)
    page = render_template(
        "documents/move.html",
        form=form,
        name=located.document.name,
        place=located.place,
        there=show_destination_of_document(g.actor, document_id, requested_spot()),
    )
    return page, shown_status(form)


@blueprint.route("/<uuid:document_id>/delete", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_DELETE)
def delete(document_id: UUID) -> ResponseReturnValue:
    """Move a document to the trash, after a question."""
    located = queries.get_document(g.actor, document_id, Permission.DOCUMENT_DELETE)
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.delete_document(g.actor, document_id)
            flash("The document is in the trash.", "undo")
            return redirect_to_folder(located.document.folder_id)
    page = render_template(
        "documents/delete.html", form=form, name=located.document.name, place=located.place
    )
    return page, shown_status(form)


@blueprint.get("/trash")
@requires(Permission.DOCUMENT_DELETE)
def trash() -> ResponseReturnValue:
    """What was deleted and can be restored."""
    found = list_trash(g.actor, before())
    people = names_of([row.trashed_by for row in found.rows if row.trashed_by])
    return render_template("documents/trash.html", found=found, people=people)


@blueprint.post("/<uuid:document_id>/restore")
@requires(Permission.DOCUMENT_DELETE)
def restore(document_id: UUID) -> ResponseReturnValue:
    """Take a document out of the trash."""
    service.restore_document(g.actor, document_id)
    flash("The document is back in its folder.", "success")
    return redirect(url_for("documents.trash"))


@blueprint.route("/<uuid:document_id>/purge", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.DOCUMENT_DELETE)
def purge(document_id: UUID) -> ResponseReturnValue:
    """Take a document out of the trash for good, after a question."""
    document, _place = get_trashed_document(g.actor, document_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            purge_document_now(g.actor, document_id)
            flash("It can't be restored from the trash any more.", "success")
            return redirect(url_for("documents.trash"))
    page = render_template("documents/purge.html", form=form, name=document.name)
    return page, shown_status(form)


def _in_the_trash(document_id: UUID) -> ResponseReturnValue:
    """For who deleted a document and comes back to its page. Raises `NotFound` for all others."""
    try:
        get_trashed_document(g.actor, document_id)
    except PortalError:
        raise NotFound from None
    flash("This document is in the trash.", "warn")
    return redirect(url_for("documents.trash"))


def _listing_page(folder_id: UUID | None) -> ResponseReturnValue:
    order = asked_order()
    behind = after(order)
    listing = queries.list_folder(g.actor, folder_id, behind, order)
    return render_template(
        "documents/index.html",
        listing=listing,
        is_asked_order=listing.order == order,
        turned=partial(turned, listing.order),
        first=page_at(None, listing.order) if behind else "",
        further=page_at(listing.further, listing.order) if listing.further else "",
    )


def _number(text: str) -> int:
    """The number of a version. Raises `ValueError` for what no column could hold."""
    if not text.isdecimal() or len(text) > 9:
        raise ValueError("no number of a version")
    return int(text)


def _body() -> transfer.Arriving:
    """The content, which is all of the request's body."""
    if request.is_form:
        raise UnsupportedMediaType("Send the content itself, as application/octet-stream.")
    return transfer.Arriving(request.stream)


def _folder_header() -> UUID | None:
    value = request.headers.get("X-Folder", "")
    try:
        return UUID(value) if value else None
    except ValueError as error:
        raise Invalid("X-Folder is not a folder.") from error
