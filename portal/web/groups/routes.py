"""Groups: the list, one of them with its people and roles, and who fills it."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from portal.access.groups import members, queries, service
from portal.access.holders import get_group_holder
from portal.access.holdings import folders_in
from portal.access.permissions import Permission
from portal.access.roles import list_roles
from portal.auth.assurance import Act
from portal.auth.sso.feeds import change_source, provider_names
from portal.auth.sso.queries import list_providers
from portal.documents.naming import names_of_folders
from portal.users.queries import get_user, names_of
from portal.web import assignments
from portal.web.access import freshly, requires
from portal.web.assignments import AssignRoleForm, EndForm, RemoveRoleForm
from portal.web.confirming import ASKED, ConfirmForm
from portal.web.groups.forms import AddPeopleForm, GroupForm, SourceForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.places import choose_place
from portal.web.request import request

blueprint = Blueprint("groups", __name__, url_prefix="/groups")


@blueprint.get("")
@requires(Permission.MEMBER_READ)
def index() -> ResponseReturnValue:
    """The groups, searched by name."""
    text = request.args.get("q", "")
    found = queries.search_groups(g.actor, text, request.page)
    return render_template(
        "groups/index.html",
        found=found,
        text=text,
        roles=list_roles(),
        providers=provider_names([listed.group.provider_id for listed in found.rows]),
    )


@blueprint.get("/<uuid:group_id>")
@requires(Permission.MEMBER_READ)
def show(group_id: UUID) -> ResponseReturnValue:
    """One group with its people and roles."""
    return _group_page(group_id, AssignRoleForm())


@blueprint.route("/new", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.GROUP_EDIT)
def create() -> ResponseReturnValue:
    """Make a group."""
    form = GroupForm()
    if form.validate_on_submit():
        with shown_on(form):
            made = service.create_group(g.actor, str(form.name.data), form.sentence.data or "")
            flash("The group is made. Add people, and give it roles.", "success")
            return redirect(url_for("groups.show", group_id=made.id))
    return render_template("groups/form.html", form=form, group=None), shown_status(form)


@blueprint.route("/<uuid:group_id>/edit", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.GROUP_EDIT)
def edit(group_id: UUID) -> ResponseReturnValue:
    """Call a group otherwise."""
    group = queries.get_changeable_group(g.actor, group_id)
    form = GroupForm(name=group.name, sentence=group.sentence)
    if form.validate_on_submit():
        with shown_on(form):
            service.rename_group(g.actor, group_id, str(form.name.data), form.sentence.data or "")
            flash("The group is changed.", "success")
            return redirect(url_for("groups.show", group_id=group_id))
    return render_template("groups/form.html", form=form, group=group), shown_status(form)


@blueprint.route("/<uuid:group_id>/delete", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.GROUP_EDIT)
def delete(group_id: UUID) -> ResponseReturnValue:
    """Delete a group, after a question that says who loses what."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.delete_group(g.actor, group_id)
            flash("The group is deleted, and what it gave is taken away.", "success")
            return redirect(url_for("groups.index"))
    return _question("groups/delete.html", group_id, form)


@blueprint.route("/<uuid:group_id>/people/add", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.GROUP_EDIT)
def add(group_id: UUID) -> ResponseReturnValue:
    """Look for people by name or e-mail, and add those who are ticked."""
    form, text = AddPeopleForm(), request.args.get("q", "")
    if form.validate_on_submit():
        with shown_on(form):
            count = members.add_to_group(g.actor, group_id, form.chosen)
            added = f"{count} {'person is' if count == 1 else 'people are'} added."
            flash(added if count else ASKED, "success")
            return redirect(url_for("groups.show", group_id=group_id))
    shown = queries.get_group(g.actor, group_id)
    found, already = queries.search_candidates(g.actor, group_id, text, request.page)
    page = render_template(
        "groups/add.html",
        form=form,
        shown=shown,
        found=found,
        already=already,
        text=text,
        roles=list_roles(),
    )
    return page, shown_status(form)


