"""Several folders and documents at once: chosen in a list, then moved, starred, deleted or taken
out of the trash together; and moves taken back, be they of one thing or of several.
"""

from collections.abc import Sequence
from contextlib import suppress

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.core.errors import NotFound
from portal.documents import undoing
from portal.documents.many import (
    Chosen,
    delete_things,
    foresee_move,
    list_chosen,
    move_things,
    restore_things,
)
from portal.documents.stars import star_things
from portal.web.access import requires
from portal.web.documents.forms import DeleteManyForm, ManyForm, PlaceManyForm, UndoForm
from portal.web.documents.naming import in_words
from portal.web.documents.returning import came_from
from portal.web.documents.routes.blueprint import blueprint
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import choose_place, redirect_to_folder, undo_category


@blueprint.post("/many/move")
@requires(Permission.DOCUMENT_EDIT, Permission.FOLDER_EDIT)
def move_many() -> ResponseReturnValue:
    """Put what was chosen into another folder, once that is chosen as well."""
    form, outlook = PlaceManyForm(), None
    chosen = list_chosen(g.actor, form.things.data or ())
    if form.folder.is_asked:
        lies_in = {one.place.folder_id for one in chosen}
        return choose_place(form.folder, what=f"To move {in_words(chosen)}.", lies_in=lies_in)
    if form.validate_on_submit():
        with shown_on(form):
            move_things(g.actor, form.things.data or (), form.folder.folder_id)
            flash(f"{_counted(chosen)} moved.", undo_category())
            return redirect_to_folder(form.folder.folder_id)
    with suppress(NotFound):  # the form says so
        outlook = foresee_move(g.actor, form.things.data or (), form.folder.folder_id)
    page = render_template("documents/move_many.html", form=form, chosen=chosen, outlook=outlook)
    return page, shown_status(form)


@blueprint.post("/many/undo-move")
@requires(Permission.DOCUMENT_EDIT, Permission.FOLDER_EDIT)
def undo_move() -> ResponseReturnValue:
    """Put what one has just moved back where it lay."""
    folder_id = undoing.undo_move(g.actor, UndoForm().move_id)
    flash("It is back where it was.", "success")
    return redirect_to_folder(folder_id)


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
            return redirect_to_folder(chosen[0].place.folder_id)
    page = render_template("documents/delete_many.html", form=form, chosen=chosen)
    return page, shown_status(form)


@blueprint.post("/many/star")
@requires(Permission.DOCUMENT_READ)
def star_many() -> ResponseReturnValue:
    """Star what was chosen."""
    count = star_things(g.actor, ManyForm().things.data or ())
    flash("1 document is starred." if count == 1 else f"{count} documents are starred.", "success")
    return redirect(came_from() or url_for("documents.starred"))


@blueprint.post("/many/restore")
@requires(Permission.DOCUMENT_DELETE, Permission.FOLDER_DELETE)
def restore_many() -> ResponseReturnValue:
    """Take what was chosen out of the trash."""
    things = ManyForm().things.data or []
    restore_things(g.actor, things)
    flash(
        "1 item is restored." if len(things) == 1 else f"{len(things)} items are restored.",
        "success",
    )
    return redirect(url_for("documents.trash"))


def _counted(chosen: Sequence[Chosen]) -> str:
    return "1 item is" if len(chosen) == 1 else f"{len(chosen)} items are"
