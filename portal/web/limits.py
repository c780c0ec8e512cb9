"""A coarse limit of requests per address on the doors that check secrets.

The exact limits per person are counted elsewhere (`portal.auth.attempts`); this one keeps a flood
from reaching the password hash at all. While the storage that workers share is away, each of them
counts in its own memory: the limit is looser by then, and never gone.
"""

import math
import time
from typing import Any

from flask import Flask, g
from flask_limiter import Limiter, RequestLimit

from portal.auth.attempts import network_of
from portal.auth.counts.store import TIMEOUT_SECONDS
from portal.core.settings import active


def _visitor() -> str:
    """A browser that is known counts for itself, whoever else comes from its address."""
    network = network_of(g.actor.address) or "nowhere"  # a key that is empty would not be counted
    return min(g.actor.device_ids.values(), default=network)


limiter = Limiter(_visitor, strategy="moving-window", headers_enabled=False)


def init_app(app: Flask) -> None:
    """Count in memory, or in the storage that all workers share."""
    app.config.from_mapping(
        RATELIMIT_STORAGE_URI=active().limits_storage,
        RATELIMIT_STORAGE_OPTIONS={
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
        },
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
    )
    limiter.init_app(app)
    # Each limit is a view's own, whose decorator asks for it. None holds for all views, and to look
    # for one took a twentieth of what a request for a range takes.
    app.before_request_funcs[None].remove(limiter._check_request_limit)  # noqa: SLF001


def limited(view: Any) -> Any:
    """Take at most `PORTAL_REQUESTS_PER_MINUTE` of these from one address."""
    return _limit("POST")(view)


def limited_gets(view: Any) -> Any:
    """The same for a GET by which a stranger writes to the log, or has the server work."""
    return _limit("GET", "HEAD")(view)


def _limit(*methods: str) -> Any:
    return limiter.limit(
        lambda: f"{active().requests_per_minute} per minute",
        methods=[*methods],
        error_message="Too many attempts from your address. Please wait a minute and try again.",
        on_breach=_tell_wait,
    )


def _tell_wait(limit: RequestLimit) -> None:
    g.wait_seconds = max(1, math.ceil(limit.reset_at - time.time()))
