"""Signing in: password, passkey, second step, first factor; signing out; one-time links."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.auth import enrolment, invitations, passkeys, resets
from portal.auth import sign_in as service
from portal.auth.assurance import Factor, Step
from portal.auth.credentials import change_password
from portal.auth.devices import device_of
from portal.auth.factors.queries import count_recovery_codes
from portal.auth.policy.queries import get_policy
from portal.auth.proofs import offered_factors
from portal.auth.sessions import sign_out as end_own_session
from portal.auth.sso.journeys import Purpose
from portal.auth.sso.logout import logout_address
from portal.auth.sso.queries import choose_provider, list_offered, registration_of
from portal.auth.tokens import new_token
from portal.core.errors import PortalError
from portal.core.settings import active
from portal.web import cookies
from portal.web import step_up as question
from portal.web.access import any_session, half_signed_in, public, repairs, signed_in
from portal.web.auth.forms import (
    ChooseForm,
    CodeForm,
    EmailForm,
    ForgotForm,
    PasskeyForm,
    RecoveryCodeForm,
    RenewPasswordForm,
    SignInForm,
)
from portal.web.lifecycle import STEP_PAGES, refuse, shown_on, shown_status
from portal.web.limits import limited
from portal.web.passkeys import answer_of, asked
from portal.web.reminders import tell_codes_left
from portal.web.sso.leaving import LOGOUT_COOKIE, lead_to, leave, own_address
from portal.web.urls import local_path

blueprint = Blueprint("auth", __name__, url_prefix="/auth")


@blueprint.route("/sign-in", methods=["GET", "POST"])
@limited
@public
def sign_in() -> ResponseReturnValue:
    """E-mail and password."""
    if current_user.is_authenticated and request.method != "POST":
        return redirect(url_for("home.index"))
    providers = list_offered()
    if providers and request.method == "POST" and "password" not in request.form:
        return _choose_way(providers)
    form = SignInForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            token = service.check_password(
                g.actor, str(form.email.data), str(form.password.data), user_agent=_user_agent()
            )
            return _on_to(token, "auth.code", form.next.data)
    return _sign_in_page(form, providers, asks_email_first=bool(providers) and not form.errors)


@blueprint.route("/passkeys/sign-in", methods=["GET", "POST"])
@limited
@public
def passkey_sign_in() -> ResponseReturnValue:
    """A passkey, and nothing else."""
    if current_user.is_authenticated and request.method != "POST":
        return redirect(url_for("home.index"))
    form = PasskeyForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            answer = answer_of(str(form.passkey.data))
            token = service.sign_in_by_passkey(g.actor, answer, user_agent=_user_agent())
            return _on_to(token, "home.index", form.next.data)
    return render_template("auth/passkey.html", form=form), shown_status(form)


@blueprint.post("/passkeys/sign-in/begin")
@limited
@public
def begin_passkey_sign_in() -> ResponseReturnValue:
    """What to ask anybody's passkey for."""
    return asked(passkeys.ask_anybody(g.host))


@blueprint.route("/code", methods=["GET", "POST"])
@limited
@half_signed_in
def code() -> ResponseReturnValue:
    """A code of the authenticator, or a passkey; who has neither is led to set one up."""
    if current_user.found.step != Step.GIVE_FACTOR:
        return _to_step()
    form = CodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            return _on_to(_check_factor(form), "home.index", form.next.data)
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
        return _to_step()
    form = RecoveryCodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            token = service.check_recovery_code(
                g.actor, str(form.code.data), user_agent=_user_agent()
            )
            tell_codes_left()
            return _on_to(token, "home.index", form.next.data)
    return render_template("auth/recovery_code.html", form=form), shown_status(form)


@blueprint.route("/enrol", methods=["GET", "POST"])
@limited
@half_signed_in
def enrol() -> ResponseReturnValue:
    """Set up a first factor: an authenticator, proved with a code, or a passkey."""
    if current_user.found.step != Step.ENROL:
        return _to_step()
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
        return _to_step()
    form = RenewPasswordForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            change_password(g.actor, str(form.present.data), str(form.new.data))
            flash("Your password is changed.", "success")
            return redirect(local_path(form.next.data) or url_for("home.index"))
    return render_template("auth/renew_password.html", form=form), shown_status(form)


