"""The policy of signing in: seen, tried out, changed; and who falls short of it."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.auth import review
from portal.auth.assurance import Act
from portal.auth.policy import service
from portal.web.access import freshly, requires
from portal.web.lifecycle import shown_on, shown_status
from portal.web.policy.forms import PolicyForm

blueprint = Blueprint("policy", __name__, url_prefix="/policy")


@blueprint.get("")
@requires(Permission.POLICY_READ)
def index() -> ResponseReturnValue:
    """Every choice, with what follows from it."""
    shown = service.show_policy(g.actor)
    return _form_page(PolicyForm.showing(shown), shown)


@blueprint.get("/preview")
@requires(Permission.POLICY_EDIT)
def preview() -> ResponseReturnValue:
    """What another policy would do, before it is kept."""
    if not request.args:
        return redirect(url_for("policy.index"))
    form, shown = PolicyForm.asked(request.args), service.show_policy(g.actor)
    if form.validate():
        with shown_on(form):
            wanted = form.policy(shown.policy)
            return render_template(
                "policy/preview.html",
                form=form,
                changes=service.changes_between(shown.policy, wanted),
                effect=review.preview_policy(g.actor, wanted),
                roles=form.roles,
            )
    return _form_page(form, shown)


@blueprint.post("/change")
@freshly(Act.POLICY)
@requires(Permission.POLICY_EDIT)
def change() -> ResponseReturnValue:
    """Have another policy hold from now on."""
    form, shown = PolicyForm(), service.show_policy(g.actor)
    if form.validate_on_submit():
        with shown_on(form):
            wanted = form.policy(shown.policy)
            service.change_policy(g.actor, wanted, version=form.version.data or "")
            flash("The policy is changed. It holds from now on.", "success")
            return redirect(url_for("policy.index"))
    return _form_page(form, shown)


@blueprint.get("/people")
@requires(Permission.POLICY_READ)
def people() -> ResponseReturnValue:
    """Who has which factor, and who falls short."""
    only_short = request.args.get("short") == "1"
    found = review.list_people(
        g.actor, request.args.get("page", 1, type=int), only_short=only_short
    )
    return render_template(
        "policy/people.html", found=found, only_short=only_short, roles=list_roles()
    )


def _form_page(form: PolicyForm, shown: service.Shown) -> ResponseReturnValue:
    form.version.data = shown.version
    names = {key: role.name for key, role in form.roles.items() if not role.is_retired}
    page = render_template("policy/index.html", form=form, shown=shown, role_names=names)
    return page, shown_status(form)
