"""Single sign-on as the only way in, and the way back in when it is broken."""

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.auth.sso import break_glass, enforcement
from portal.web import cookies
from portal.web.access import freshly, public, requires
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.request import request
from portal.web.sso.forms import BreakGlassForm
from portal.web.sso.routes.blueprint import blueprint


@blueprint.route("/enforce", methods=["GET", "POST"])
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def enforce() -> ResponseReturnValue:
    """Make single sign-on the only way in; the break-glass codes are shown once."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            codes = enforcement.enforce_sso(g.actor)
            return render_template("sso/codes.html", codes=codes)
    outlook = enforcement.look_ahead(g.actor)
    return render_template(
        "sso/enforce.html",
        form=form,
        outlook=outlook,
        is_by_sso=current_user.found.proof.first == "sso",
    ), shown_status(form)


@blueprint.route("/release", methods=["GET", "POST"])
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def release() -> ResponseReturnValue:
    """Allow other ways in again, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            enforcement.release_sso(g.actor)
            flash("Other ways in are allowed again.", "success")
            return redirect(url_for("sso.index"))
    return render_template("sso/release.html", form=form), shown_status(form)


@blueprint.route("/break-glass", methods=["GET", "POST"])
@limited
@public
def break_the_glass() -> ResponseReturnValue:
    """Come in with a break-glass code."""
    form = BreakGlassForm()
    if form.validate_on_submit():
        with shown_on(form):
            token = break_glass.break_glass(
                g.actor,
                str(form.email.data),
                str(form.code.data),
                user_agent=request.user_agent.string,
            )
            return cookies.hand_out(redirect(url_for("sso.index")), token)
    return render_template("sso/break_glass.html", form=form), shown_status(form)
