"""Leaving for a provider: a page that leads there, since forms may not (CSP `form-action`).

Chromium holds a form to where its redirects lead, too, so a POST can't redirect to elsewhere.
"""

from typing import Any
from uuid import UUID

from flask import g, make_response, render_template, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal.auth.ceremonies import VALID_FOR
from portal.auth.sso.client import Registration
from portal.auth.sso.journeys import Departure, Purpose, depart
from portal.auth.sso.queries import get_offered, registration_of
from portal.auth.sso.refusals import SsoRefused
from portal.core.errors import NotFound, PortalError
from portal.core.settings import active
from portal.web import cookies
from portal.web.lifecycle import refuse
from portal.web.request import request

COOKIE = "sso"
LOGOUT_COOKIE = "sso-logout"


def chosen_provider(field: str) -> Registration:
    """The offered provider whose button was pressed. Raises `NotFound`."""
    try:
        provider_id = UUID(request.form.get(field, ""))
    except ValueError:
        raise NotFound from None
    return registration_of(get_offered(provider_id))


def leave(registration: Registration, purpose: Purpose, **given: Any) -> ResponseReturnValue:
    """Send the browser to a provider, as `set_out` does, or say why that is not possible."""
    try:
        return set_out(registration, purpose, **given)
    except SsoRefused as error:
        refuse(error)
        return failed_page(error)


def failed_page(error: PortalError) -> ResponseReturnValue:
    """Why somebody could not be signed in."""
    return render_template("sso/failed.html", error=error), error.status


def set_out(
    registration: Registration,
    purpose: Purpose,
    *,
    then: str | None = None,
    carried: dict[str, object] | None = None,
    **asked: str,
) -> Response:
    """Send the browser to a provider, with what it has to bring back. Raises `SsoRefused`."""
    departure: Departure = depart(
        g.actor,
        registration,
        purpose,
        redirect_uri=own_address("sso.callback"),
        then=then,
        carried=carried,
        **asked,
    )
    response = lead_to(departure.address, registration.name)
    seconds = int(VALID_FOR.total_seconds())
    return cookies.remember(response, COOKIE, departure.token, seconds=seconds)


def lead_to(address: str, name: str) -> Response:
    """A page that goes on to an address elsewhere by itself."""
    response = make_response(render_template("sso/onward.html", address=address, name=name))
    response.headers["Refresh"] = f"0; url={address}"
    return response


def own_address(endpoint: str) -> str:
    """One of our addresses on the host that was asked, which is the tenant's: it was looked up."""
    return active().address_of(g.host) + url_for(endpoint)


def given_addresses() -> dict[str, str]:
    """What to give to a provider."""
    return {
        "Redirect address": own_address("sso.callback"),
        "Back-channel logout address": own_address("sso.backchannel_logout"),
        "Address after signing out": own_address("sso.signed_out"),
    }
