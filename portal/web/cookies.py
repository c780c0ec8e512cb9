"""The cookie that holds a session's token, and Flask-Login's view of who is signed in.

Flask-Login serves `current_user` to views and templates from our session row. Its own cookie, its
remember-me and its session protection stay unused: they outlive signing out, and the last trusts
a header that the client sends.
"""

from flask import Flask, Request, g, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.wrappers import Response

from portal.access.decision import Member
from portal.auth.assurance import First
from portal.auth.live_sessions import FoundSession, find_session
from portal.core.errors import Misconfigured
from portal.core.settings import active
from portal.web.devices import remember_device

FORM_SECRET = "csrf_token"  # Flask-WTF's, in the form cookie


class SignedIn(UserMixin):
    """The person behind a session, as Flask-Login wants to see one."""

    def __init__(self, found: FoundSession) -> None:
        self.found = found

    @property
    def member(self) -> Member:
        """Who it is, and what they hold."""
        return self.found.member

    @property
    def is_authenticated(self) -> bool:
        """Whether every step of signing in has been taken."""
        return self.found.is_complete

    def get_id(self) -> str:
        return str(self.member.session_id)


class FormCookie(SecureCookieSessionInterface):
    """Flask's own cookie, whose signing is prepared once and not for each request."""

    def __init__(self, app: Flask) -> None:
        self._serializer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return self._serializer


def init_app(app: Flask) -> None:
    """Have `current_user` read from the session cookie."""
    if app.config.get("LOGIN_DISABLED"):
        raise Misconfigured("LOGIN_DISABLED would open every page.")
    manager = LoginManager()
    manager.session_protection = None
    app.config["REMEMBER_COOKIE_NAME"] = None  # a sibling host could set one
    manager.request_loader(_load)
    manager.init_app(app)
    app.session_interface = FormCookie(app)


def cookie_name() -> str:
    """`__Host-` ties a cookie to one host over HTTPS; plain-HTTP localhost can't have it."""
    return _own_name("session")


def hand_out(response: Response, token: str) -> Response:
    """Give the browser a session's token, and a new CSRF secret with it.

    From now on it is a known browser of whoever has nothing more to prove.
    """
    session.pop(FORM_SECRET, None)
    found = find_session(token, g.actor)
    if found is not None and found.is_complete and found.proof.first != First.BREAK_GLASS:
        remember_device(response, found.user_id)
    response.set_cookie(
        cookie_name(), token, secure=active().is_secure, httponly=True, samesite="Lax", path="/"
    )
    return response


def take_back(response: Response) -> Response:
    """Have the browser forget the token."""
    session.pop(FORM_SECRET, None)
    response.delete_cookie(
        cookie_name(), secure=active().is_secure, httponly=True, samesite="Lax", path="/"
    )
    return response


def remember(response: Response, name: str, value: str, *, seconds: int) -> Response:
    """Have this browser hold something for a while that no script of a page can read."""
    response.set_cookie(
        _own_name(name),
        value,
        max_age=seconds,
        secure=active().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def remembered(request: Request, name: str) -> str | None:
    """What `remember` gave this browser, if it still holds it."""
    return request.cookies.get(_own_name(name))


def forget(response: Response, name: str) -> Response:
    """Have this browser let go of it."""
    response.delete_cookie(
        _own_name(name), secure=active().is_secure, httponly=True, samesite="Lax", path="/"
    )
    return response


def _own_name(name: str) -> str:
    return f"__Host-{name}" if active().is_secure else name


def _load(request: Request) -> SignedIn | None:
    token = request.cookies.get(cookie_name())
    if not token or "tenant" not in g:
        return None
    found = find_session(token, g.actor)
    return SignedIn(found) if found else None
