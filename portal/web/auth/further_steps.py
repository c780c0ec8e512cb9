"""What may be owed after the first step: a second factor, a first factor, a new password."""

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.auth import enrolment, passkeys
from portal.auth import sign_in as service
from portal.auth.assurance import Factor, Step
from portal.auth.credentials import change_password
from portal.auth.devices import device_of
from portal.auth.factors.queries import count_recovery_codes
from portal.auth.proofs import offered_factors
from portal.web import cookies
from portal.web.access import half_signed_in
from portal.web.auth.blueprint import blueprint
from portal.web.auth.forms import CodeForm, RecoveryCodeForm, RenewPasswordForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.onward import let_in, to_step
from portal.web.passkeys import answer_of, asked
from portal.web.reminders import tell_codes_left
from portal.web.urls import path_or_home


@blueprint.route("/code", methods=["GET", "POST"])
@limited
@half_signed_in
def code() -> ResponseReturnValue:
    """A code of the authenticator, or a passkey; who has neither is led to set one up."""
    if current_user.found.step != Step.GIVE_FACTOR:
        return to_step()
    form = CodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            return let_in(_check_factor(form), form.next.data)
    factors = offered_factors(g.actor, g.host)
    hosts = [] if factors else passkeys.list_hosts(g.actor)
    return render_template("auth/code.html", form=form, factors=factors, hosts=hosts), shown_status(
        form
    )


@blueprint.post("/passkeys/code/begin")
@limited
@half_signed_in
def begin_passkey_code() -> ResponseReturnValue:
    """What to ask a passkey for, of whoever has given their password."""
    return asked(passkeys.ask_owner(g.actor, g.host))


@blueprint.route("/recovery-code", methods=["GET", "POST"])
@limited
@half_signed_in
def recovery_code() -> ResponseReturnValue:
    """A recovery code in place of the factor that was lost."""
    if current_user.found.step != Step.GIVE_FACTOR:
        return to_step()
    form = RecoveryCodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            token = service.check_recovery_code(
                g.actor, str(form.code.data), user_agent=request.user_agent.string
            )
            tell_codes_left()
            return let_in(token, form.next.data)
    return render_template("auth/recovery_code.html", form=form), shown_status(form)


@blueprint.route("/enrol", methods=["GET", "POST"])
@limited
@half_signed_in
def enrol() -> ResponseReturnValue:
    """Set up a first factor: an authenticator, proved with a code, or a passkey."""
    if current_user.found.step != Step.ENROL:
        return to_step()
    form = CodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            token = _enrol(form)
            flash("Your second factor is set up.", "success")
            return cookies.hand_out(redirect(_after_enrolment(form.next.data)), token)
    counted = enrolment.counted_factors()
    shown = enrolment.get_enrolment(g.actor) if Factor.TOTP in counted else None
    return render_template(
        "auth/enrol.html", form=form, enrolment=shown, counted=counted
    ), shown_status(form)


@blueprint.post("/passkeys/enrol/begin")
@limited
@half_signed_in
def begin_passkey_enrol() -> ResponseReturnValue:
    """What to ask for, that a first passkey be made."""
    return asked(enrolment.ask_for_passkey(g.actor, g.host))


@blueprint.route("/renew-password", methods=["GET", "POST"])
@limited
@half_signed_in
def renew_password() -> ResponseReturnValue:
    """Choose another password, where the organisation lets passwords grow old."""
    if current_user.found.step != Step.RENEW_PASSWORD:
        return to_step()
    form = RenewPasswordForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            change_password(g.actor, str(form.present.data), str(form.new.data))
            flash("Your password is changed.", "success")
            return redirect(path_or_home(form.next.data))
    return render_template("auth/renew_password.html", form=form), shown_status(form)


def _check_factor(form: CodeForm) -> str:
    if form.passkey.data:
        answer = answer_of(form.passkey.data)
        return service.check_passkey(g.actor, answer, user_agent=request.user_agent.string)
    return service.check_code(g.actor, str(form.code.data), user_agent=request.user_agent.string)


def _enrol(form: CodeForm) -> str:
    agent = request.user_agent.string
    if form.passkey.data:
        answer = answer_of(form.passkey.data)
        return enrolment.confirm_passkey(g.actor, answer, user_agent=agent, name=device_of(agent))
    return enrolment.confirm_authenticator(g.actor, str(form.code.data), user_agent=agent)


def _after_enrolment(then: str | None) -> str:
    """To the recovery codes, where there are none yet, and from there to where they were going."""
    then = path_or_home(then)
    if count_recovery_codes(g.actor.user_id):
        return then
    return url_for("account.recovery_codes", next=then)
