"""All that happened to one document, or to one person and by them."""

from itertools import groupby
from uuid import UUID

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access import audit_log
from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES, SEVERITIES
from portal.web.access import discloses, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.naming import names_in_log


@blueprint.get("/documents/<uuid:document_id>")
@discloses
@requires(Permission.AUDIT_READ)
def document_timeline(document_id: UUID) -> ResponseReturnValue:
    """What happened to a document, which may be gone."""
    return _timeline(f"document:{document_id}")


@blueprint.get("/people/<uuid:user_id>")
@discloses
@requires(Permission.AUDIT_READ)
def person_timeline(user_id: UUID) -> ResponseReturnValue:
    """What a person did, and what was done about them."""
    return _timeline(f"user:{user_id}")


def _timeline(target: str) -> str:
    found = audit_log.list_timeline(g.actor, target, before=request.args.get("before", type=UUID))
    targets = [target, *(entry.target for entry in found.entries)]
    return render_template(
        "audit/timeline.html",
        target=target,
        found=found,
        days=[(day, list(rows)) for day, rows in groupby(found.entries, lambda e: e.at.date())],
        names=names_in_log(targets, found.people, found.groups),
        sentences=SENTENCES,
        severities=SEVERITIES,
    )
