"""Uploading without JavaScript: files of a form, each encrypted as it arrives."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.core.errors import Invalid, PortalError
from portal.core.texts import as_one_line
from portal.documents import uploads
from portal.documents.queries import get_document
from portal.web.access import reads_form, requires
from portal.web.documents.outcomes import Outcome
from portal.web.documents.routes.blueprint import blueprint
from portal.web.lifecycle import keep, refuse
from portal.web.streamed_form import File, StreamedForm


@blueprint.post("/uploads/form")
@reads_form
@requires(Permission.DOCUMENT_UPLOAD)
def upload_form() -> ResponseReturnValue:
    """Each file becomes a document, or is refused, by itself; a page tells which."""
    form = StreamedForm()
    outcomes = [_take(form, file) for file in form.files() if file.name]
    folder_id = _folder_id(form)
    page = render_template("documents/uploaded.html", outcomes=outcomes, folder_id=folder_id)
    return page, 200 if any(one.document_id for one in outcomes) else 422


@blueprint.post("/<uuid:document_id>/versions/form")
@reads_form
@requires(Permission.DOCUMENT_EDIT)
def upload_version_form(document_id: UUID) -> ResponseReturnValue:
    """A new version of a document: the one file of a form, whose note comes before it."""
    form = StreamedForm()
    get_document(g.actor, document_id, Permission.DOCUMENT_EDIT)  # before any of it is read
    for file in form.files():
        if file.name:
            note = form.fields.get("note", "")
            uploads.upload_version(g.actor, document_id, file, announced_bytes=None, note=note)
            flash("The new version is uploaded.", "success")
            return redirect(url_for("documents.show", document_id=document_id))
    raise Invalid("No file was chosen.")


def _take(form: StreamedForm, file: File) -> Outcome:
    try:
        document = uploads.upload_document(
            g.actor, _folder_id(form), file.name, file, announced_bytes=None
        )
        keep()
    except PortalError as error:
        refuse(error)
        return Outcome(as_one_line(file.name), refusal=str(error))
    return Outcome(document.name, document.id)


def _folder_id(form: StreamedForm) -> UUID | None:
    given = form.fields.get("folder", "")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise Invalid("This is not a folder.") from None
