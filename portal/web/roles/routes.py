"""What each role may do, shown from the table that decides."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import EXCLUSIVE, ROLES, Permission
from portal.web.access import requires

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("")
@requires(Permission.MEMBER_READ)
def index() -> ResponseReturnValue:
    """Every role with its permissions."""
    return render_template(
        "roles/index.html",
        roles=list(ROLES.values()),
        permissions=list(Permission),
        exclusive=EXCLUSIVE,
    )
