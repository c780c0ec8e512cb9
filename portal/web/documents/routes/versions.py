"""The versions of a document, and copies of it."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.core.errors import NotFound
from portal.documents import service
from portal.documents.choosing import Spot, list_level
from portal.documents.comparing import compare_versions
from portal.documents.copying import copy_document, restore_version
from portal.documents.queries import get_document
from portal.documents.versions import get_version
from portal.web.access import discloses, requires
from portal.web.confirming import ConfirmForm
from portal.web.documents.asking import asked_version
from portal.web.documents.forms import CopyForm, NoteForm
from portal.web.documents.routes.blueprint import blueprint
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import requested_spot


@blueprint.route("/<uuid:document_id>/versions/<uuid:version_id>/note", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_EDIT)
def note(document_id: UUID, version_id: UUID) -> ResponseReturnValue:
    """Note something about a version."""
    located, version = get_version(g.actor, document_id, version_id, Permission.DOCUMENT_EDIT)
    form = NoteForm(note=version.note if version.note_sealed else "")
    if form.validate_on_submit():
        with shown_on(form):
            service.change_note(g.actor, document_id, version_id, str(form.note.data))
            flash("The note is kept.", "success")
            return _to_document(document_id)
    page = render_template("documents/note.html", form=form, located=located, number=version.number)
    return page, shown_status(form)


@blueprint.route("/<uuid:document_id>/versions/<uuid:version_id>/restore", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_EDIT)
def restore_older(document_id: UUID, version_id: UUID) -> ResponseReturnValue:
    """Make an older version the newest, after a question."""
    located, version = get_version(g.actor, document_id, version_id, Permission.DOCUMENT_EDIT)
    number, form = version.number, ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            restore_version(g.actor, document_id, version_id)
            flash(f"Version {number} is the newest one again.", "success")
            return _to_document(document_id)
    page = render_template("documents/restore.html", form=form, located=located, number=number)
    return page, shown_status(form)


@blueprint.get("/<uuid:document_id>/compare")
@discloses
@requires(Permission.DOCUMENT_READ)
def compare(document_id: UUID) -> ResponseReturnValue:
    """What changed in a version since another one, or since the one before."""
    new_id = asked_version()
    if new_id is None:
        raise NotFound
    found = compare_versions(g.actor, document_id, new_id, asked_version("old"))
    return render_template("documents/compare.html", found=found, document_id=document_id)


@blueprint.route("/<uuid:document_id>/copy", methods=["GET", "POST"])
@requires(Permission.DOCUMENT_UPLOAD)
def copy(document_id: UUID) -> ResponseReturnValue:
    """Put a copy of a document into a folder."""
    located = get_document(g.actor, document_id, Permission.DOCUMENT_READ)
    form = CopyForm()
    if form.validate_on_submit():
        with shown_on(form):
            made = copy_document(g.actor, document_id, form.folder_id, form.page_id)
            flash("The document is copied. This is the copy.", "success")
            return _to_document(made.id)
    level = list_level(g.actor, Permission.DOCUMENT_UPLOAD, requested_spot() or Spot())
    page = render_template("documents/copy.html", form=form, located=located, level=level)
    return page, shown_status(form)


def _to_document(document_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("documents.show", document_id=document_id))
