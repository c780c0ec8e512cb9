"""Requests for access: asked, listed, decided, taken back."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.access.requests.service import withdraw_request
from portal.access.roles import list_roles
from portal.auth.assurance import Act
from portal.documents import answering
from portal.documents import requests as service
from portal.web.access import freshly, requires, signed_in
from portal.web.lifecycle import shown_on, shown_status
from portal.web.requests.forms import ApproveForm, AskForm, DeclineForm

blueprint = Blueprint("requests", __name__, url_prefix="/requests")

GRANTED = "The role is given, and the person is told by mail."
ASKED = "Two people have to agree to this role: somebody else is asked within three days."


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """One's own requests, and those one may decide."""
    return render_template(
        "requests/index.html",
        found=service.list_requests(g.actor),
        decides=service.decides_requests(g.actor),
    )


@blueprint.post("/new")
@signed_in
def create() -> ResponseReturnValue:
    """Ask for what was refused."""
    form = AskForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.ask_for_access(
                g.actor, form.wanted, str(form.target.data), str(form.reason.data)
            )
            flash("You have asked. The answer comes by mail, and stands here.", "success")
            return redirect(url_for("requests.index"))
    return render_template("requests/new.html", form=form), shown_status(form)


@blueprint.get("/<uuid:request_id>")
@requires(Permission.ROLE_ASSIGN, Permission.FOLDER_SHARE)
def show(request_id: UUID) -> ResponseReturnValue:
    """A request for who may decide it."""
    return _page(request_id, ApproveForm.preset(), DeclineForm())


@blueprint.post("/<uuid:request_id>/approve")
@freshly(Act.ROLES)
@requires(Permission.ROLE_ASSIGN, Permission.FOLDER_SHARE)
def approve(request_id: UUID) -> ResponseReturnValue:
    """Give a role that holds what was asked for."""
    form = ApproveForm()
    form.offer(answering.show_request(g.actor, request_id).roles)
    if form.validate_on_submit():
        with shown_on(form):
            is_held = answering.approve_request(
                g.actor, request_id, str(form.role.data), form.expires_at
            )
            flash(GRANTED if is_held else ASKED, "success")
            return redirect(url_for("requests.index"))
    return _page(request_id, form, DeclineForm(formdata=None))


@blueprint.post("/<uuid:request_id>/decline")
@requires(Permission.ROLE_ASSIGN, Permission.FOLDER_SHARE)
def decline(request_id: UUID) -> ResponseReturnValue:
    """Refuse a request, with an answer."""
    form = DeclineForm()
    if form.validate_on_submit():
        with shown_on(form):
            answering.decline_request(g.actor, request_id, form.answer.data or "")
            flash("The request is declined, and the person is told by mail.", "success")
            return redirect(url_for("requests.index"))
    return _page(request_id, ApproveForm.preset(), form)


@blueprint.post("/<uuid:request_id>/withdraw")
@signed_in
def withdraw(request_id: UUID) -> ResponseReturnValue:
    """Take one's own request back."""
    withdraw_request(g.actor, request_id)
    flash("The request is taken back.", "success")
    return redirect(url_for("requests.index"))


def _page(request_id: UUID, approving: ApproveForm, declining: DeclineForm) -> ResponseReturnValue:
    shown = answering.show_request(g.actor, request_id)
    approving.offer(shown.roles)
    page = render_template(
        "requests/show.html",
        shown=shown,
        approving=approving,
        declining=declining,
        roles=list_roles(),
    )
    return page, shown_status(approving if approving.errors else declining)