@blueprint.route("/step-up", methods=["GET", "POST"])
@limited
@repairs
@signed_in
def step_up() -> ResponseReturnValue:
    """Confirm again who it is, and go on to where that was asked for."""
    then = local_path(request.args.get("next")) or url_for("home.index")
    if request.method == "POST":
        try:
            question.prove(request.form)
        except PortalError as error:
            refuse(error)
            return question.ask(error, then=then)
        return redirect(then)
    return question.ask(then=then)


@blueprint.post("/passkeys/step-up/begin")
@limited
@signed_in
def begin_passkey_step_up() -> ResponseReturnValue:
    """What to ask a passkey for, of whoever is to confirm who they are."""
    return asked(passkeys.ask_owner(g.actor, g.host))


@blueprint.post("/sign-out")
@any_session
def sign_out() -> ResponseReturnValue:
    """End the session, here and in the database, and at the provider that opened it."""
    state = new_token()
    elsewhere = logout_address(g.actor, own_address("sso.signed_out"), state)
    end_own_session(g.actor)
    if elsewhere is None:
        flash("You are signed out.", "success")
        return cookies.take_back(redirect(url_for("auth.sign_in")))
    response = cookies.remember(
        lead_to(elsewhere, "your identity provider"), LOGOUT_COOKIE, state, seconds=600
    )
    return cookies.take_back(response)


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
                g.actor, token, str(form.password.data), user_agent=_user_agent()
            )
            return _on_to(session_token, "auth.code", None)
    return render_template(
        "auth/accept.html",
        form=form,
        invited=invited,
        token=token,
        providers=list_offered(),
        is_sso_only=get_policy().is_sso_only,
    ), shown_status(form)


def _choose_way(providers: Sequence[Any]) -> ResponseReturnValue:
    """The e-mail's domain leads to a provider; any other e-mail is asked for its password."""
    form = EmailForm()
    if not form.validate():
        return _sign_in_page(form, providers, asks_email_first=True)
    provider = choose_provider(providers, str(form.email.data))
    if provider is None:
        return _sign_in_page(form.with_password(), providers, asks_password_next=True)
    return leave(
        registration_of(provider),
        Purpose.SIGN_IN,
        then=local_path(form.next.data),
        login_hint=str(form.email.data).strip(),
    )


def _sign_in_page(form: Any, providers: Sequence[Any], **shown: bool) -> ResponseReturnValue:
    asked_for = {"asks_email_first": False, "asks_password_next": False} | shown
    return render_template(
        "auth/sign_in.html",
        form=form,
        providers=providers,
        is_sso_only=get_policy().is_sso_only,
        takes_passkeys=service.takes_passkeys(),
        **asked_for,
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
            resets.reset_password(g.actor, token, str(form.password.data), user_agent=_user_agent())
            flash("Your password is changed. Sign in with it.", "success")
            return redirect(url_for("auth.sign_in"))
    return render_template("auth/reset.html", form=form, person=person), shown_status(form)


def _on_to(token: str, endpoint: str, then: str | None) -> ResponseReturnValue:
    """Hand out a session's token and go on: to the next step, or to where the visitor was going."""
    then = local_path(then)
    if endpoint == "home.index":
        address = then or url_for("home.index")
    else:
        address = url_for(endpoint, next=then)
    return cookies.hand_out(redirect(address), token)


def _check_factor(form: CodeForm) -> str:
    if form.passkey.data:
        answer = answer_of(form.passkey.data)
        return service.check_passkey(g.actor, answer, user_agent=_user_agent())
    return service.check_code(g.actor, str(form.code.data), user_agent=_user_agent())


def _enrol(form: CodeForm) -> str:
    agent = _user_agent()
    if form.passkey.data:
        answer = answer_of(form.passkey.data)
        return enrolment.confirm_passkey(g.actor, answer, user_agent=agent, name=device_of(agent))
    return enrolment.confirm_authenticator(g.actor, str(form.code.data), user_agent=agent)


def _after_enrolment(then: str | None) -> str:
    """To the recovery codes, where there are none yet, and from there to where they were going."""
    then = local_path(then) or url_for("home.index")
    if count_recovery_codes(g.actor.user_id):
        return then
    return url_for("account.recovery_codes", next=then)


def _to_step() -> ResponseReturnValue:
    """To what the session really owes."""
    return redirect(url_for(STEP_PAGES[current_user.found.step], next=request.args.get("next")))


def _user_agent() -> str:
    return request.user_agent.string
