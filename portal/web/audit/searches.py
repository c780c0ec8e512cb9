"""Searches of the log that somebody keeps under a name."""

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access.audit_log import list_choices
from portal.access.log_searches import service
from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES
from portal.web.access import requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import FilterForm, SearchForm
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status


@blueprint.get("/searches")
@requires(Permission.AUDIT_READ)
def searches() -> ResponseReturnValue:
    """One's own, and those that others share."""
    return render_template("audit/searches.html", listed=service.list_searches(g.actor))


@blueprint.route("/searches/new", methods=["GET", "POST"])
@requires(Permission.AUDIT_READ)
def new_search() -> ResponseReturnValue:
    """Keep the search that the address asks for."""
    form, filters = SearchForm(), FilterForm(request.args)
    if not filters.validate():
        return redirect(url_for("audit.index", **filters.kept))
    if form.validate_on_submit():
        with shown_on(form):
            service.save_search(
                g.actor, str(form.name.data), filters.kept, is_shared=bool(form.is_shared.data)
            )
            flash("The search is kept.", "success")
            return redirect(url_for("audit.searches"))
    page = render_template(
        "audit/new_search.html",
        form=form,
        filters=filters,
        choices=list_choices(),
        sentences=SENTENCES,
    )
    return page, shown_status(form)


@blueprint.route("/searches/<uuid:search_id>/edit", methods=["GET", "POST"])
@requires(Permission.AUDIT_READ)
def edit_search(search_id: UUID) -> ResponseReturnValue:
    """Another name, and whether others see it."""
    search = service.get_own_search(g.actor, search_id)
    form = SearchForm(obj=search)
    if form.validate_on_submit():
        with shown_on(form):
            service.change_search(
                g.actor, search_id, str(form.name.data), is_shared=bool(form.is_shared.data)
            )
            flash("The search is changed.", "success")
            return redirect(url_for("audit.searches"))
    return render_template("audit/edit_search.html", form=form), shown_status(form)


@blueprint.route("/searches/<uuid:search_id>/delete", methods=["GET", "POST"])
@requires(Permission.AUDIT_READ)
def delete_search(search_id: UUID) -> ResponseReturnValue:
    """Ask, and keep it no more."""
    search, form = service.get_own_search(g.actor, search_id), ConfirmForm()
    if form.validate_on_submit():
        service.delete_search(g.actor, search_id)
        flash("The search is deleted.", "success")
        return redirect(url_for("audit.searches"))
    return render_template("audit/delete_search.html", form=form, search=search)
