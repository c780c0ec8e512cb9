"""What each role may do, shown from the table that decides."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.access.exclusive import list_exclusive_pairs
from portal.access.permissions import Permission
from portal.access.roles import list_live_roles
from portal.web.access import requires

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("")
@requires(Permission.MEMBER_READ)
def index() -> ResponseReturnValue:
    """Every role with its permissions."""
    return render_template(
        "roles/index.html",
        roles=list(list_live_roles().values()),
        permissions=list(Permission),
        exclusive=list_exclusive_pairs(),
    )
