"""Members: the list, one of them, invitations, names, roles, deactivation, lost authenticators."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from portal.access.approvals.kinds import Kind
from portal.access.approvals.queries import needs_two
from portal.access.groups.queries import list_groups_of
from portal.access.holders import get_person
from portal.access.holdings import folders_in, list_holdings
from portal.access.permissions import Permission
from portal.access.roles import list_live_roles, list_roles
from portal.auth import factor_resets, invitations, members, membership
from portal.auth.assurance import Act
from portal.auth.member_import import MAX_LINES, import_people, read_people
from portal.core.settings import active
from portal.documents.naming import names_of_folders
from portal.documents.retention.erasures import is_to_be_erased
from portal.users.queries import names_of
from portal.web import assignments
from portal.web.access import freshly, requires
from portal.web.assignments import AssignRoleForm, EndForm, RemoveRoleForm
from portal.web.confirming import ASKED, ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.members.forms import ImportForm, InviteForm, NameForm, ResetForm
from portal.web.places import choose_place
from portal.web.request import request

blueprint = Blueprint("members", __name__, url_prefix="/members")

REMOVED = "The factors are removed; the next sign-in sets up new ones."


@blueprint.get("")
@requires(Permission.MEMBER_READ)
def index() -> ResponseReturnValue:
    """The members, searched by name, e-mail and state."""
    text, state = request.args.get("q", ""), request.args.get("state", "")
    found = members.search_members(g.actor, text, state, request.page)
    return render_template(
        "members/index.html",
        found=found,
        text=text,
        state=state if state in members.STATES else None,
        states=members.STATES,
        roles=list_roles(),
    )


@blueprint.get("/<uuid:user_id>")
@requires(Permission.MEMBER_READ)
def show(user_id: UUID) -> ResponseReturnValue:
    """One member with roles and what can be done."""
    return _member_page(user_id, AssignRoleForm())


@blueprint.route("/new", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.MEMBER_INVITE)
def create() -> ResponseReturnValue:
    """Invite somebody; the one-time link is shown once and goes out by mail as well."""
    form = InviteForm()
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            invited = invitations.invite_member(
                g.actor,
                str(form.email.data),
                str(form.name.data),
                str(form.role.data),
                form.folder.folder_id,
                host=g.host,
            )
            return _invited("members/invited.html", invited)
    return render_template("members/new.html", form=form), shown_status(form)


@blueprint.route("/import", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.MEMBER_INVITE)
def import_table() -> ResponseReturnValue:
    """Invite many people from a table: first what it would do, then all of it or nothing."""
    form, lines = ImportForm(), None
    if form.validate_on_submit():
        with shown_on(form):
            if form.sure.data:
                invited = import_people(g.actor, str(form.table.data), host=g.host)
                return _invited("members/imported.html", invited)
            lines = read_people(g.actor, str(form.table.data))
    page = render_template(
        "members/import.html", form=form, lines=lines, most=MAX_LINES, roles=list_live_roles()
    )
    return page, shown_status(form)


@blueprint.post("/<uuid:user_id>/invitations")
@freshly(Act.ROLES)
@requires(Permission.MEMBER_INVITE)
def invite_again(user_id: UUID) -> ResponseReturnValue:
    """Send a new link; the earlier one ends."""
    invited = invitations.invite_again(g.actor, user_id, host=g.host)
    return _invited("members/invited.html", invited)


def _invited(template: str, invited: object) -> str:
    return render_template(template, invited=invited, sends_mail=bool(active().smtp_url))


@blueprint.post("/<uuid:user_id>/roles")
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN)
def assign_role(user_id: UUID) -> ResponseReturnValue:
    """Give a member a role."""
    form = AssignRoleForm()
    if form.folder.is_asked:
        return choose_place(form.folder)
    if form.validate_on_submit():
        with shown_on(form):
            assignments.assign_role(get_person(user_id), form, "The role is assigned.")
            return redirect(url_for("members.show", user_id=user_id))
    return _member_page(user_id, form)


@blueprint.route("/<uuid:user_id>/roles/<uuid:assignment_id>/remove", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN)
def remove_role(user_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Take a role away, after a question."""
    form = RemoveRoleForm()
    if form.validate_on_submit():
        with shown_on(form):
            holder = get_person(user_id)
            assignments.remove_role(holder, assignment_id, form, "The role is removed.")
            return redirect(url_for("members.show", user_id=user_id))
    member = members.get_member(g.actor, user_id)
    return _role_question("members/remove_role.html", member, assignment_id, form)


@blueprint.route("/<uuid:user_id>/roles/<uuid:assignment_id>/end", methods=["GET", "POST"])
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN)
def change_end(user_id: UUID, assignment_id: UUID) -> ResponseReturnValue:
    """Let a member hold a role for longer or shorter."""
    member = members.get_member(g.actor, user_id)
    form = EndForm(until=member.get_assignment(assignment_id).expires_at)
    if form.validate_on_submit():
        with shown_on(form):
            assignments.change_end(get_person(user_id), assignment_id, form)
            return redirect(url_for("members.show", user_id=user_id))
    return _role_question("members/role_end.html", member, assignment_id, form)


