"""A context of its own for each request."""

from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any

from portal.tenancy.binding import end_unit_of_work

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


def in_fresh_context(app: WsgiApp) -> WsgiApp:
    """Run each request in a copy of the context: servers reuse threads, and with them contexts.

    A body that streams is iterated by the server outside of it, where no tenant is bound. Whatever
    went wrong inside, even in a teardown function, the request's unit of work ends with it.
    """

    def fresh(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        context = copy_context()
        try:
            return context.run(app, environ, start_response)
        finally:
            context.run(end_unit_of_work)

    return fresh
