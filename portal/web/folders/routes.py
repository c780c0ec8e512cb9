"""What is done to folders: created, renamed, moved, shared, put into the trash and taken out."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from portal.access.permissions import Permission
from portal.access.roles import get_role
from portal.auth.assurance import Act
from portal.documents import folders as service
from portal.documents import queries, sharing
from portal.documents.access_lists import list_folder_access
from portal.documents.moving import show_destination_of_folder
from portal.documents.trash import get_trashed_folder, purge_folder_now
from portal.web.access import freshly, requires
from portal.web.assignments import EndForm, RemoveRoleForm
from portal.web.confirming import ConfirmForm
from portal.web.documents.forms import MoveForm, NameForm, NewFolderForm
from portal.web.documents.searching import asked
from portal.web.folders.forms import ShareForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.places import redirect_to_folder, requested_spot, undo_category

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
            return redirect_to_folder(folder.id)
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
            return redirect_to_folder(folder_id)
    return render_template("folders/rename.html", form=form, place=place), shown_status(form)


@blueprint.route("/<uuid:folder_id>/move", methods=["GET", "POST"])
@requires(Permission.FOLDER_EDIT)
def move(folder_id: UUID) -> ResponseReturnValue:
    """Put a folder into another one."""
    place = queries.get_folder(g.actor, folder_id, Permission.FOLDER_EDIT)
    form = MoveForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.move_folder(g.actor, folder_id, form.folder_id)
            flash("The folder is moved.", undo_category())
            return redirect_to_folder(folder_id)
    there = show_destination_of_folder(g.actor, folder_id, requested_spot())
    page = render_template("folders/move.html", form=form, place=place, there=there)
    return page, shown_status(form)


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
            return redirect_to_folder(place.folders[1].id if len(place.folders) > 1 else None)
    return render_template("folders/delete.html", form=form, place=place), shown_status(form)


@blueprint.post("/<uuid:folder_id>/restore")
@requires(Permission.FOLDER_DELETE)
def restore(folder_id: UUID) -> ResponseReturnValue:
    """Take a folder out of the trash."""
    service.restore_folder(g.actor, folder_id)
    flash("The folder is back.", "success")
    return redirect(url_for("documents.trash"))


@blueprint.get("/<uuid:folder_id>/access")
@requires(Permission.ACCESS_READ)
def access(folder_id: UUID) -> ResponseReturnValue:
    """Who can open a folder, and through what."""
    return _access_page(folder_id, ShareForm())


@blueprint.post("/<uuid:folder_id>/shares")
@limited
@freshly(Act.ROLES)
@requires(Permission.FOLDER_SHARE, Permission.ROLE_ASSIGN)
def share(folder_id: UUID) -> ResponseReturnValue:
    """Let somebody into a folder."""
    form = ShareForm()
    form.offer(sharing.offer_roles(g.actor, folder_id))
    if form.validate_on_submit():
        with shown_on(form):
            sharing.share_folder_with(
                g.actor,
                folder_id,
                str(form.whom.data),
                str(form.role.data),
                reason=form.reason.data or "",
                expires_at=form.until.end,
            )
            flash("The folder is shared.", "success")
            return _to_access(folder_id)
    return _access_page(folder_id, form)


@blueprint.route("/<uuid:folder_id>/shares/<uuid:assignment_id>/remove", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.FOLDER_SHARE, Permission.ROLE_ASSIGN)
def unshare(folder_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Take a role on a folder back, after a question."""
    form = RemoveRoleForm()
    if form.validate_on_submit():
        with shown_on(form):
            reason = form.reason.data or ""
            sharing.unshare_folder(g.actor, folder_id, assignment_id, reason=reason)
            flash("The role is removed.", "success")
            return _to_access(folder_id)
    return _share_page("folders/unshare.html", form, folder_id, assignment_id)


@blueprint.route("/<uuid:folder_id>/shares/<uuid:assignment_id>/end", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.FOLDER_SHARE, Permission.ROLE_ASSIGN)
def change_share_end(folder_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Let a role on a folder be held for longer or shorter."""
    assignment, _ = sharing.get_share(g.actor, folder_id, assignment_id)
    form = EndForm(until=assignment.expires_at)
    if form.validate_on_submit():
        with shown_on(form):
            reason = form.reason.data or ""
            sharing.change_share_end(
                g.actor, folder_id, assignment_id, form.until.end, reason=reason
            )
            flash("The end is changed.", "success")
            return _to_access(folder_id)
    return _share_page("folders/share_end.html", form, folder_id, assignment_id)


@blueprint.route("/<uuid:folder_id>/purge", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.FOLDER_DELETE)
def purge(folder_id: UUID) -> ResponseReturnValue:
    """Take a folder with all in it out of the trash for good, after a question."""
    folder, _place = get_trashed_folder(g.actor, folder_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            purge_folder_now(g.actor, folder_id)
            flash(
                "Neither it nor anything in it can be restored from the trash any more.", "success"
            )
            return redirect(url_for("documents.trash"))
    page = render_template("folders/purge.html", form=form, name=folder.name)
    return page, shown_status(form)


def _access_page(folder_id: UUID, form: ShareForm) -> ResponseReturnValue:
    listed = list_folder_access(g.actor, folder_id, *asked())
    form.offer(listed.shareable)
    page = render_template("folders/access.html", listed=listed, form=form, folder_id=folder_id)
    return page, shown_status(form)


def _share_page(
    template: str, form: FlaskForm, folder_id: UUID, assignment_id: UUID
) -> ResponseReturnValue:
    assignment, holder = sharing.get_share(g.actor, folder_id, assignment_id)
    page = render_template(
        template,
        form=form,
        place=queries.get_folder(g.actor, folder_id, Permission.ACCESS_READ),
        assignment=assignment,
        holder=holder,
        role=get_role(assignment.role),
    )
    return page, shown_status(form)


def _to_access(folder_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("folders.access", folder_id=folder_id))