@blueprint.route("/<uuid:group_id>/people/<uuid:user_id>/remove", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.GROUP_EDIT)
def remove(group_id: UUID, user_id: UUID) -> ResponseReturnValue:
    """Take somebody out, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            members.remove_from_group(g.actor, group_id, user_id)
            flash("The person is no longer in the group.", "success")
            return redirect(url_for("groups.show", group_id=group_id))
    queries.get_membership(g.actor, group_id, user_id)
    return _question("groups/remove.html", group_id, form, user=get_user(user_id))


@blueprint.post("/<uuid:group_id>/roles")
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN)
def assign_role(group_id: UUID) -> ResponseReturnValue:
    """Give a role to all in the group."""
    form = AssignRoleForm()
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            holder, done = get_group_holder(group_id), "The role is given to the group."
            assignments.assign_role(holder, form, done)
            return redirect(url_for("groups.show", group_id=group_id))
    return _group_page(group_id, form)


@blueprint.route("/<uuid:group_id>/roles/<uuid:assignment_id>/remove", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN)
def remove_role(group_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Take a role away from all in the group, after a question."""
    form = RemoveRoleForm()
    if form.validate_on_submit():
        with shown_on(form):
            holder, done = get_group_holder(group_id), "The role is taken from the group."
            assignments.remove_role(holder, assignment_id, form, done)
            return redirect(url_for("groups.show", group_id=group_id))
    assignment = queries.get_group(g.actor, group_id).get_assignment(assignment_id)
    return _question("groups/remove_role.html", group_id, form, assignment=assignment)


@blueprint.route("/<uuid:group_id>/roles/<uuid:assignment_id>/end", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN)
def change_end(group_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Let a role be held by the group for longer or shorter."""
    assignment = queries.get_group(g.actor, group_id).get_assignment(assignment_id)
    form = EndForm(until=assignment.expires_at)
    if form.validate_on_submit():
        with shown_on(form):
            assignments.change_end(get_group_holder(group_id), assignment_id, form)
            return redirect(url_for("groups.show", group_id=group_id))
    return _question("groups/role_end.html", group_id, form, assignment=assignment)


@blueprint.route("/<uuid:group_id>/source", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.GROUP_EDIT)
def source(group_id: UUID) -> ResponseReturnValue:
    """Choose whether people fill a group by hand, or a provider does by its claim."""
    shown = queries.get_group(g.actor, group_id)
    form = SourceForm(provider=str(shown.group.provider_id or ""), claim=shown.group.claim)
    form.offer(list_providers(g.actor))
    if form.validate_on_submit():
        with shown_on(form):
            change_source(g.actor, group_id, form.provider_id, form.claim.data or "")
            flash("The group is empty, and is filled in the new way from now on.", "success")
            return redirect(url_for("groups.show", group_id=group_id))
    page = render_template("groups/source.html", form=form, shown=shown, roles=list_roles())
    return page, shown_status(form)


def _question(
    template: str, group_id: UUID, form: FlaskForm, **more: object
) -> ResponseReturnValue:
    shown = queries.get_group(g.actor, group_id)
    page = render_template(template, form=form, shown=shown, roles=list_roles(), **more)
    return page, shown_status(form)


def _group_page(group_id: UUID, form: AssignRoleForm) -> ResponseReturnValue:
    shown, text = queries.get_group(g.actor, group_id), request.args.get("q", "")
    found = queries.search_group_members(g.actor, group_id, text, request.page)
    people = [shown.group.created_by, *(a.granted_by for a in shown.assignments)]
    people += [membership.added_by for _, membership in found.rows]
    page = render_template(
        "groups/show.html",
        shown=shown,
        found=found,
        text=text,
        form=form,
        roles=form.all_roles,
        folders=names_of_folders(g.actor, folders_in(shown.assignments)),
        names=names_of([person for person in people if person]),
        providers=provider_names([shown.group.provider_id]),
    )
    return page, shown_status(form)
