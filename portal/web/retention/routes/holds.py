"""Legal holds: listed, placed, shown and released. Nobody else is told that there are any."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.documents.retention import holding
from portal.documents.retention import holds as queries
from portal.documents.retention.things import Thing, name_of_thing
from portal.web.access import freshly, requires
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import choose_place
from portal.web.request import request
from portal.web.retention.forms import HoldForm, ReasonForm
from portal.web.retention.routes.blueprint import blueprint

ASKED = "Somebody else has to agree within three days. Until then the hold stays."


@blueprint.get("/holds")
@requires(Permission.HOLD_EDIT)
def holds() -> ResponseReturnValue:
    """Every hold."""
    return render_template("retention/holds.html", listed=queries.list_holds(g.actor))


@blueprint.route("/holds/new", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.HOLD_EDIT)
def create_hold() -> ResponseReturnValue:
    """Place a hold: on what `?on=…` names, or on whom or what is chosen here."""
    on = Thing.named(request.args["on"]) if request.args.get("on") else None
    name = name_of_thing(on) if on else ""
    form = HoldForm(on)
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            matter, reason = str(form.matter.data), str(form.reason.data)
            hold = holding.place_hold(g.actor, form.thing(), matter, reason)
            flash("The hold is placed. Nobody is told but who may know of holds.", "success")
            return redirect(url_for("retention.show_hold", hold_id=hold.id))
    return render_template("retention/hold.html", form=form, name=name), shown_status(form)


@blueprint.get("/holds/<uuid:hold_id>")
@requires(Permission.HOLD_EDIT)
def show_hold(hold_id: UUID) -> ResponseReturnValue:
    """One hold in full."""
    shown = queries.show_hold(g.actor, hold_id)
    return render_template("retention/show_hold.html", shown=shown)


@blueprint.route("/holds/<uuid:hold_id>/release", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.HOLD_EDIT)
def release_hold(hold_id: UUID) -> ResponseReturnValue:
    """Release a hold after a question, or ask a second officer to agree."""
    shown, form = queries.show_hold(g.actor, hold_id), ReasonForm()
    if form.validate_on_submit():
        with shown_on(form):
            waits = holding.release_hold(g.actor, hold_id, str(form.reason.data))
            flash(ASKED if waits else "The hold is released.", "success")
            return redirect(url_for("retention.show_hold", hold_id=hold_id))
    page = render_template("retention/release_hold.html", form=form, shown=shown)
    return page, shown_status(form)
