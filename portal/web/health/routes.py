"""The health of documents: whether contents are what was stored."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.core.settings import active
from portal.documents.integrity.health import show_health
from portal.web.access import requires

blueprint = Blueprint("health", __name__, url_prefix="/health")

FAULTS = {"rot": "Not what was stored", "missing": "Missing", "foreign": "Of no document"}


@blueprint.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    """The last round of reading everything back, and what it found."""
    return render_template(
        "health/index.html",
        health=show_health(g.actor),
        faults=FAULTS,
        every_days=active().verify_every_days,
    )
