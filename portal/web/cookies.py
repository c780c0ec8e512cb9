"""The cookie that holds a session's token, and Flask-Login's view of who is signed in.

Flask-Login serves `current_user` to views and templates from our session row. Its own cookie, its
remember-me and its session protection stay unused: they outlive signing out, and the last trusts
a header that the client sends.
"""

from flask import Flask, Request, g, request, session
from flask_login import LoginManager, UserMixin
from werkzeug.wrappers import Response

from portal.access.decision import Member
from portal.auth.ceremonies import VALID_FOR
from portal.auth.sessions import FoundSession, find_session
from portal.core.errors import Misconfigured
from portal.core.settings import active

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


def init_app(app: Flask) -> None:
    """Have `current_user` read from the session cookie."""
    if app.config.get("LOGIN_DISABLED"):
        raise Misconfigured("LOGIN_DISABLED would open every page.")
    manager = LoginManager()
    manager.session_protection = None
    app.config["REMEMBER_COOKIE_NAME"] = None  # a sibling host could set one
    manager.request_loader(_load)
    manager.init_app(app)


def cookie_name() -> str:
    """`__Host-` ties a cookie to one host over HTTPS; plain-HTTP localhost can't have it."""
    return "__Host-session" if active().is_secure else "session"


def hand_out(response: Response, token: str) -> Response:
    """Give the browser a session's token, and a new CSRF secret with it."""
    session.pop(FORM_SECRET, None)
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


def ceremony_cookie_name() -> str:
    """What holds the token of a ceremony, on the same terms as a session's."""
    return "__Host-ceremony" if active().is_secure else "ceremony"


def hand_out_ceremony(response: Response, token: str) -> Response:
    """Give the browser the token of a ceremony that it is to come back with."""
    response.set_cookie(
        ceremony_cookie_name(),
        token,
        max_age=VALID_FOR,
        secure=active().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response


def ceremony_token() -> str | None:
    """The token that the browser has come back with."""
    return request.cookies.get(ceremony_cookie_name())


def _load(received: Request) -> SignedIn | None:
    token = received.cookies.get(cookie_name())
    if not token or "tenant" not in g:
        return None
    found = find_session(token, g.actor)
    return SignedIn(found) if found else None
