"""What waits for a second person: the list, each act in full, and its ends."""

from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from portal.access.approvals.kinds import Kind
from portal.access.roles import list_roles
from portal.auth import approving
from portal.auth.assurance import Act
from portal.documents.retention.holds import show_hold
from portal.web.access import freshly, requires, while_closing
from portal.web.approvals.agreed import done_now
from portal.web.lifecycle import shown_on, shown_status

blueprint = Blueprint("approvals", __name__, url_prefix="/approvals")

DECIDERS = sorted({kind.permission for kind in Kind})  # of any kind; the service looks which


@blueprint.get("")
@requires(*DECIDERS)
def index() -> ResponseReturnValue:
    """What waits, and what ended in the last 30 days."""
    waiting, past = approving.list_acts(g.actor)
    return render_template("approvals/index.html", waiting=waiting, past=past, roles=list_roles())


@blueprint.get("/<uuid:act_id>")
@requires(*DECIDERS)
def show(act_id: UUID) -> ResponseReturnValue:
    """One act in full."""
    return _page(act_id, FlaskForm())


@blueprint.post("/<uuid:act_id>/approve")
@while_closing
@freshly(Act.APPROVALS)
@requires(*DECIDERS)
def approve(act_id: UUID) -> ResponseReturnValue:
    """Agree, as the second person; the act is done."""
    form = FlaskForm()
    if form.validate_on_submit():
        with shown_on(form):
            approving.approve_act(g.actor, act_id, done_now())
            flash("You agreed, and it is done.", "success")
            return redirect(url_for("approvals.index"))
    return _page(act_id, form)


@blueprint.post("/<uuid:act_id>/decline")
@freshly(Act.APPROVALS)
@requires(*DECIDERS)
def decline(act_id: UUID) -> ResponseReturnValue:
    """Refuse what somebody else asked for."""
    form = FlaskForm()
    if form.validate_on_submit():
        with shown_on(form):
            approving.decline_act(g.actor, act_id)
            flash("You declined. Nothing was done.", "success")
            return redirect(url_for("approvals.index"))
    return _page(act_id, form)


@blueprint.post("/<uuid:act_id>/withdraw")
@requires(*DECIDERS)
def withdraw(act_id: UUID) -> ResponseReturnValue:
    """Take one's own question back."""
    approving.withdraw_act(g.actor, act_id)
    flash("You took it back. Nothing was done.", "success")
    return redirect(url_for("approvals.index"))


def _page(act_id: UUID, form: FlaskForm) -> ResponseReturnValue:
    shown = approving.show_act(g.actor, act_id, done_now())
    act, hold = shown.act, None
    if act.what == Kind.RELEASE_HOLD:
        hold = show_hold(g.actor, UUID(act.target.partition(":")[2]))
    page = render_template(
        "approvals/show.html", form=form, shown=shown, roles=list_roles(), about=hold
    )
    return page, shown_status(form)