@blueprint.route("/<uuid:user_id>/rename", methods=["GET", "POST"])
@freshly(Act.MEMBERS)
@requires(Permission.MEMBER_INVITE)
def rename(user_id: UUID) -> ResponseReturnValue:
    """Correct a member's name."""
    user = members.get_member(g.actor, user_id).user
    form = NameForm(obj=user)
    if form.validate_on_submit():
        with shown_on(form):
            membership.rename_member(g.actor, user_id, str(form.name.data))
            flash("The name is changed, and the member is told.", "success")
            return redirect(url_for("members.show", user_id=user_id))
    return render_template("members/rename.html", form=form, user=user), shown_status(form)


@blueprint.route("/<uuid:user_id>/deactivate", methods=["GET", "POST"])
@freshly(Act.MEMBERS)
@requires(Permission.MEMBER_DEACTIVATE)
def deactivate(user_id: UUID) -> ResponseReturnValue:
    """Bar a member from signing in, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            membership.deactivate_member(g.actor, user_id)
            flash("The member is deactivated and signed out everywhere.", "success")
            return redirect(url_for("members.show", user_id=user_id))
    return _question(
        "members/deactivate.html",
        members.get_member(g.actor, user_id),
        form,
        is_to_be_erased=is_to_be_erased(user_id),
    )


@blueprint.post("/<uuid:user_id>/reactivate")
@freshly(Act.MEMBERS)
@requires(Permission.MEMBER_DEACTIVATE)
def reactivate(user_id: UUID) -> ResponseReturnValue:
    """Let a member sign in again."""
    membership.reactivate_member(g.actor, user_id)
    flash("The member can sign in again.", "success")
    return redirect(url_for("members.show", user_id=user_id))


@blueprint.route("/<uuid:user_id>/reset-factors", methods=["GET", "POST"])
@freshly(Act.MEMBERS)
@requires(Permission.MEMBER_RESET)
def reset_factors(user_id: UUID) -> ResponseReturnValue:
    """Remove what a member has lost, after a question."""
    form = ResetForm()
    if form.validate_on_submit():
        with shown_on(form):
            waits = factor_resets.reset_factors(g.actor, user_id, form.reason.data or "")
            flash(ASKED if waits else REMOVED, "success")
            return redirect(url_for("members.show", user_id=user_id))
    member, is_by_two = members.get_member(g.actor, user_id), needs_two(Kind.RESET_FACTORS)
    return _question("members/reset_factors.html", member, form, needs_two=is_by_two)


@blueprint.post("/<uuid:user_id>/sessions/<uuid:session_id>/end")
@freshly(Act.MEMBERS)
@requires(Permission.SESSION_END)
def end_session(user_id: UUID, session_id: UUID) -> ResponseReturnValue:
    """End one session of a member."""
    membership.end_member_session(g.actor, user_id, session_id)
    flash("The session is ended.", "success")
    return redirect(url_for("members.show", user_id=user_id))


@blueprint.route("/<uuid:user_id>/sessions/end", methods=["GET", "POST"])
@freshly(Act.MEMBERS)
@requires(Permission.SESSION_END)
def end_sessions(user_id: UUID) -> ResponseReturnValue:
    """End all sessions of a member, after a question."""
    form = ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            membership.end_member_sessions(g.actor, user_id)
            flash("All sessions of the member are ended.", "success")
            return redirect(url_for("members.show", user_id=user_id))
    return _question("members/end_sessions.html", members.get_member(g.actor, user_id), form)


def _role_question(
    template: str, member: members.ListedMember, assignment_id: UUID, form: FlaskForm
) -> ResponseReturnValue:
    assignment = member.get_assignment(assignment_id)
    return _question(template, member, form, assignment=assignment, roles=list_roles())


def _question(
    template: str, member: members.ListedMember, form: FlaskForm, **more: object
) -> ResponseReturnValue:
    page = render_template(template, form=form, member=member, **more)
    return page, shown_status(form)


def _member_page(user_id: UUID, form: AssignRoleForm) -> ResponseReturnValue:
    member = members.get_member(g.actor, user_id)
    holdings = list_holdings(user_id)
    granters = names_of([h.assignment.granted_by for h in holdings if h.assignment.granted_by])
    page = render_template(
        "members/show.html",
        member=member,
        holdings=holdings,
        form=form,
        roles=form.all_roles,
        folders=names_of_folders(g.actor, folders_in([h.assignment for h in holdings])),
        groups=list_groups_of(g.actor, user_id),
        granters=granters,
        sessions=members.list_member_sessions(g.actor, user_id),
        waiting=factor_resets.find_reset(g.actor, user_id),
    )
    return page, shown_status(form)
