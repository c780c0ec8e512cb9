"""The first step, by password, passkey or provider; and signing out."""

from collections.abc import Sequence
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.auth import passkeys
from portal.auth import sign_in as service
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import sign_out as end_own_session
from portal.auth.sso.journeys import Purpose
from portal.auth.sso.logout import logout_address
from portal.auth.sso.queries import choose_provider, list_offered, registration_of
from portal.auth.tokens import new_token
from portal.web import cookies
from portal.web.access import any_session, public
from portal.web.auth.blueprint import blueprint
from portal.web.auth.forms import EmailForm, PasskeyForm, SignInForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.limits import limited
from portal.web.onward import ask_for_factor, let_in
from portal.web.passkeys import answer_of, asked
from portal.web.sso.leaving import LOGOUT_COOKIE, lead_to, leave, own_address
from portal.web.urls import local_path


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
                g.actor,
                str(form.email.data),
                str(form.password.data),
                user_agent=request.user_agent.string,
            )
            return ask_for_factor(token, form.next.data)
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
            token = service.sign_in_by_passkey(
                g.actor, answer, user_agent=request.user_agent.string
            )
            return let_in(token, form.next.data)
    return render_template("auth/passkey.html", form=form), shown_status(form)


@blueprint.post("/passkeys/sign-in/begin")
@limited
@public
def begin_passkey_sign_in() -> ResponseReturnValue:
    """What to ask anybody's passkey for."""
    return asked(passkeys.ask_anybody(g.host))


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
