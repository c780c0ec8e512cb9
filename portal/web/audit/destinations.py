"""Where the log is sent: destinations listed, made, tested, started, stopped, changed, deleted."""

from uuid import UUID

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.approvals.kinds import Kind
from portal.access.approvals.queries import needs_two
from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.core.errors import NotFound
from portal.destinations import queries, service, starting
from portal.web.access import freshly, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.destination_forms import FORMS, RestartForm, StartForm
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status

GOES_ON = "The stream goes on from there."
BEGINS_THERE = "The stream goes on from there once it is started."


@blueprint.get("/destinations")
@requires(Permission.AUDIT_EXPORT)
def destinations() -> ResponseReturnValue:
    """Every destination, with what it got last."""
    listed = queries.list_destinations(g.actor)
    return render_template("audit/destinations/index.html", listed=listed, kinds=list(FORMS))


@blueprint.route("/destinations/new/<key:kind>", methods=["GET", "POST"])
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def create_destination(kind: str) -> ResponseReturnValue:
    """Make a destination of a kind. A webhook's secret is shown once."""
    if kind not in FORMS:
        raise NotFound
    form = FORMS[kind]()
    if form.validate_on_submit():
        with shown_on(form):
            made = service.create_destination(g.actor, form.chosen())
            if made.kind == "webhook":
                return render_template("audit/destinations/secret.html", destination=made)
            flash("It is made. Send a test, and then start it.", "success")
            return _to(made.id)
    page = render_template("audit/destinations/form.html", form=form, kind=kind, shown=None)
    return page, shown_status(form)


@blueprint.get("/destinations/<uuid:destination_id>")
@requires(Permission.AUDIT_EXPORT)
def destination(destination_id: UUID) -> ResponseReturnValue:
    """A destination, what it got last, and what went wrong last."""
    return _page(destination_id)


@blueprint.route("/destinations/<uuid:destination_id>/edit", methods=["GET", "POST"])
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def edit_destination(destination_id: UUID) -> ResponseReturnValue:
    """Have it be elsewhere, or get something else."""
    shown = queries.get_destination(g.actor, destination_id)
    kind = shown.destination.kind
    form = FORMS[kind].showing(shown)
    if form.validate_on_submit():
        with shown_on(form):
            service.change_destination(g.actor, destination_id, form.chosen())
            flash("It is changed, and stopped. Send a test, and then start it.", "success")
            return _to(destination_id)
    page = render_template("audit/destinations/form.html", form=form, kind=kind, shown=shown)
    return page, shown_status(form)


@blueprint.post("/destinations/<uuid:destination_id>/test")
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def test_destination(destination_id: UUID) -> ResponseReturnValue:
    """Send a test, and show what was answered."""
    tried = starting.try_destination(g.actor, destination_id)
    return _page(destination_id, tried=tried)


@blueprint.post("/destinations/<uuid:destination_id>/start")
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def start_destination(destination_id: UUID) -> ResponseReturnValue:
    """Begin to send, or have a second person asked."""
    form = StartForm()
    if not form.validate():
        return _page(destination_id, form=form), 422
    if starting.start_destination(g.actor, destination_id, form.reason.data or ""):
        flash("Somebody else has to agree. It is started once they do.", "success")
    else:
        flash("It is started.", "success")
    return _to(destination_id)


@blueprint.post("/destinations/<uuid:destination_id>/stop")
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def stop_destination(destination_id: UUID) -> ResponseReturnValue:
    """Send nothing for the time being."""
    starting.stop_destination(g.actor, destination_id)
    flash("It is stopped. Entries go on from here once it is started again.", "success")
    return _to(destination_id)


@blueprint.route("/destinations/<uuid:destination_id>/secret", methods=["GET", "POST"])
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def renew_secret(destination_id: UUID) -> ResponseReturnValue:
    """Make another secret, after a question. It is shown once."""
    shown, form = queries.get_destination(g.actor, destination_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            made = service.renew_secret(g.actor, destination_id)
            return render_template("audit/destinations/secret.html", destination=made)
    page = render_template("audit/destinations/renew.html", form=form, shown=shown)
    return page, shown_status(form)


@blueprint.route("/destinations/<uuid:destination_id>/restart", methods=["GET", "POST"])
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def restart_stream(destination_id: UUID) -> ResponseReturnValue:
    """Have the stream of entries go on from another number."""
    shown = queries.get_destination(g.actor, destination_id)
    form = RestartForm(number=shown.destination.next_number)
    if form.validate_on_submit():
        with shown_on(form):
            goes_on = starting.restart_stream(g.actor, destination_id, form.number.data or 0)
            flash(GOES_ON if goes_on else BEGINS_THERE, "success")
            return _to(destination_id)
    page = render_template(
        "audit/destinations/restart.html",
        form=form,
        shown=shown,
        needs_two=needs_two(Kind.EXPORT_LOG),
    )
    return page, shown_status(form)


@blueprint.route("/destinations/<uuid:destination_id>/delete", methods=["GET", "POST"])
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def delete_destination(destination_id: UUID) -> ResponseReturnValue:
    """Forget a destination, after a question."""
    shown, form = queries.get_destination(g.actor, destination_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            service.delete_destination(g.actor, destination_id)
            flash("The destination is deleted.", "success")
            return redirect(url_for("audit.destinations"))
    page = render_template("audit/destinations/delete.html", form=form, shown=shown)
    return page, shown_status(form)


def _page(
    destination_id: UUID, *, tried: starting.Tried | None = None, form: StartForm | None = None
) -> str:
    return render_template(
        "audit/destinations/show.html",
        shown=queries.get_destination(g.actor, destination_id),
        tried=tried,
        form=form or StartForm(formdata=None),
        needs_two=needs_two(Kind.EXPORT_LOG),
    )


def _to(destination_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("audit.destination", destination_id=destination_id))
