"""How long the log is kept, what the next run prunes, and choosing otherwise."""

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access.approvals.kinds import Kind
from portal.access.approvals.queries import needs_two
from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.log_retention.plan import Shown, show_retention
from portal.log_retention.policy import choose_retention
from portal.web.access import freshly, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import RetentionForm
from portal.web.lifecycle import shown_on, shown_status


@blueprint.get("/retention")
@requires(Permission.RETENTION_EDIT)
def retention() -> ResponseReturnValue:
    """How long the log is kept, where it begins, and what is next."""
    return render_template("audit/retention.html", shown=show_retention(g.actor))


@blueprint.route("/retention/edit", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.RETENTION_EDIT)
def choose_log_retention() -> ResponseReturnValue:
    """Say for how long; see what that comes to; have it hold."""
    shown, preview = show_retention(g.actor), None
    form = RetentionForm(days=shown.keep_days)
    if form.validate_on_submit():
        with shown_on(form):
            if not form.preview.data:
                return _chosen(form)
            preview = show_retention(g.actor, form.days.data)
    return _page(form, shown, preview), shown_status(form)


def _chosen(form: RetentionForm) -> ResponseReturnValue:
    if choose_retention(g.actor, form.days.data, form.reason.data or ""):
        flash("Somebody else has to agree. Until then the log is kept as before.", "success")
    else:
        flash("It holds from the next run on.", "success")
    return redirect(url_for("audit.retention"))


def _page(form: RetentionForm, shown: Shown, preview: Shown | None) -> str:
    return render_template(
        "audit/edit_retention.html",
        form=form,
        shown=shown,
        preview=preview if request.method == "POST" else None,
        needs_two=needs_two(Kind.PRUNE_LOG),
    )
