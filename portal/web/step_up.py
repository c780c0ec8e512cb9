"""Asking again who somebody is, before an act that wants a proof which is not old.

What was typed is not lost: the question carries the form along, and sends it on with the answer.
"""

from collections.abc import Iterator
from typing import Any

from flask import Flask, current_app, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.auth.assurance import StepUpNeeded, is_fresh
from portal.auth.credentials import find_credential
from portal.auth.proofs import offered_factors, usable_factors
from portal.auth.sign_in import prove_again
from portal.auth.sso.queries import list_providers_of
from portal.core import clock
from portal.core.errors import PortalError
from portal.tenancy.session import db
from portal.web.access import declared
from portal.web.lifecycle import refuse
from portal.web.passkeys import answer_of
from portal.web.reminders import tell_codes_left
from portal.web.request import SAFE_METHODS, request

PROOF = "proof_"  # how the names of the question's own fields begin
NOT_CARRIED = frozenset({"csrf_token"})


def init_app(app: Flask) -> None:
    """Look at every request whose view wants a fresh proof, once its form's token was checked."""
    app.before_request(_check)
    app.register_error_handler(StepUpNeeded, _ask_instead)


def prove(typed: Any) -> None:
    """Take the answer to the question. It is kept whatever becomes of the rest of the request.

    Raises what `prove_again` raises.
    """
    passkey, recovery_code = (typed.get(PROOF + name, "") for name in ("passkey", "recovery_code"))
    g.actor = prove_again(
        g.actor,
        code=typed.get(f"{PROOF}code", ""),
        recovery_code=recovery_code,
        passkey=answer_of(passkey) if passkey else None,
        password=typed.get(f"{PROOF}password", ""),
    )
    db.session.commit()
    if recovery_code and not passkey:
        tell_codes_left()


def ask(error: PortalError | None = None, *, then: str | None = None) -> ResponseReturnValue:
    """The question. With `then` it leads there; else it sends on the form that came in."""
    fields = [] if then else list(carried())
    address = url_for("auth.step_up", next=then) if then else request.full_path.rstrip("?")
    has_factors = bool(usable_factors(g.actor))
    page = render_template(
        "step_up.html",
        address=address,
        carried=fields,
        error=error,
        factors=offered_factors(g.actor, g.host),
        has_factors=has_factors,
        has_password=not has_factors and find_credential(g.actor.user_id) is not None,
        providers=[] if has_factors else list_providers_of(g.actor.user_id),
        then=then,
    )
    return page, error.status if error else 403 if not then else 200


def _check() -> ResponseReturnValue | None:
    view = current_app.view_functions.get(request.endpoint or "")
    declaration = declared(view) if view else None
    if declaration is None or declaration.fresh is None or request.method == "OPTIONS":
        return None
    if not current_user.is_authenticated or is_fresh(
        g.actor.proved_at, declaration.fresh, clock.now()
    ):
        return None
    if request.method in SAFE_METHODS:
        return redirect(url_for("auth.step_up", next=request.full_path.rstrip("?")))
    if not any(name.startswith(PROOF) for name in request.form):
        return ask()
    try:
        prove(request.form)
    except PortalError as error:
        refuse(error)
        return ask(error)
    return None


def _ask_instead(error: StepUpNeeded) -> ResponseReturnValue:
    refuse(error)
    if request.method in SAFE_METHODS:
        return redirect(url_for("auth.step_up", next=request.full_path.rstrip("?")))
    return ask()


def carried() -> Iterator[tuple[str, str]]:
    """The fields of the form that came in, without those of an earlier question."""
    for name, value in request.form.items(multi=True):
        if name not in NOT_CARRIED and not name.startswith(PROOF):
            yield name, value
