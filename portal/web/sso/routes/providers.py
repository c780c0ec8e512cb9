"""The providers: entered, changed, tried, offered, deleted."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.decision import decide
from portal.access.groups.queries import list_groups_fed_by
from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.auth.assurance import Act
from portal.auth.sso import enforcement, parting, providers, queries, trials
from portal.auth.sso.journeys import Purpose
from portal.auth.sso.refusals import SsoRefused
from portal.web.access import freshly, requires
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import refuse, shown_on, shown_status
from portal.web.limits import limited
from portal.web.sso.forms import ProviderForm, shown_mapping
from portal.web.sso.leaving import given_addresses, set_out
from portal.web.sso.returning import trial_page
from portal.web.sso.routes.blueprint import blueprint


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
        roles=list_roles(),
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
        groups=list_groups_fed_by(g.actor, provider_id),
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


def _form_page(form: ProviderForm, provider_id: UUID | None) -> ResponseReturnValue:
    return render_template(
        "sso/form.html",
        form=form,
        provider_id=provider_id,
        addresses=given_addresses(),
        can_assign=decide(g.actor, Permission.ROLE_ASSIGN),
    ), shown_status(form)
