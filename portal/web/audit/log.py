"""The audit log: a page of entries, newest first, and one entry whole."""

from datetime import timedelta
from uuid import UUID

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access import audit_log
from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES, SEVERITIES
from portal.evidence.proving import find_place
from portal.web.access import discloses, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import FilterForm
from portal.web.audit.naming import changes_in, names_in_log, things_in


@blueprint.get("")
@discloses
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    """Entries that match the filters. Reading is itself recorded."""
    form = FilterForm(request.args)
    if not form.validate():
        return _log_page(form, audit_log.find_nothing(g.actor)), 422
    found = audit_log.search(
        g.actor,
        form.filters(),
        before=request.args.get("before", type=UUID),
        after=request.args.get("after", type=UUID),
    )
    return _log_page(form, found)


@blueprint.get("/<uuid:entry_id>")
@discloses
@requires(Permission.AUDIT_READ)
def show(entry_id: UUID) -> ResponseReturnValue:
    """One entry with all it tells."""
    shown = audit_log.get(g.actor, entry_id)
    around = [entry.target for entry in (*shown.newer, *shown.older)]
    targets = [shown.entry.target, *things_in(shown.entry.detail), *around]
    return render_template(
        "audit/show.html",
        shown=shown,
        changes=changes_in(shown.entry.detail),
        names=names_in_log(targets, shown.people, shown.groups),
        sentences=SENTENCES,
        severities=SEVERITIES,
        place=find_place(entry_id),
    )


def _log_page(form: FilterForm, found: audit_log.Found) -> str:
    return render_template(
        "audit/index.html",
        form=form,
        found=found,
        one_minute=ONE_MINUTE,
        names=names_in_log([e.target for e in found.entries], found.people, found.groups),
        sentences=SENTENCES,
        severities=SEVERITIES,
    )


ONE_MINUTE = timedelta(minutes=1)  # to which addresses tell times
