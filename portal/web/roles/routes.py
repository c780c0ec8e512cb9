"""Roles: what each allows and who holds it; a tenant's own; those that nobody holds together."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access import custom_roles, exclusions
from portal.access.exclusive import list_exclusive_pairs
from portal.access.permissions import MANAGEMENT, OVERSIGHT, POWER, Permission
from portal.access.role_effects import preview_role
from portal.access.role_holders import HeldCount, count_held, list_holders
from portal.access.roles import get_role, list_roles
from portal.auth.assurance import Act
from portal.auth.retirement import retire_role, show_retirement
from portal.documents.naming import names_of_folders
from portal.web.access import freshly, requires
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.request import request
from portal.web.roles.forms import ExclusionForm, NewRoleForm, RetireForm, RoleForm

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("")
@requires(Permission.MEMBER_READ)
def index() -> ResponseReturnValue:
    """Every role with how many hold it, and which of them allow what."""
    roles = list_roles().values()
    return render_template(
        "roles/index.html",
        roles=[role for role in roles if not role.is_retired],
        retired=[role for role in roles if role.is_retired],
        permissions=list(Permission),
        held=count_held(),
        nobody=HeldCount(),
    )


@blueprint.get("/<key:role_key>")
@requires(Permission.MEMBER_READ)
def show(role_key: str) -> ResponseReturnValue:
    """One role: what it allows, who holds it, and how."""
    role = get_role(role_key)
    holders = list_holders(g.actor, role_key, request.page)
    folder_ids = {row.folder_id for row in holders.rows if row.folder_id}
    roles = list_roles()
    return render_template(
        "roles/show.html",
        role=role,
        permissions=sorted(role.permissions),
        holders=holders,
        folders=names_of_folders(g.actor, folder_ids),
        others=[
            roles[other]
            for pair in sorted(list_exclusive_pairs(), key=sorted)
            for other in pair - {role_key}
            if role_key in pair and other in roles
        ],
        is_own=custom_roles.is_held_by(g.actor, role_key),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_EDIT)
def create() -> ResponseReturnValue:
    """Make a role, from nothing or as a copy of another."""
    copied = request.args.get("copy", "")
    form = NewRoleForm.copying(get_role(copied)) if copied else NewRoleForm()
    if form.validate_on_submit():
        with shown_on(form):
            made = custom_roles.create_role(
                g.actor, form.chosen, is_scoped=bool(form.is_scoped.data)
            )
            flash("The role is made. Nobody holds it yet.", "success")
            return redirect(url_for("roles.show", role_key=made.key))
    return _form_page("roles/new.html", form)


@blueprint.get("/<key:role_key>/edit")
@requires(Permission.ROLE_EDIT)
def edit(role_key: str) -> ResponseReturnValue:
    """A role's form."""
    shown = custom_roles.show_for_change(g.actor, role_key)
    return _form_page("roles/edit.html", RoleForm.showing(shown), role=shown.role)


@blueprint.get("/<key:role_key>/preview")
@requires(Permission.ROLE_EDIT)
def preview(role_key: str) -> ResponseReturnValue:
    """Whom a change would widen or narrow, before it is kept."""
    shown = custom_roles.show_for_change(g.actor, role_key)
    if not request.args:
        return redirect(url_for("roles.edit", role_key=role_key))
    form = RoleForm.asked(request.args)
    if form.validate():
        with shown_on(form):
            effect = preview_role(g.actor, role_key, form.chosen)
            return render_template("roles/preview.html", form=form, role=shown.role, effect=effect)
    return _form_page("roles/edit.html", form, role=shown.role)


@blueprint.post("/<key:role_key>/change")
@freshly(Act.ROLES)
@requires(Permission.ROLE_EDIT)
def change(role_key: str) -> ResponseReturnValue:
    """Have a role allow something else from now on."""
    form, shown = RoleForm(), custom_roles.show_for_change(g.actor, role_key)
    if form.validate_on_submit():
        with shown_on(form):
            version = form.version.data or ""
            custom_roles.change_role(g.actor, role_key, form.chosen, version=version)
            flash("The role is changed. It holds from now on.", "success")
            return redirect(url_for("roles.show", role_key=role_key))
    form.version.data = shown.version
    return _form_page("roles/edit.html", form, role=shown.role)


@blueprint.route("/<key:role_key>/retire", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_EDIT)
def retire(role_key: str) -> ResponseReturnValue:
    """Have nobody hold a role any more, after a question."""
    shown = show_retirement(g.actor, role_key)
    form = RetireForm()
    form.offer(shown.successors)
    if form.validate_on_submit():
        with shown_on(form):
            count = form.assignments.data or 0
            retire_role(g.actor, role_key, form.successor.data or None, assignments=count)
            flash("The role is retired. Nobody holds it any more.", "success")
            return redirect(url_for("roles.show", role_key=role_key))
    form.assignments.data = shown.assignments
    return render_template("roles/retire.html", form=form, shown=shown), shown_status(form)


@blueprint.post("/<key:role_key>/restore")
@freshly(Act.ROLES)
@requires(Permission.ROLE_EDIT)
def restore(role_key: str) -> ResponseReturnValue:
    """Let a retired role be given again."""
    custom_roles.restore_role(g.actor, role_key)
    flash("The role can be given again. Nobody holds it yet.", "success")
    return redirect(url_for("roles.show", role_key=role_key))


@blueprint.get("/exclusive")
@requires(Permission.MEMBER_READ)
def exclusive() -> ResponseReturnValue:
    """The roles that nobody may hold together."""
    return _exclusive_page(ExclusionForm(formdata=None))


@blueprint.post("/exclusive/add")
@freshly(Act.ROLES)
@requires(Permission.ROLE_EDIT)
def add_exclusive() -> ResponseReturnValue:
    """Have nobody hold two roles together from now on."""
    form = ExclusionForm()
    if form.validate_on_submit():
        with shown_on(form):
            exclusions.add_exclusion(g.actor, str(form.first.data), str(form.second.data))
            flash("Nobody can hold these two together from now on.", "success")
            return redirect(url_for("roles.exclusive"))
    return _exclusive_page(form)


@blueprint.route("/exclusive/<uuid:pair_id>/remove", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_EDIT)
def remove_exclusive(pair_id: UUID) -> ResponseReturnValue:
    """Let two roles be held together again, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            exclusions.remove_exclusion(g.actor, pair_id)
            flash("The two roles may be held together again.", "success")
            return redirect(url_for("roles.exclusive"))
    page = render_template(
        "roles/remove_exclusive.html",
        form=form,
        pair=exclusions.get_exclusion(g.actor, pair_id),
        roles=list_roles(),
    )
    return page, shown_status(form)


def _form_page(template: str, form: RoleForm, **more: object) -> ResponseReturnValue:
    page = render_template(
        template,
        form=form,
        permissions=list(Permission),
        withheld=MANAGEMENT - g.actor.everywhere,
        **more,
    )
    return page, shown_status(form)


def _exclusive_page(form: ExclusionForm) -> ResponseReturnValue:
    roles = list_roles()
    live = [role for role in roles.values() if not role.is_retired]
    page = render_template(
        "roles/exclusive.html",
        form=form,
        roles=roles,
        own=exclusions.list_exclusions(g.actor),
        powerful=[role for role in live if role.permissions & POWER],
        watching=[role for role in live if role.permissions & OVERSIGHT],
    )
    return page, shown_status(form)
