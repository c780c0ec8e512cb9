"""The way of one request: host, tenant, session, actor, guard, view, one commit, headers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, redirect, session, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.exceptions import BadRequest

from portal.access.decision import ORGANISATION, Forbidden, holds_anywhere
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import RecordedRefusal
from portal.audit.tlog.numbering import commit
from portal.auth.assurance import First, Step
from portal.auth.attempts import TooManyAttempts
from portal.auth.closing.queries import find_end
from portal.auth.sessions import touch_session
from portal.core import clock
from portal.core.errors import PortalError
from portal.core.ids import new_id
from portal.core.settings import active
from portal.tenancy.binding import acting_for, bound
from portal.tenancy.models import TenantState
from portal.tenancy.queries import find_tenant_by_host
from portal.tenancy.session import db, release
from portal.web.access import STATIC, Declared, Door, declared
from portal.web.devices import read_device
from portal.web.request import request
from portal.web.urls import local_path

STEP_PAGES = {
    Step.GIVE_FACTOR: "auth.code",
    Step.ENROL: "auth.enrol",
    Step.RENEW_PASSWORD: "auth.renew_password",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnknownHost(Exception):
    """No tenant has this host, and it is not the apex: a plain 404 that tells nothing."""


class Suspended(PortalError):
    """The tenant is suspended. Its data is kept; nobody can sign in."""

    status = 403
    message = "This organisation is suspended. Its documents are kept safe."


class BeingDestroyed(PortalError):
    """The tenant's keys are being destroyed."""

    status = 403
    message = "This organisation is being closed for good. Nobody can read its documents any more."


class Destroyed(PortalError):
    """The tenant's keys were destroyed."""

    status = 410
    message = (
        "This organisation was closed for good. Its keys were destroyed, so that nobody can read "
        "its documents any more."
    )


class ReadOnly(PortalError):
    """The tenant closes: nothing is changed any more."""

    status = 403
    message = "This organisation is closing. Everything can be read, and nothing be changed."


class LinksEnded(PortalError):
    """The tenant closes: others than its people are let in no more."""

    status = 403
    message = "This organisation is closing. What it shared by links is shared no more."


class Closed(PortalError):
    """The time is over in which the tenant could be read; its keys are about to be destroyed."""

    status = 403
    message = (
        "This organisation is closed. The time to download what it kept is over, and its keys are "
        "about to be destroyed."
    )


REFUSED_IN = {
    TenantState.SUSPENDED: Suspended,
    TenantState.CLOSING: BeingDestroyed,
    TenantState.DESTROYED: Destroyed,
}


class NotSignedIn(PortalError):
    """Something was to be changed by nobody, or by a session that has ended."""

    status = 401
    message = "Please sign in, and try again."


class BreakGlassOnly(RecordedRefusal):
    """A session that was opened by breaking the glass went where it has no business."""

    status = 403
    message = "This session can only repair single sign-on."


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
    _check_closing(declaration)
    if _writes(declaration):
        # Nothing stays open, no lock least of all, while a form is read from a slow client.
        release()
        bound().writes = True
    return _check_door(declaration)


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
    if tenant.state != TenantState.ACTIVE and request.endpoint not in STATIC:
        raise REFUSED_IN[TenantState(tenant.state)]


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


def _check_closing(declaration: Declared | None) -> None:
    """Where the tenant closes, its people come in, look, and go out again, and do nothing else."""
    if declaration is None or declaration.door == Door.ANYWHERE:
        return
    is_safe = request.method in SAFE_METHODS or declaration.only_asks
    door = declaration.door
    if not current_user.is_anonymous:
        ends_at = current_user.found.closing_ends_at
    else:  # a page for anybody tells nothing that the tenant keeps
        ends_at = None if is_safe and door != Door.BY_LINK else find_end()
    if ends_at is None:
        return
    if ends_at <= clock.now() and door != Door.ANY_SESSION:
        raise Closed
    if door == Door.BY_LINK:
        raise LinksEnded
    if not is_safe and door == Door.SIGNED_IN and not declaration.while_closing:
        raise ReadOnly


def _note_use(session_id: UUID) -> None:
    """In a transaction of its own, whatever becomes of the request."""
    release()
    bound().writes = True
    touch_session(session_id)
    db.session.commit()
    bound().writes = False


def _check_door(declaration: Declared | None) -> Any:
    if declaration is None or declaration.door in (Door.PUBLIC, Door.ANYWHERE, Door.BY_LINK):
        return None
    if declaration.door == Door.HALF_SIGNED_IN:
        if current_user.is_anonymous:
            return _ask_to_sign_in()
        return redirect(_wanted_page()) if current_user.is_authenticated else None
    if declaration.door == Door.ANY_SESSION:
        return _ask_to_sign_in() if current_user.is_anonymous else None
    if not current_user.is_authenticated:
        return _ask_to_sign_in()
    _check_permission(declaration)
    return None


def _check_permission(declaration: Declared) -> None:
    """Behind broken glass there is nothing but what that is for, not even one's own account."""
    if declaration.permission is not None:
        enough = (declaration.permission, *declaration.others)
        if not any(holds_anywhere(g.actor, permission) for permission in enough):
            raise Forbidden(declaration.permission, ORGANISATION)
    elif current_user.found.proof.first == First.BREAK_GLASS and not declaration.repairs:
        raise BreakGlassOnly("organisation")


def _ask_to_sign_in() -> Any:
    if request.method not in SAFE_METHODS:
        raise NotSignedIn
    page = "auth.sign_in" if current_user.is_anonymous else STEP_PAGES[current_user.found.step]
    return redirect(url_for(page, next=request.full_path.rstrip("?")))


def _wanted_page() -> str:
    """Where somebody was going who has nothing more to prove."""
    return local_path(request.args.get("next")) or url_for("home.index")


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
