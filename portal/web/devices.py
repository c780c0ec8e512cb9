"""The cookie by which a browser is known from which somebody has signed in completely before.

It opens nothing. It only says whose tries at a password or a code are counted apart from those of
strangers, so that nobody can be kept out by them (`portal.auth.attempts`). Signed with the portal's
secret, bound to the tenant and to each person it names; for a year.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from flask import current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from portal.core import clock
from portal.core.settings import active

KEPT_FOR = timedelta(days=365)
MOST_PEOPLE = 5  # who share a browser; whoever came last stays known


def cookie_name() -> str:
    """As the session's: see `cookies.cookie_name`."""
    return "__Host-device" if active().is_secure else "device"


def read_device() -> Mapping[UUID, str]:
    """For each person who has signed in from this browser, the browser's own random name."""
    return {UUID(user_id): name for user_id, (name, _until) in _known().items()}


def remember_device(response: Response, user_id: UUID) -> None:
    """Have this browser known for somebody who has just signed in."""
    others = {key: entry for key, entry in _known().items() if key != str(user_id)}
    own = (secrets.token_urlsafe(9), int((clock.now() + KEPT_FOR).timestamp()))
    latest = [*others.items(), (str(user_id), own)][-MOST_PEOPLE:]
    response.set_cookie(
        cookie_name(),
        str(_serializer().dumps(dict(latest))),
        max_age=KEPT_FOR,
        secure=active().is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def _known() -> Mapping[str, tuple[str, int]]:
    """By person: a name, and until when it is one. What we have not signed tells of nobody."""
    try:
        known = _serializer().loads(request.cookies.get(cookie_name(), ""))
    except BadSignature:
        return {}
    now = clock.now().timestamp()
    return {user_id: entry for user_id, entry in known.items() if entry[1] > now}


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=f"device:{g.tenant.id}")
