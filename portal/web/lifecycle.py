"""The way of one request: host, tenant, session, actor, guard, view, one commit, headers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, session
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.exceptions import BadRequest

from portal.audit.actor import Actor, ActorKind
from portal.audit.service import RecordedRefusal
from portal.audit.tlog.numbering import commit
from portal.auth.attempts import TooManyAttempts
from portal.auth.sessions import touch_session
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.core.settings import active
from portal.tenancy.binding import acting_for, bound
from portal.tenancy.queries import find_tenant_by_host
from portal.tenancy.session import db, release
from portal.web.access import Declared, Door, declared
from portal.web.devices import read_device
from portal.web.doors import check_door
from portal.web.request import SAFE_METHODS, request
from portal.web.tenant_states import check_closing, check_state


class UnknownHost(Exception):
    """No tenant has this host, and it is not the apex: a plain 404 that tells nothing."""


def init_app(app: Flask) -> None:
    """Put the lifecycle round every request."""
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_leave)


def _begin() -> Any:
    g.stack = ExitStack()
    g.actor = Actor(kind=ActorKind.ANONYMOUS, request_id=new_id())
    g.actor = replace(g.actor, address=_address())
    declaration = _declaration()
    if declaration is not None and declaration.streams_body:
        request.let_body_stream()  # before Flask-WTF looks at the request
    if declaration is not None and declaration.door == Door.PROBE:
        return None
    host = _host()
    if host == active().apex:
        return _check_apex(declaration)
    _bind_tenant(host)
    if request.method not in SAFE_METHODS:
        g.actor = replace(g.actor, device_ids=read_device())
        if declaration is not None:  # else there is nobody to read it
            request.read_form()  # first: what a slow client may do is asked once all of it is here
    _read_actor()
    check_closing(declaration)
    if _writes(declaration):
        # Nothing stays open, no lock least of all, while a form is read from a slow client.
        release()
        bound().writes = True
    return check_door(declaration)


def _declaration() -> Declared | None:
    """What the view declares. One that declares nothing is a mistake, and is not run."""
    if request.endpoint is None:
        return None
    found = declared(current_app.view_functions[request.endpoint])
    if found is None:
        raise RuntimeError(f"the view {request.endpoint} does not declare who may come in")
    return found


def _address() -> str | None:
    """Where the request came from; None by a socket that has no addresses."""
    try:
        return str(ip_address(request.remote_addr)) if request.remote_addr else None
    except ValueError:
        raise BadRequest("A proxy has passed on an address that is none.") from None


def _host() -> str:
    if not request.host:
        raise BadRequest("The Host header is missing or malformed.")
    if active().is_secure and not request.is_secure:
        raise BadRequest("The portal is reached by HTTPS only.")
    host = request.host.lower()
    return host.rpartition(":")[0] if ":" in host else host


def _check_apex(declaration: Declared | None) -> None:
    if declaration is not None and declaration.door != Door.ANYWHERE:
        raise UnknownHost


def _bind_tenant(host: str) -> None:
    tenant = find_tenant_by_host(host)
    if tenant is None:
        raise UnknownHost
    g.tenant, g.host = tenant, host
    g.stack.enter_context(acting_for(tenant))
    check_state(tenant)


def _writes(declaration: Declared | None) -> bool:
    if request.method not in SAFE_METHODS:
        return declaration is None or not declaration.only_asks
    if declaration is None or request.method == "OPTIONS":
        return False
    return declaration.discloses or declaration.finishes_ceremony


def _read_actor() -> None:
    if current_user.is_anonymous:
        return
    g.actor = current_user.member
    if current_user.found.is_stale:
        _note_use(g.actor.session_id)


def _note_use(session_id: UUID) -> None:
    """In a transaction of its own, whatever becomes of the request."""
    release()
    bound().writes = True
    touch_session(session_id)
    db.session.commit()
    bound().writes = False


def _finish(response: Response) -> Response:
    """Commit once, for requests that write and succeed; anything else is rolled back."""
    if "wait_seconds" in g:
        response.headers["Retry-After"] = str(g.wait_seconds)
    if "tenant" in g and bound().has_session:
        if bound().writes and response.status_code < 400:
            _commit(response)
        else:
            db.session.rollback()
    return response


def _commit(response: Response) -> None:
    """An answer that can't be vouched for is given up, with what it holds open."""
    try:
        commit()
    except Exception:
        response.close()
        raise


def _leave(_error: BaseException | None) -> None:
    if "stack" in g:
        g.stack.close()


def keep() -> None:
    """Commit what was done so far, whatever becomes of the rest: one file of several."""
    commit()


def refuse(error: BaseException) -> None:
    """Undo what the request did; if the error brings an audit entry, record it by itself."""
    if isinstance(error, TooManyAttempts):
        g.wait_seconds = error.wait_seconds
    if "tenant" not in g:
        return
    db.session.rollback()
    session.pop("_flashes", None)  # what was to be told did not happen
    if isinstance(error, RecordedRefusal):
        bound().writes = True
        error.record(g.actor)
        commit()


@contextmanager
def shown_on(form: FlaskForm) -> Iterator[None]:
    """Turn what a service refuses into an error of the form, and go on to show it."""
    try:
        yield
    except PortalError as error:
        refuse(error)
        form.form_errors.append(str(error))
        g.status = error.status


def shown_status(form: FlaskForm) -> int:
    """The status of a page that shows a form: 200, or that of what is wrong with it."""
    if "status" in g:
        return int(g.status)
    return 422 if form.errors else 200
