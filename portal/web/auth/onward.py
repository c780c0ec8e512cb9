"""Where a step of signing in leads."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.web import cookies
from portal.web.doors import STEP_PAGES
from portal.web.urls import local_path


def on_to(token: str, endpoint: str, then: str | None) -> ResponseReturnValue:
    """Hand out a session's token and go on: to the next step, or to where the visitor was going."""
    then = local_path(then)
    if endpoint == "home.index":
        address = then or url_for("home.index")
    else:
        address = url_for(endpoint, next=then)
    return cookies.hand_out(redirect(address), token)


def to_step() -> ResponseReturnValue:
    """To what the session really owes."""
    return redirect(url_for(STEP_PAGES[current_user.found.step], next=request.args.get("next")))
