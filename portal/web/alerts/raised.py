"""The alerts that were raised: listed, looked at, acknowledged."""

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.alerts import queries, service
from portal.audit.actions import SENTENCES, SEVERITIES
from portal.web.access import discloses, requires
from portal.web.alerts.blueprint import blueprint
from portal.web.alerts.forms import CommentForm
from portal.web.alerts.naming import names_in
from portal.web.lifecycle import shown_on, shown_status


@blueprint.get("")
@discloses
@requires(Permission.AUDIT_READ)
def index() -> str:
    """The alerts that are open, or those that were acknowledged."""
    is_open = request.args.get("state") != "acknowledged"
    before = request.args.get("before", type=UUID)
    page = queries.list_alerts(g.actor, is_open=is_open, before=before)
    names = names_in([alert.subject for alert in page.alerts], page.people)
    return render_template("alerts/index.html", page=page, is_open=is_open, names=names)


@blueprint.get("/<uuid:alert_id>")
@discloses
@requires(Permission.AUDIT_READ)
def show(alert_id: UUID) -> str:
    """One alert with its entries."""
    return _page(alert_id, CommentForm())


@blueprint.post("/<uuid:alert_id>/acknowledge")
@requires(Permission.AUDIT_EXPORT)
def acknowledge(alert_id: UUID) -> ResponseReturnValue:
    """Say what came of an alert."""
    form = CommentForm()
    if form.validate():
        with shown_on(form):
            service.acknowledge_alert(g.actor, alert_id, str(form.comment.data))
            flash("The alert is acknowledged.", "success")
            return redirect(url_for("alerts.index"))
    return _page(alert_id, form), shown_status(form)


def _page(alert_id: UUID, form: CommentForm) -> str:
    shown = queries.show_alert(g.actor, alert_id)
    targets = [shown.alert.subject, *(entry.target for entry in shown.entries)]
    return render_template(
        "alerts/show.html",
        shown=shown,
        form=form,
        names=names_in(targets, shown.people),
        sentences=SENTENCES,
        severities=SEVERITIES,
    )
