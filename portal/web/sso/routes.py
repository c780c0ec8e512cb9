"""Single sign-on: set-up, the way to a provider and back, logout, enforcing, breaking glass."""

import hmac
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.access.permissions import ROLES, Permission
from portal.auth.assurance import Act
from portal.auth.sso import break_glass, enforcement, logout, parting, providers, queries, trials
from portal.auth.sso.journeys import Purpose, take_up
from portal.auth.sso.refusals import SsoRefused
from portal.core.errors import NotFound
from portal.web import cookies
from portal.web.access import (
    by_programs,
    finishes_ceremony,
    freshly,
    public,
    repairs,
    requires,
    signed_in,
)
from portal.web.lifecycle import refuse, shown_on, shown_status
from portal.web.limits import limited, limited_returns
from portal.web.requests import request
from portal.web.sso.forms import (
    DEFAULT_ROLES,
    BreakGlassForm,
    ConfirmForm,
    ProviderForm,
    shown_mapping,
)
from portal.web.sso.leaving import (
    COOKIE,
    LOGOUT_COOKIE,
    failed_page,
    given_addresses,
    leave,
    set_out,
)
from portal.web.sso.returning import finish, trial_page
from portal.web.urls import local_path

blueprint = Blueprint("sso", __name__, url_prefix="/sso")


@blueprint.get("")
@requires(Permission.SSO_EDIT)
def index() -> ResponseReturnValue:
    """The providers, and whether there is another way in."""
    return render_template(
        "sso/index.html",
        providers=queries.list_providers(g.actor),
        outlook=enforcement.look_ahead(g.actor),
    )


@blueprint.get("/<uuid:provider_id>")
@requires(Permission.SSO_EDIT)
def show(provider_id: UUID) -> ResponseReturnValue:
    """One provider: what to give to it, how far its set-up has come, what can be done."""
    return render_template(
        "sso/show.html",
        provider=queries.get_provider(g.actor, provider_id),
        addresses=given_addresses(),
        roles=ROLES,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def create() -> ResponseReturnValue:
    """Enter a provider."""
    form = ProviderForm()
    if form.validate_on_submit():
        with shown_on(form):
            provider = providers.create_provider(g.actor, form.chosen)
            flash("The provider is entered. Run a test sign-in next.", "success")
            return redirect(url_for("sso.show", provider_id=provider.id))
    return _form_page(form, None)


@blueprint.route("/<uuid:provider_id>/edit", methods=["GET", "POST"])
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def edit(provider_id: UUID) -> ResponseReturnValue:
    """Change a provider."""
    provider = queries.get_provider(g.actor, provider_id)
    form = ProviderForm(
        name=provider.name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        allowed_domains="\n".join(provider.allowed_domains),
        default_role=provider.default_role or "",
        groups_claim=provider.groups_claim,
        group_roles=shown_mapping(provider.group_roles),
        trusts_mfa=provider.trusts_mfa,
    )
    if form.validate_on_submit():
        with shown_on(form):
            providers.change_provider(g.actor, provider_id, form.chosen)
            flash("The provider is changed.", "success")
            return redirect(url_for("sso.show", provider_id=provider_id))
    return _form_page(form, provider_id)


@blueprint.route("/<uuid:provider_id>/delete", methods=["GET", "POST"])
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def delete(provider_id: UUID) -> ResponseReturnValue:
    """Delete a provider, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            providers.delete_provider(g.actor, provider_id)
            flash("The provider is deleted.", "success")
            return redirect(url_for("sso.index"))
    return render_template(
        "sso/delete.html",
        form=form,
        provider=queries.get_provider(g.actor, provider_id),
        loss=parting.foresee_deletion(g.actor, provider_id),
    ), shown_status(form)


@blueprint.post("/<uuid:provider_id>/offer")
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def offer(provider_id: UUID) -> ResponseReturnValue:
    """Have the sign-in page offer it."""
    providers.offer_provider(g.actor, provider_id)
    flash("The sign-in page offers it now.", "success")
    return redirect(url_for("sso.show", provider_id=provider_id))


@blueprint.post("/<uuid:provider_id>/withdraw")
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def withdraw(provider_id: UUID) -> ResponseReturnValue:
    """Have the sign-in page offer it no more."""
    providers.withdraw_provider(g.actor, provider_id)
    flash("The sign-in page does not offer it any more.", "success")
    return redirect(url_for("sso.show", provider_id=provider_id))


@blueprint.post("/<uuid:provider_id>/test")
@limited
@freshly(Act.SSO)
@requires(Permission.SSO_EDIT)
def test(provider_id: UUID) -> ResponseReturnValue:
    """Begin a test sign-in."""
    registration = trials.begin_trial(g.actor, provider_id)
    try:
        return set_out(registration, Purpose.TEST)
    except SsoRefused as error:
        refuse(error)
        return trial_page(provider_id, [], error=error)


@blueprint.post("/begin")
@limited
@public
def begin() -> ResponseReturnValue:
    """To a provider: to sign in, or to accept an invitation."""
    provider = queries.get_offered(_uuid(request.form.get("provider")))
    then = local_path(request.form.get("next"))
    invitation = request.form.get("invitation")
    purpose = Purpose.INVITATION if invitation else Purpose.SIGN_IN
    carried: dict[str, object] = {"invitation": invitation} if invitation else {}
    return leave(queries.registration_of(provider), purpose, then=then, carried=carried)


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
    provider = queries.get_offered(_uuid(request.form.get("provider")))
    return leave(queries.registration_of(provider), Purpose.LINK)


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


@blueprint.post("/step-up")
@limited
@repairs
@signed_in
def step_up() -> ResponseReturnValue:
    """To a provider, to be asked anew who it is; the form that wanted it comes along."""
    provider = queries.get_offered(_uuid(request.form.get("proof_provider")))
    carried: dict[str, object] = {
        "address": local_path(request.form.get("proof_address")),
        "fields": [
            [name.removeprefix("carried_"), value]
            for name, value in request.form.items(multi=True)
            if name.startswith("carried_")
        ],
    }
    return leave(
        queries.registration_of(provider),
        Purpose.STEP_UP,
        then=local_path(request.form.get("proof_then")),
        carried=carried,
        prompt="login",
        max_age="0",
    )


@blueprint.get("/callback")
@limited_returns
@finishes_ceremony
@public
def callback() -> ResponseReturnValue:
    """Back from a provider."""
    try:
        journey = take_up(g.actor, cookies.remembered(request, COOKIE))
    except SsoRefused as error:
        refuse(error)
        return failed_page(error)
    return finish(journey)


@blueprint.get("/signed-out")
@public
def signed_out() -> ResponseReturnValue:
    """Back from signing out at a provider."""
    kept, state = cookies.remembered(request, LOGOUT_COOKIE), request.args.get("state", "")
    is_ours = kept is not None and hmac.compare_digest(
        kept.encode("utf-8", "replace"), state.encode("utf-8", "replace")
    )
    return render_template("sso/signed_out.html", is_ours=is_ours)


@blueprint.post("/backchannel-logout")
@limited
@by_programs
@public
def backchannel_logout() -> ResponseReturnValue:
    """A provider tells that somebody has signed out there."""
    logout.end_by_provider(g.actor, request.form.get("logout_token", ""))
    return "", 200


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


def _form_page(form: ProviderForm, provider_id: UUID | None) -> ResponseReturnValue:
    return render_template(
        "sso/form.html",
        form=form,
        provider_id=provider_id,
        default_roles=DEFAULT_ROLES,
        addresses=given_addresses(),
    ), shown_status(form)


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise NotFound from None
