"""The accounts at providers that are linked to one's own."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.auth.assurance import Act
from portal.auth.sso import parting, queries
from portal.auth.sso.journeys import Purpose
from portal.web.access import freshly, signed_in
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.sso.leaving import chosen_provider, leave
from portal.web.sso.routes.blueprint import blueprint


@blueprint.get("/links")
@signed_in
def links() -> ResponseReturnValue:
    """The providers' accounts that are linked to one's own, and those that can be."""
    return render_template(
        "sso/links.html",
        identities=queries.list_identities(g.actor.user_id),
        providers=queries.list_offered(),
    )


@blueprint.post("/link")
@limited
@freshly(Act.FACTORS)
@signed_in
def link() -> ResponseReturnValue:
    """To a provider, to link its account to one's own."""
    return leave(chosen_provider("provider"), Purpose.LINK)


@blueprint.route("/links/<uuid:identity_id>/remove", methods=["GET", "POST"])
@freshly(Act.FACTORS)
@signed_in
def unlink(identity_id: UUID) -> ResponseReturnValue:
    """Part one's account from a provider's, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            parting.unlink(g.actor, identity_id)
            flash("The link is removed.", "success")
            return redirect(url_for("sso.links"))
    _, name = queries.get_own_identity(g.actor.user_id, identity_id)
    roles = parting.foresee_unlinking(g.actor)
    return render_template("sso/unlink.html", form=form, name=name, roles=roles), shown_status(form)
