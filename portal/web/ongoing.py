"""Answers that go out for a while: whoever gets them has to be allowed them all that time."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from datetime import timedelta
from typing import Any

from flask import current_app, g

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import NotFound, PortalError
from portal.tenancy.binding import acting_for
from portal.tenancy.models import TenantState
from portal.tenancy.queries import find_tenant_by_host
from portal.tenancy.session import db

ASKED_EVERY = timedelta(seconds=2)

Ask = Callable[[Actor], None]


def while_allowed(pieces: Iterator[bytes], target: str, ask: Ask) -> Iterator[bytes]:
    """`pieces`, as long as `ask` raises nothing. Begun within a request, and read out after it.

    It is asked again whenever a piece is wanted and the last answer is some seconds old, so that
    a slow reader loses a right as soon as everybody does. What is refused breaks the answer off:
    its error goes to the server, which closes the connection short of the length it announced.
    """
    return _checked(pieces, _Watch(current_app.app_context, g.host, g.actor, target, ask))


class _Watch:
    """Asks as a request of its own would, in a context that is left to nobody else."""

    def __init__(
        self, context: Callable[[], Any], host: str, actor: Actor, target: str, ask: Ask
    ) -> None:
        self._context, self._host, self._actor = context, host, actor
        self._target, self._ask = target, ask
        self._asked_at = clock.now()

    def check(self) -> None:
        """Raises what was refused, having recorded it, if it is time to ask again."""
        if clock.now() - self._asked_at >= ASKED_EVERY:
            copy_context().run(self._check)
            self._asked_at = clock.now()

    def _check(self) -> None:
        with self._context():
            tenant = find_tenant_by_host(self._host)
            if tenant is None or tenant.state != TenantState.ACTIVE:
                raise NotFound
            try:
                with acting_for(tenant):
                    self._ask(self._actor)
            except PortalError as error:
                with acting_for(tenant, writes=True):
                    self._record(type(error).__name__)
                raise

    def _record(self, error: str) -> None:
        record(self._actor, Action.DOWNLOAD_STOPPED, self._target, Outcome.REFUSED, error=error)
        db.session.commit()


def _checked(pieces: Iterator[bytes], watch: _Watch) -> Iterator[bytes]:
    for piece in pieces:
        watch.check()
        yield piece
