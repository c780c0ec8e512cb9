"""A person's own page: who I am here, where I am signed in, my password."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import ROLES
from portal.access.queries import assignments_of
from portal.auth import sessions
from portal.auth.credentials import change_password
from portal.web import cookies
from portal.web.access import signed_in
from portal.web.account.forms import ChangePasswordForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """Roles, sessions, and the ways to change them."""
    return render_template(
        "account/index.html",
        sessions=sessions.list_sessions(g.actor.user_id),
        assignments=assignments_of([g.actor.user_id]).get(g.actor.user_id, ()),
        roles=ROLES,
    )


@blueprint.route("/password", methods=["GET", "POST"])
@limited
@signed_in
def password() -> ResponseReturnValue:
    """Change the password; all other sessions end."""
    form = ChangePasswordForm()
    if form.validate_on_submit():
        with shown_on(form):
            change_password(g.actor, str(form.present.data), str(form.new.data))
            flash("Your password is changed, and you are signed out everywhere else.", "success")
            return redirect(url_for("account.index"))
    return render_template("account/password.html", form=form), shown_status(form)


@blueprint.post("/sessions/<uuid:session_id>/end")
@signed_in
def end_session(session_id: UUID) -> ResponseReturnValue:
    """End one session; the present one signs out."""
    sessions.end_session(g.actor, session_id)
    if session_id == g.actor.session_id:
        return cookies.take_back(redirect(url_for("auth.sign_in")))
    flash("The session is ended.", "success")
    return redirect(url_for("account.index"))


@blueprint.post("/sessions/end-others")
@signed_in
def end_other_sessions() -> ResponseReturnValue:
    """End every session but the present one."""
    sessions.end_other_sessions(g.actor)
    flash("You are signed out everywhere else.", "success")
    return redirect(url_for("account.index"))
