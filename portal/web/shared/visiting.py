"""The cookie by which a browser holds the link that was opened in it, one for each link."""

from uuid import UUID

from flask import g
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.access.decision import Member
from portal.auth.assurance import First
from portal.documents.links.visits import VALID_FOR, Visit, find_visit
from portal.web import cookies
from portal.web.request import request


def present_visit(link_id: UUID) -> Visit:
    """The visit of this browser. From here on the request acts by the link.

    Raises `NotFound` or `LinkClosed`.
    """
    visit = find_visit(g.actor, link_id, cookies.remembered(request, _name(link_id)), _member())
    g.actor = visit.actor
    return visit


def hold(response: Response, link_id: UUID, token: str) -> Response:
    """Have this browser hold a visit."""
    return cookies.remember(response, _name(link_id), token, seconds=int(VALID_FOR.total_seconds()))


def _name(link_id: UUID) -> str:
    return f"shared-{link_id.hex}"


def _member() -> Member | None:
    """Who is signed in completely, and not just to repair single sign-on."""
    if not current_user.is_authenticated or current_user.found.proof.first == First.BREAK_GLASS:
        return None
    return current_user.found.member  # type: ignore[no-any-return]
