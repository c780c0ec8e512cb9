"""A person's own pages: who I am here, where I am signed in, my password, my second factors."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access.groups.queries import list_groups_of
from portal.access.holdings import list_holdings
from portal.access.reviews.queries import count_waiting
from portal.access.roles import list_roles
from portal.audit.activity import By
from portal.auth import enrolment, own_factors, sessions
from portal.auth.assurance import Act
from portal.auth.credentials import change_password
from portal.auth.devices import device_of
from portal.auth.factors.queries import count_recovery_codes
from portal.documents.activity import list_activity
from portal.documents.usage import find_usage
from portal.web import cookies
from portal.web.access import freshly, signed_in, while_closing
from portal.web.account.forms import (
    AddAuthenticatorForm,
    AddPasskeyForm,
    ChangePasswordForm,
    NameForm,
)
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.passkeys import answer_of, asked
from portal.web.urls import local_path

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """Roles, sessions, and the ways to change them."""
    return render_template(
        "account/index.html",
        sessions=sessions.list_sessions(g.actor.user_id),
        holdings=list_holdings(g.actor.user_id),
        groups=list_groups_of(g.actor, g.actor.user_id),
        roles=list_roles(),
        to_review=count_waiting(g.actor),
        usage=find_usage(g.actor.user_id),
    )


@blueprint.get("/activity")
@signed_in
def activity() -> ResponseReturnValue:
    """What one did, and what others did to oneself and one's documents, newest first."""
    by = request.args.get("by", By.ANYBODY, type=By)
    before = request.args.get("before", type=UUID)
    return render_template("account/activity.html", found=list_activity(g.actor, by, before), by=by)


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
@while_closing
@signed_in
def end_session(session_id: UUID) -> ResponseReturnValue:
    """End one session; the present one signs out."""
    sessions.end_session(g.actor, session_id)
    if session_id == g.actor.session_id:
        return cookies.take_back(redirect(url_for("auth.sign_in")))
    flash("The session is ended.", "success")
    return redirect(url_for("account.index"))


@blueprint.post("/sessions/end-others")
@while_closing
@signed_in
def end_other_sessions() -> ResponseReturnValue:
    """End every session but the present one."""
    sessions.end_other_sessions(g.actor)
    flash("You are signed out everywhere else.", "success")
    return redirect(url_for("account.index"))


@blueprint.get("/security")
@signed_in
def security() -> ResponseReturnValue:
    """The second factors there are, and the recovery codes that are left."""
    return render_template("account/security.html", own=own_factors.list_own_factors(g.actor))


@blueprint.route("/authenticators/new", methods=["GET", "POST"])
@limited
@freshly(Act.FACTORS)
@signed_in
def new_authenticator() -> ResponseReturnValue:
    """Set up a further authenticator."""
    form = AddAuthenticatorForm(name="Authenticator")
    if form.validate_on_submit():
        with shown_on(form):
            token = enrolment.confirm_authenticator(
                g.actor,
                str(form.code.data),
                user_agent=request.user_agent.string,
                name=str(form.name.data),
            )
            return _added(token)
    shown = enrolment.get_enrolment(g.actor)
    return render_template(
        "account/new_authenticator.html", form=form, enrolment=shown
    ), shown_status(form)


@blueprint.route("/passkeys/new", methods=["GET", "POST"])
@limited
@freshly(Act.FACTORS)
@signed_in
def new_passkey() -> ResponseReturnValue:
    """Set up a further passkey."""
    form = AddPasskeyForm(name=device_of(request.user_agent.string))
    if form.validate_on_submit():
        with shown_on(form):
            token = enrolment.confirm_passkey(
                g.actor,
                answer_of(str(form.passkey.data)),
                user_agent=request.user_agent.string,
                name=str(form.name.data),
            )
            return _added(token)
    return render_template("account/new_passkey.html", form=form), shown_status(form)


@blueprint.post("/passkeys/begin")
@limited
@freshly(Act.FACTORS)
@signed_in
def begin_passkey() -> ResponseReturnValue:
    """What to ask for, that a further passkey be made."""
    return asked(enrolment.ask_for_passkey(g.actor, g.host))


@blueprint.route("/factors/<uuid:factor_id>/rename", methods=["GET", "POST"])
@freshly(Act.FACTORS)
@signed_in
def rename_factor(factor_id: UUID) -> ResponseReturnValue:
    """Give a factor another name."""
    factor = own_factors.get_own_factor(g.actor, factor_id)
    form = NameForm(name=factor.name)
    if form.validate_on_submit():
        with shown_on(form):
            own_factors.rename_factor(g.actor, factor_id, str(form.name.data))
            flash("The name is changed.", "success")
            return redirect(url_for("account.security"))
    return render_template("account/rename_factor.html", form=form, factor=factor), shown_status(
        form
    )


@blueprint.route("/factors/<uuid:factor_id>/remove", methods=["GET", "POST"])
@freshly(Act.FACTORS)
@signed_in
def remove_factor(factor_id: UUID) -> ResponseReturnValue:
    """Remove a factor, after a question."""
    factor = own_factors.get_own_factor(g.actor, factor_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            own_factors.remove_factor(g.actor, factor_id)
            flash("It is removed, and you are signed out everywhere else.", "success")
            return redirect(url_for("account.security"))
    return render_template("account/remove_factor.html", form=form, factor=factor), shown_status(
        form
    )


@blueprint.route("/recovery-codes", methods=["GET", "POST"])
@limited
@freshly(Act.FACTORS)
@signed_in
def recovery_codes() -> ResponseReturnValue:
    """Make recovery codes; they are shown once, as the answer."""
    form = ConfirmForm()
    back = local_path(request.args.get("next")) or url_for("account.security")
    if form.validate_on_submit():
        with shown_on(form):
            codes = own_factors.renew_recovery_codes(g.actor)
            return render_template("account/new_recovery_codes.html", codes=codes, back=back)
    return render_template(
        "account/recovery_codes.html",
        form=form,
        back=back,
        own=own_factors.list_own_factors(g.actor),
    ), shown_status(form)


def _added(token: str) -> ResponseReturnValue:
    """Back to the list, or to the recovery codes where this was the first factor."""
    flash("Your second factor is set up.", "success")
    has_codes = count_recovery_codes(g.actor.user_id)
    page = "account.security" if has_codes else "account.recovery_codes"
    return cookies.hand_out(redirect(url_for(page)), token)
