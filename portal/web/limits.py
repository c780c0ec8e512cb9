"""A coarse limit of requests per address on the doors that check secrets.

The exact limits per person are counted in the database (`portal.auth.attempts`); this one keeps a
flood from reaching the password hash at all.
"""

from typing import Any

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from portal.core.settings import active

limiter = Limiter(get_remote_address, strategy="moving-window", headers_enabled=False)


def init_app(app: Flask) -> None:
    """Count in memory, or in the storage that all workers share."""
    app.config["RATELIMIT_STORAGE_URI"] = active().limits_storage
    limiter.init_app(app)


def limited(view: Any) -> Any:
    """Take at most `PORTAL_REQUESTS_PER_MINUTE` of these from one address."""
    return _limit("POST")(view)


def limited_returns(view: Any) -> Any:
    """The same for a GET by which somebody comes back from elsewhere: it writes to the log."""
    return _limit("GET", "HEAD")(view)


def _limit(*methods: str) -> Any:
    return limiter.limit(lambda: f"{active().requests_per_minute} per minute", methods=[*methods])
