"""What is done to folders: created, renamed, moved, put into the trash and taken out."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.documents import folders as service
from portal.documents import queries
from portal.web.access import requires
from portal.web.documents.forms import ConfirmForm, MoveForm, NameForm, NewFolderForm
from portal.web.lifecycle import shown_on, shown_status

blueprint = Blueprint("folders", __name__, url_prefix="/folders")


@blueprint.post("")
@requires(Permission.FOLDER_CREATE)
def create() -> ResponseReturnValue:
    """Make a folder."""
    form = NewFolderForm()
    parent_id = form.parent_id
    if form.validate_on_submit():
        with shown_on(form):
            folder = service.create_folder(g.actor, parent_id, str(form.name.data))
            flash("The folder is created.", "success")
            return _to_folder(folder.id)
    return render_template("folders/new.html", form=form, parent_id=parent_id), shown_status(form)


@blueprint.route("/<uuid:folder_id>/rename", methods=["GET", "POST"])
@requires(Permission.FOLDER_EDIT)
def rename(folder_id: UUID) -> ResponseReturnValue:
    """Give a folder another name."""
    place = queries.get_folder(g.actor, folder_id, Permission.FOLDER_EDIT)
    form = NameForm(name=place.folders[0].name)
    if form.validate_on_submit():
        with shown_on(form):
            service.rename_folder(g.actor, folder_id, str(form.name.data))
            flash("The folder is renamed.", "success")
            return _to_folder(folder_id)
    return render_template("folders/rename.html", form=form, place=place), shown_status(form)


@blueprint.route("/<uuid:folder_id>/move", methods=["GET", "POST"])
@requires(Permission.FOLDER_EDIT)
def move(folder_id: UUID) -> ResponseReturnValue:
    """Put a folder into another one."""
    place = queries.get_folder(g.actor, folder_id, Permission.FOLDER_EDIT)
    form = MoveForm(folder=str(place.folders[0].parent_id or ""))
    form.offer(queries.list_destinations(g.actor, Permission.FOLDER_CREATE, without=folder_id))
    if form.validate_on_submit():
        with shown_on(form):
            service.move_folder(g.actor, folder_id, form.folder_id)
            flash("The folder is moved.", "success")
            return _to_folder(folder_id)
    return render_template("folders/move.html", form=form, place=place), shown_status(form)


@blueprint.route("/<uuid:folder_id>/delete", methods=["GET", "POST"])
@requires(Permission.FOLDER_DELETE)
def delete(folder_id: UUID) -> ResponseReturnValue:
    """Move a folder with all in it to the trash, after a question."""
    place = queries.get_folder(g.actor, folder_id, Permission.FOLDER_DELETE)
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.delete_folder(g.actor, folder_id)
            flash("The folder is in the trash.", "undo")
            return _to_folder(place.folders[1].id if len(place.folders) > 1 else None)
    return render_template("folders/delete.html", form=form, place=place), shown_status(form)


@blueprint.post("/<uuid:folder_id>/restore")
@requires(Permission.FOLDER_DELETE)
def restore(folder_id: UUID) -> ResponseReturnValue:
    """Take a folder out of the trash."""
    service.restore_folder(g.actor, folder_id)
    flash("The folder is back.", "success")
    return redirect(url_for("documents.trash"))


def _to_folder(folder_id: UUID | None) -> ResponseReturnValue:
    if folder_id is None:
        return redirect(url_for("documents.index"))
    return redirect(url_for("documents.folder", folder_id=folder_id))
