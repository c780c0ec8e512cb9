"""A context of its own for each request."""

from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def in_fresh_context(app: WsgiApp) -> WsgiApp:
    """Run each request in a copy of the context: servers reuse threads, and with them contexts.

    A body that streams is iterated by the server outside of it, where no tenant is bound.
    """

    def fresh(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return copy_context().run(app, environ, start_response)

    return fresh
