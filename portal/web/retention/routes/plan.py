"""What the next run destroys; and why a document or folder is kept."""

from uuid import UUID

from flask import Response, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.auth.assurance import Act
from portal.documents.bringing_back import bring_back, can_bring_back
from portal.documents.retention import explaining
from portal.documents.retention.plan import export_plan, show_plan
from portal.web.access import discloses, freshly, requires
from portal.web.confirming import ConfirmForm
from portal.web.lifecycle import shown_on, shown_status
from portal.web.request import request
from portal.web.retention.routes.blueprint import blueprint


@blueprint.get("/next-run")
@requires(Permission.HOLD_EDIT)
def plan() -> ResponseReturnValue:
    """What the next run looks at, and what becomes of each."""
    found = show_plan(g.actor, request.args.get("after", type=UUID))
    return render_template("retention/plan.html", found=found)


@blueprint.get("/next-run/table")
@discloses
@requires(Permission.HOLD_EDIT)
def plan_table() -> ResponseReturnValue:
    """All of it for a spreadsheet."""
    headers = {"Content-Disposition": 'attachment; filename="next-run.csv"'}
    return Response(export_plan(g.actor), content_type="text/csv; charset=utf-8", headers=headers)


@blueprint.get("/documents/<uuid:document_id>")
@requires(Permission.HOLD_EDIT)
def document(document_id: UUID) -> ResponseReturnValue:
    """Why a document is kept, or when it goes."""
    explained = explaining.explain_document(g.actor, document_id)
    is_gone = can_bring_back(document_id)
    return render_template("retention/document.html", explained=explained, is_gone=is_gone)


@blueprint.route("/documents/<uuid:document_id>/bring-back", methods=["GET", "POST"])
@freshly(Act.RETENTION)
@requires(Permission.HOLD_EDIT)
def bring_document_back(document_id: UUID) -> ResponseReturnValue:
    """Have a document that is gone for everybody lie where it lay, after a question."""
    explained, form = explaining.explain_document(g.actor, document_id), ConfirmForm()
    if form.validate_on_submit():
        with shown_on(form):
            bring_back(g.actor, document_id)
            flash("The document is back where it was.", "success")
            return redirect(url_for("retention.document", document_id=document_id))
    page = render_template("retention/bring_back.html", form=form, explained=explained)
    return page, shown_status(form)


@blueprint.get("/folders/<uuid:folder_id>")
@requires(Permission.HOLD_EDIT)
def folder(folder_id: UUID) -> ResponseReturnValue:
    """Which rules and holds are about a folder."""
    explained = explaining.explain_folder(g.actor, folder_id)
    return render_template("retention/folder.html", explained=explained)
