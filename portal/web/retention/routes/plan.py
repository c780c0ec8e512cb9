"""What the next run destroys; and why a document or folder is kept."""

from uuid import UUID

from flask import Response, g, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.documents.retention import explaining
from portal.documents.retention.plan import export_plan, show_plan
from portal.web.access import discloses, requires
from portal.web.request import request
from portal.web.retention.routes.group import blueprint


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
    return render_template("retention/document.html", explained=explained)


@blueprint.get("/folders/<uuid:folder_id>")
@requires(Permission.HOLD_EDIT)
def folder(folder_id: UUID) -> ResponseReturnValue:
    """Which rules and holds are about a folder."""
    explained = explaining.explain_folder(g.actor, folder_id)
    return render_template("retention/folder.html", explained=explained)
