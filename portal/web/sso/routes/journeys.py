"""To a provider and back: to sign in, to accept an invitation, to confirm who it is."""

from flask import g
from flask.typing import ResponseReturnValue

from portal.auth.sso.journeys import Purpose, take_up
from portal.auth.sso.refusals import SsoRefused
from portal.web import cookies
from portal.web.access import finishes_ceremony, public, repairs, signed_in, while_closing
from portal.web.lifecycle import refuse
from portal.web.limits import limited, limited_gets
from portal.web.request import request
from portal.web.sso.leaving import COOKIE, chosen_provider, failed_page, leave
from portal.web.sso.returning import finish
from portal.web.sso.routes.blueprint import blueprint
from portal.web.urls import local_path


@blueprint.post("/begin")
@limited
@public
def begin() -> ResponseReturnValue:
    """To a provider: to sign in, or to accept an invitation."""
    registration = chosen_provider("provider")
    then = local_path(request.form.get("next"))
    invitation = request.form.get("invitation")
    purpose = Purpose.INVITATION if invitation else Purpose.SIGN_IN
    carried: dict[str, object] = {"invitation": invitation} if invitation else {}
    return leave(registration, purpose, then=then, carried=carried)


@blueprint.post("/step-up")
@limited
@while_closing
@repairs
@signed_in
def step_up() -> ResponseReturnValue:
    """To a provider, to be asked anew who it is; the form that wanted it comes along."""
    carried: dict[str, object] = {
        "address": local_path(request.form.get("proof_address")),
        "fields": [
            [name.removeprefix("carried_"), value]
            for name, value in request.form.items(multi=True)
            if name.startswith("carried_")
        ],
    }
    return leave(
        chosen_provider("proof_provider"),
        Purpose.STEP_UP,
        then=local_path(request.form.get("proof_then")),
        carried=carried,
        prompt="login",
        max_age="0",
    )


@blueprint.get("/callback")
@limited_gets
@finishes_ceremony
@public
def callback() -> ResponseReturnValue:
    """Back from a provider."""
    try:
        journey = take_up(g.actor, cookies.remembered(request, COOKIE))
    except SsoRefused as error:
        refuse(error)
        return failed_page(error)
    return finish(journey)
