"""Signing in: password, code, enrolment of an authenticator; signing out; invitations."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.auth import invitations
from portal.auth import sign_in as service
from portal.auth.assurance import Step
from portal.auth.credentials import change_password
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import sign_out as end_own_session
from portal.auth.sso.journeys import Purpose
from portal.auth.sso.logout import logout_address
from portal.auth.sso.queries import choose_provider, list_offered, registration_of
from portal.auth.tokens import new_token
from portal.core.errors import PortalError
from portal.web import cookies
from portal.web import step_up as question
from portal.web.access import half_signed_in, public, repairs, signed_in
from portal.web.auth.forms import AcceptForm, CodeForm, EmailForm, RenewPasswordForm, SignInForm
from portal.web.lifecycle import STEP_PAGES, refuse, shown_on, shown_status
from portal.web.limits import limited
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


@blueprint.route("/code", methods=["GET", "POST"])
@limited
@half_signed_in
def code() -> ResponseReturnValue:
    """The code of the authenticator; who has none is led to set one up."""
    if current_user.found.step != Step.GIVE_FACTOR:
        return _to_step()
    form = CodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            token = service.check_code(g.actor, str(form.code.data), user_agent=_user_agent())
            return _on_to(token, "home.index", form.next.data)
    return render_template("auth/code.html", form=form), shown_status(form)


@blueprint.route("/enrol", methods=["GET", "POST"])
@limited
@half_signed_in
def enrol() -> ResponseReturnValue:
    """Set up an authenticator: scan or type the secret, prove it with a code."""
    if current_user.found.step != Step.ENROL:
        return _to_step()
    form = CodeForm(next=request.args.get("next"))
    if form.validate_on_submit():
        with shown_on(form):
            token = service.confirm_enrolment(
                g.actor, str(form.code.data), user_agent=_user_agent()
            )
            flash("Your authenticator is set up.", "success")
            return _on_to(token, "home.index", form.next.data)
    enrolment = service.get_enrolment(g.actor)
    return render_template("auth/enrol.html", form=form, enrolment=enrolment), shown_status(form)


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


@blueprint.post("/sign-out")
@repairs
@signed_in
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
    form = AcceptForm()
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
    asked = {"asks_email_first": False, "asks_password_next": False} | shown
    return render_template(
        "auth/sign_in.html",
        form=form,
        providers=providers,
        is_sso_only=get_policy().is_sso_only,
        **asked,
    ), shown_status(form)


def _on_to(token: str, endpoint: str, then: str | None) -> ResponseReturnValue:
    """Hand out a session's token and go on: to the next step, or to where the visitor was going."""
    then = local_path(then)
    if endpoint == "home.index":
        address = then or url_for("home.index")
    else:
        address = url_for(endpoint, next=then)
    return cookies.hand_out(redirect(address), token)


def _to_step() -> ResponseReturnValue:
    """To what the session really owes."""
    return redirect(url_for(STEP_PAGES[current_user.found.step], next=request.args.get("next")))


def _user_agent() -> str:
    return request.user_agent.string
