"""The page group itself, which the modules of its pages add to, and the way into it."""

from flask import Blueprint, g, redirect, url_for
from flask.typing import ResponseReturnValue

from portal.access.decision import decide
from portal.access.permissions import Permission
from portal.web.access import requires

blueprint = Blueprint("retention", __package__, url_prefix="/retention")

# The first page of each part, by what it takes to see it.
FIRST_PAGES = {
    Permission.RETENTION_EDIT: "retention.rules",
    Permission.HOLD_EDIT: "retention.holds",
    Permission.ERASURE_ASK: "retention.erasures",
}


@blueprint.get("")
@requires(*FIRST_PAGES)
def index() -> ResponseReturnValue:
    """To the first part that one may see."""
    page = next(page for permission, page in FIRST_PAGES.items() if decide(g.actor, permission))
    return redirect(url_for(page))
