"""Charts of the log, over the filters that the list has as well."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from portal.access import audit_log, log_charts
from portal.access.permissions import Permission
from portal.audit.actions import SENTENCES
from portal.audit.queries import Filters
from portal.core.errors import Invalid
from portal.documents.naming import names_of_targets
from portal.web.access import discloses, requires
from portal.web.audit.blueprint import blueprint
from portal.web.audit.forms import FilterForm


@blueprint.get("/charts")
@discloses
@requires(Permission.AUDIT_READ)
def charts() -> ResponseReturnValue:
    """What fits the filters, counted. Reading is itself recorded."""
    form, drawn = FilterForm(request.args), None
    if form.validate():
        drawn = _drawn(form, form.filters())
    targets = [target for target, _ in drawn.downloads] if drawn else []
    page = render_template(
        "audit/charts.html",
        form=form,
        charts=drawn,
        choices=drawn or audit_log.list_choices(),
        names=names_of_targets(g.actor, targets),
        sentences=SENTENCES,
    )
    return page, 200 if drawn else 422


def _drawn(form: FilterForm, filters: Filters) -> log_charts.Charts | None:
    try:
        return log_charts.draw_charts(g.actor, filters)
    except Invalid as error:
        form.since.errors = [str(error)]
        return None
