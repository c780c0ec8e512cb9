"""Confirming again who it is, apart from any form that asked for it."""

from flask import g, redirect, request
from flask.typing import ResponseReturnValue

from portal.auth import passkeys
from portal.core.errors import PortalError
from portal.web import step_up as question
from portal.web.access import repairs, signed_in, while_closing
from portal.web.auth.blueprint import blueprint
from portal.web.lifecycle import refuse
from portal.web.limits import limited
from portal.web.passkeys import asked
from portal.web.urls import path_or_home


@blueprint.route("/step-up", methods=["GET", "POST"])
@limited
@while_closing
@repairs
@signed_in
def step_up() -> ResponseReturnValue:
    """Confirm again who it is, and go on to where that was asked for."""
    then = path_or_home(request.args.get("next"))
    if request.method == "POST":
        try:
            question.prove(request.form)
        except PortalError as error:
            refuse(error)
            return question.ask(error, then=then)
        return redirect(then)
    return question.ask(then=then)


@blueprint.post("/passkeys/step-up/begin")
@limited
@while_closing
@signed_in
def begin_passkey_step_up() -> ResponseReturnValue:
    """What to ask a passkey for, of whoever is to confirm who they are."""
    return asked(passkeys.ask_owner(g.actor, g.host))
