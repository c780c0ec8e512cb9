"""Searching by name."""

from flask import g, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.documents.queries import get_folder
from portal.documents.search import search_names
from portal.web.access import only_asks, requires
from portal.web.documents.forms import KINDS, SearchForm
from portal.web.documents.routes.blueprint import blueprint
from portal.web.lifecycle import shown_status


@blueprint.route("/search", methods=["GET", "POST"])
@only_asks
@requires(Permission.DOCUMENT_READ)
def search() -> ResponseReturnValue:
    """Find folders and documents. Names are sealed, so what is asked for comes in a form: an
    address would stand in logs and histories.
    """
    form = SearchForm()
    found = search_names(g.actor, form.wanted) if form.validate_on_submit() else None
    folder_id = form.wanted.folder_id
    page = render_template(
        "documents/search.html",
        form=form,
        kinds=KINDS,
        found=found,
        within=get_folder(g.actor, folder_id, Permission.DOCUMENT_READ) if folder_id else None,
    )
    return page, shown_status(form)
