"""Requests that a person's data be erased: listed, made, shown and decided."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.core.errors import Conflict
from portal.documents.retention import erasing
from portal.documents.retention import erasures as queries
from portal.users.queries import get_user
from portal.web.access import freshly, requires
from portal.web.lifecycle import shown_on, shown_status
from portal.web.request import request
from portal.web.retention.forms import DecisionForm, ErasureForm, ReasonForm
from portal.web.retention.routes.blueprint import blueprint


@blueprint.get("/erasures")
@requires(Permission.ERASURE_ASK)
def erasures() -> ResponseReturnValue:
    """Every request."""
    return render_template("retention/erasures.html", listed=queries.list_erasures(g.actor))


@blueprint.route("/erasures/new", methods=["GET", "POST"])
@requires(Permission.ERASURE_ASK)
def create_erasure() -> ResponseReturnValue:
    """Ask that somebody's data be erased."""
    form = ErasureForm(email=request.args.get("email", "")[:254])
    if form.validate_on_submit():
        with shown_on(form):
            what = form.what.data or ()
            asked = erasing.ask_erasure(
                g.actor,
                str(form.email.data),
                str(form.reason.data),
                documents="documents" in what,
                account="account" in what,
            )
            flash("The request is made. A compliance officer decides about it.", "success")
            return redirect(url_for("retention.show_erasure", erasure_id=asked.id))
    return render_template("retention/erasure.html", form=form), shown_status(form)


@blueprint.get("/erasures/<uuid:erasure_id>")
@requires(Permission.ERASURE_ASK)
def show_erasure(erasure_id: UUID) -> ResponseReturnValue:
    """One request: what would go, what stays and why, and what was decided."""
    return _page(erasure_id, DecisionForm())


@blueprint.post("/erasures/<uuid:erasure_id>/decide")
@freshly(Act.RETENTION)
@requires(Permission.ERASURE_DECIDE)
def decide_erasure(erasure_id: UUID) -> ResponseReturnValue:
    """Grant or refuse."""
    form = DecisionForm()
    if form.validate_on_submit():
        with shown_on(form):
            is_granted, answer = form.decision.data == "grant", str(form.answer.data)
            erasing.decide_erasure(g.actor, erasure_id, is_granted=is_granted, answer=answer)
            flash("The request is granted." if is_granted else "The request is refused.", "success")
            return redirect(url_for("retention.show_erasure", erasure_id=erasure_id))
    return _page(erasure_id, form)


@blueprint.route("/erasures/<uuid:erasure_id>/withdraw", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.ERASURE_DECIDE)
def withdraw_erasure(erasure_id: UUID) -> ResponseReturnValue:
    """Have a granted request erase nothing more, after a question."""
    form = ReasonForm()
    if form.validate_on_submit():
        with shown_on(form):
            erasing.withdraw_erasure(g.actor, erasure_id, str(form.reason.data))
            flash("The request is withdrawn. Nothing more is erased by it.", "success")
            return redirect(url_for("retention.show_erasure", erasure_id=erasure_id))
    try:
        request_ = erasing.find_to_withdraw(g.actor, erasure_id)
    except Conflict:
        if form.is_submitted():
            raise
        return redirect(url_for("retention.show_erasure", erasure_id=erasure_id))  # it says why
    name = get_user(request_.user_id).name
    page = render_template(
        "retention/withdraw_erasure.html", form=form, name=name, erasure_id=erasure_id
    )
    return page, shown_status(form)


def _page(erasure_id: UUID, form: DecisionForm) -> ResponseReturnValue:
    shown = queries.show_erasure(g.actor, erasure_id)
    return render_template("retention/show_erasure.html", shown=shown, form=form), shown_status(
        form
    )
