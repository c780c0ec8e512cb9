"""Several folders and documents at once: chosen in a list, then moved or deleted together."""

from collections.abc import Sequence

from flask import flash, g, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.documents.many import Chosen, delete_things, list_chosen, move_things
from portal.web.access import requires
from portal.web.documents.forms import DeleteManyForm, MoveManyForm
from portal.web.documents.routes.group import blueprint
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import choose_place, to_place


@blueprint.post("/many/move")
@requires(Permission.DOCUMENT_EDIT, Permission.FOLDER_EDIT)
def move_many() -> ResponseReturnValue:
    """Put what was chosen into another folder, once that is chosen as well."""
    form = MoveManyForm()
    chosen = list_chosen(g.actor, form.things.data or ())
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            move_things(g.actor, form.things.data or (), form.folder.folder_id)
            flash(f"{_counted(chosen)} moved.", "success")
            return to_place(form.folder.folder_id)
    page = render_template("documents/move_many.html", form=form, chosen=chosen)
    return page, shown_status(form)


@blueprint.post("/many/delete")
@requires(Permission.DOCUMENT_DELETE, Permission.FOLDER_DELETE)
def delete_many() -> ResponseReturnValue:
    """Put what was chosen into the trash, after a question."""
    form = DeleteManyForm()
    chosen = list_chosen(g.actor, form.things.data or ())
    if form.validate_on_submit() and form.is_meant.data:
        with shown_on(form):
            delete_things(g.actor, form.things.data or ())
            flash(f"{_counted(chosen)} in the trash.", "undo")
            return to_place(chosen[0].place.folder_id)
    page = render_template("documents/delete_many.html", form=form, chosen=chosen)
    return page, shown_status(form)


def _counted(chosen: Sequence[Chosen]) -> str:
    return "1 thing is" if len(chosen) == 1 else f"{len(chosen)} things are"
