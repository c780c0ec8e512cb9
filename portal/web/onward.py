"""Where a step of signing in leads."""

from flask import redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.web import cookies
from portal.web.doors import STEP_PAGES
from portal.web.urls import local_path, path_or_home


def let_in(token: str, then: str | None) -> Response:
    """Hand out the token of a complete session, and go to where the visitor was going."""
    return cookies.hand_out(redirect(path_or_home(then)), token)


def ask_for_factor(token: str, then: str | None) -> Response:
    """Hand out the token of a session that has begun, and go to the second step.

    That page sends on whoever owes no second step.
    """
    return cookies.hand_out(redirect(url_for("auth.code", next=local_path(then))), token)


def to_step() -> Response:
    """To what the session really owes."""
    return redirect(url_for(STEP_PAGES[current_user.found.step], next=request.args.get("next")))
