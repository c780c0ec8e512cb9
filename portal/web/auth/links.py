"""One-time links: an invitation, and the way back from a forgotten password."""

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.auth import invitations, resets
from portal.auth.policy.queries import get_policy
from portal.auth.sso.queries import list_offered
from portal.core.settings import active
from portal.web.access import public
from portal.web.auth.blueprint import blueprint
from portal.web.auth.forms import ChooseForm, ForgotForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.onward import ask_for_factor


@blueprint.route("/invitations/<token>", methods=["GET", "POST"])
@limited
@public
def accept(token: str) -> ResponseReturnValue:
    """Choose a password with the one-time link of an invitation."""
    form = ChooseForm()
    invited = invitations.get_invited(token)
    if form.validate_on_submit():
        with shown_on(form):
            session_token = invitations.accept_invitation(
                g.actor, token, str(form.password.data), user_agent=request.user_agent.string
            )
            return ask_for_factor(session_token, None)
    return render_template(
        "auth/accept.html",
        form=form,
        invited=invited,
        token=token,
        providers=list_offered(),
        is_sso_only=get_policy().is_sso_only,
    ), shown_status(form)


@blueprint.route("/forgot", methods=["GET", "POST"])
@limited
@public
def forgot() -> ResponseReturnValue:
    """Ask for a link by mail; the answer is the same whoever asks for whom."""
    form = ForgotForm()
    if form.validate_on_submit():
        with shown_on(form):
            resets.ask_for_reset(g.actor, str(form.email.data))
            return render_template("auth/forgot_sent.html", email=form.email.data)
    return render_template(
        "auth/forgot.html", form=form, sends_mail=bool(active().smtp_url)
    ), shown_status(form)


@blueprint.route("/resets/<token>", methods=["GET", "POST"])
@limited
@public
def reset(token: str) -> ResponseReturnValue:
    """Choose another password with the one-time link, and sign in with it."""
    form = ChooseForm()
    person = resets.get_forgetful(token)
    if form.validate_on_submit():
        with shown_on(form):
            resets.reset_password(
                g.actor, token, str(form.password.data), user_agent=request.user_agent.string
            )
            flash("Your password is changed. Sign in with it.", "success")
            return redirect(url_for("auth.sign_in"))
    return render_template("auth/reset.html", form=form, person=person), shown_status(form)
