"""Signing out together with the provider, in either direction."""

import hmac

from flask import g, render_template
from flask.typing import ResponseReturnValue

from portal.auth.sso.logout import end_by_provider
from portal.web import cookies
from portal.web.access import by_programs, public
from portal.web.limits import limited
from portal.web.request import request
from portal.web.sso.leaving import LOGOUT_COOKIE
from portal.web.sso.routes.blueprint import blueprint


@blueprint.get("/signed-out")
@public
def signed_out() -> ResponseReturnValue:
    """Back from signing out at a provider."""
    kept, state = cookies.remembered(request, LOGOUT_COOKIE), request.args.get("state", "")
    is_ours = kept is not None and hmac.compare_digest(
        kept.encode("utf-8", "replace"), state.encode("utf-8", "replace")
    )
    return render_template("sso/signed_out.html", is_ours=is_ours)


@blueprint.post("/backchannel-logout")
@limited
@by_programs
@public
def backchannel_logout() -> ResponseReturnValue:
    """A provider tells that somebody has signed out there."""
    end_by_provider(g.actor, request.form.get("logout_token", ""))
    return "", 200
