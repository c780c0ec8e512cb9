"""Taking the audit log out of the portal: what for, agreed to where two people are wanted, and
downloaded while it is ready.
"""

from uuid import UUID

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import audit_log
from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import needs_two
from portal.access.decision import Member
from portal.access.log_exports import service
from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES
from portal.audit.actor import Actor
from portal.audit.export import ENDINGS, MEDIA_TYPES, Form, heading
from portal.auth.assurance import Act
from portal.auth.live_sessions import read_again
from portal.web.access import discloses, freshly, requires, while_closing
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import ExportForm
from portal.web.headers import DOWNLOAD_POLICY
from portal.web.lifecycle import shown_on, shown_status
from portal.web.ongoing import read_out


@blueprint.route("/exports", methods=["GET", "POST"])
@while_closing
@freshly(Act.EXPORTS)
@requires(Permission.AUDIT_EXPORT)
def exports() -> ResponseReturnValue:
    """What can be downloaded now, and a form for more of it."""
    form = ExportForm() if request.method == "POST" else ExportForm(request.args)
    if request.method == "POST" and form.validate():
        with shown_on(form):
            return _made(form)
    page = render_template(
        "audit/exports.html",
        form=form,
        ready=service.list_exports(g.actor),
        filters_of=service.filters_of,
        choices=audit_log.list_choices(),
        sentences=SENTENCES,
        needs_two=needs_two(Kind.EXPORT_LOG),
    )
    return page, shown_status(form)


@blueprint.get("/exports/<uuid:export_id>")
@discloses
@requires(Permission.AUDIT_EXPORT)
def download(export_id: UUID) -> ResponseReturnValue:
    """An export that is ready, written as it goes out, as long as one may have it."""
    found = service.open_export(g.actor, export_id)
    form, target = Form(found.form), f"log-export:{export_id}"

    def read(actor: Actor, after: UUID | None) -> tuple[str, UUID | None]:
        now = read_again(actor) if isinstance(actor, Member) else actor
        return service.read_on(now, export_id, after)

    response = Response(read_out(heading(form), target, read), content_type=MEDIA_TYPES[form])
    name = f"audit-log-{found.made_at:%Y-%m-%d}-{str(export_id)[-12:]}.{ENDINGS[form]}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Security-Policy"] = DOWNLOAD_POLICY
    return response


def _made(form: ExportForm) -> ResponseReturnValue:
    chosen, reason = Form(form.form.data), str(form.reason.data)
    made = service.make_export(g.actor, form.filters(), chosen, reason)
    if isinstance(made, PendingAct):
        flash("Somebody else has to agree. Once they do, you find the export here.", "success")
    else:
        flash("It is ready, for a day.", "success")
    return redirect(url_for("audit.exports"))
