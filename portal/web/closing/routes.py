"""Closing the organisation: what it means, asking, agreeing, taking it back."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.auth.closing import service
from portal.core.settings import active
from portal.documents.closing import agree_with_operator
from portal.web.access import freshly, requires, while_closing
from portal.web.closing.forms import ClosingForm
from portal.web.lifecycle import shown_on, shown_status

blueprint = Blueprint("closing", __name__, url_prefix="/closing")

ASKED = "A second admin has to agree within three days. Until then nothing changes."


@blueprint.get("")
@requires(Permission.ORGANISATION_CLOSE, Permission.KEY_ROTATE)
def index() -> ResponseReturnValue:
    """How it stands."""
    return _page(ClosingForm())


@blueprint.post("/ask")
@freshly(Act.KEYS)
@requires(Permission.ORGANISATION_CLOSE)
def ask() -> ResponseReturnValue:
    """Ask a second admin to agree."""
    form = ClosingForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.ask_to_close(g.actor, form.slug.data or "", form.reason.data or "")
            flash(ASKED, "success")
            return redirect(url_for("approvals.index"))
    return _page(form)


@blueprint.post("/agree")
@freshly(Act.KEYS)
@requires(Permission.KEY_ROTATE)
def agree() -> ResponseReturnValue:
    """Agree to what the operator asks for."""
    agree_with_operator(g.actor)
    flash("You agreed. From now on nothing is changed any more.", "success")
    return redirect(url_for("closing.index"))


@blueprint.post("/take-back")
@while_closing
@freshly(Act.KEYS)
@requires(Permission.ORGANISATION_CLOSE)
def take_back() -> ResponseReturnValue:
    """Have the organisation stay."""
    service.take_back(g.actor)
    flash("It is taken back. The organisation stays.", "success")
    return redirect(url_for("closing.index"))


def _page(form: FlaskForm) -> ResponseReturnValue:
    shown = service.show_closing(g.actor)
    page = render_template("closing/index.html", form=form, shown=shown, days=active().closing_days)
    return page, shown_status(form)
