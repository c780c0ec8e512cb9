"""What a visitor sees when something is refused or goes wrong."""

import structlog
from flask import Flask, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError

from portal.access.decision import Member
from portal.audit.service import RecordedRefusal
from portal.core.errors import Conflict, NotFound, PortalError
from portal.web.lifecycle import UnknownHost, refuse
from portal.web.requests.offering import Offer, offer_to_ask

log = structlog.get_logger()


class ForgedRequest(RecordedRefusal):
    """A request that changes something and came from no page of ours."""


TITLES = {
    400: "This request can't be understood",
    401: "Please sign in",
    403: "Not allowed",
    404: "Page not found",
    405: "Not possible this way",
    409: "Not possible now",
    410: "No longer here",
    413: "Too large",
    422: "Something is missing",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "Not available now",
}

# In place of what Werkzeug says, which is about URLs and methods.
MESSAGES = {
    404: "There is no page at this address, or you may not see it.",
    405: "This address can’t be opened this way. Go back, and use the buttons of the page.",
}


def init_app(app: Flask) -> None:
    """Answer every error with a page, or with JSON where a script asked."""
    app.register_error_handler(UnknownHost, _unknown_host)
    app.register_error_handler(PortalError, refused)
    app.register_error_handler(CSRFError, _not_from_our_page)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _failed_in_database)
    app.register_error_handler(Exception, _failed)
    app.logger.disabled = True  # it would log addresses, which may hold the token of an invitation


def _unknown_host(_error: UnknownHost) -> ResponseReturnValue:
    log.warning("unknown host", address=request.remote_addr)
    return "Not found\n", 404, {"Content-Type": "text/plain; charset=utf-8"}


def refused(error: PortalError) -> ResponseReturnValue:
    """What somebody sees who is refused something, and perhaps may ask for it."""
    offer = offer_to_ask(error)  # before `refuse`, which ends what was loaded
    refuse(error)
    return _answer(error.status, str(error), offer)


def _not_from_our_page(_error: CSRFError) -> ResponseReturnValue:
    """A request without the token of a page of ours.

    Recorded for a signed-in person, in whose name it came. A stranger's goes to the process log:
    anybody could fill the audit log with them.
    """
    if isinstance(g.actor, Member):
        refuse(ForgedRequest(f"page:{request.endpoint}", reason="csrf"))
    else:
        log.warning("request without token", address=g.actor.address, page=request.endpoint)
    return _answer(400, "This form has expired. Go back, reload the page and try again.")


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    if isinstance(error, InternalServerError) and error.original_exception is not None:
        # It came after the view, when the request was to be committed.
        cause = error.original_exception
        return _failed_in_database(cause) if isinstance(cause, DBAPIError) else _failed(cause)
    refuse(error)
    is_plain = error.description == type(error).description
    message = MESSAGES.get(error.code) if is_plain else None
    return _answer(error.code, message or error.description or "")


def _failed_in_database(error: DBAPIError) -> ResponseReturnValue:
    """What only the database can tell: a NUL in a text, or somebody else who was faster."""
    if not isinstance(error, DataError | IntegrityError):
        return _failed(error)
    log.warning("refused by the database", error=type(error.orig).__name__, page=request.endpoint)
    refuse(error)
    if isinstance(error, IntegrityError):
        return _answer(Conflict.status, Conflict.message)
    return _answer(400, "This holds something that can't be stored.")


def _failed(error: BaseException) -> ResponseReturnValue:
    if isinstance(error, StaleDataError):  # what was to be changed was destroyed meanwhile
        refuse(error)
        return _answer(Conflict.status, Conflict.message)
    if isinstance(error, ObjectDeletedError):  # and so was what was to be looked at once more
        refuse(error)
        return _answer(NotFound.status, NotFound.message)
    log.error("request failed", request_id=str(g.actor.request_id), exc_info=error)
    refuse(error)
    return _answer(500, InternalServerError.description)


def _answer(status: int, message: str, offer: Offer | None = None) -> ResponseReturnValue:
    accepted = request.accept_mimetypes
    if accepted.accept_json and not accepted.accept_html:
        return jsonify(error=message), status
    title = TITLES.get(status, TITLES[400])
    page = render_template(
        "error.html",
        status=status,
        title=title,
        message=message,
        offer=offer,
        has_home=request.blueprint != "shared",  # strangers have no account to go home to
    )
    return page, status
