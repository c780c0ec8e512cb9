"""Answers that go out for a while: whoever gets them has to be allowed them all that time."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from flask import current_app, g

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.core import clock
from portal.core.errors import NotFound, PortalError
from portal.documents.downloads import Download
from portal.documents.integrity.findings import DamageFound
from portal.tenancy.binding import acting_for
from portal.tenancy.models import TenantState
from portal.tenancy.queries import find_tenant_by_host
from portal.tenancy.session import db

ASKED_EVERY = timedelta(seconds=2)

Result = TypeVar("Result")
Mark = TypeVar("Mark")
Ask = Callable[[Actor], None]
Read = Callable[[Actor, Mark | None], tuple[str, Mark | None]]


def while_allowed(pieces: Iterator[bytes], target: str, ask: Ask) -> Iterator[bytes]:
    """`pieces`, as long as `ask` raises nothing. Begun within a request, and read out after it.

    It is asked again whenever a piece is wanted and the last answer is some seconds old, so that
    a slow reader loses a right as soon as everybody does. What is refused breaks the answer off:
    its error goes to the server, which closes the connection short of the length it announced.
    """
    return _checked(pieces, _Return(g.actor, target), ask)


def opened_later(target: str, opened: Callable[[Actor], Download], ask: Ask) -> Iterator[bytes]:
    """A content that is opened when its first piece is wanted, and goes out `while_allowed`.

    Begun within a request. That it is given is told and kept once its first block is proved, and
    before a piece goes out.
    """
    return _opened(_Return(g.actor, target), opened, ask)


def read_out(heading: str, target: str, read: Read[Mark]) -> Iterator[bytes]:
    """What `read` gives, batch by batch, each behind the mark that came with the one before it.

    Each batch is read as a request of its own would read it, and `read` decides each time whether
    the actor may have it. What is refused breaks the answer off.
    """
    return _batches(heading, _Return(g.actor, target), read)


class _Return:
    """Comes back to a request's tenant after it, in a context that is left to nobody else."""

    def __init__(self, actor: Actor, target: str) -> None:
        self._context, self._host = current_app.app_context, g.host
        self._actor, self._target = actor, target

    def to(self, work: Callable[[Actor], Result], *, writes: bool = False) -> Result:
        """Do some work for the actor. What is refused is recorded and raised."""
        return copy_context().run(self._work, work, writes)

    def record(self, refusal: RecordedRefusal) -> None:
        """Record what broke the answer off."""
        copy_context().run(self._record_refusal, refusal)

    def _record_refusal(self, refusal: RecordedRefusal) -> None:
        with self._context():
            tenant = find_tenant_by_host(self._host)
            if tenant is not None:
                with acting_for(tenant, writes=True):
                    refusal.record(self._actor)
                    db.session.commit()

    def _work(self, work: Callable[[Actor], Result], writes: bool) -> Result:
        with self._context():
            tenant = find_tenant_by_host(self._host)
            if tenant is None or tenant.state != TenantState.ACTIVE:
                raise NotFound
            try:
                with acting_for(tenant, writes=writes):
                    return work(self._actor)
            except PortalError as error:
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:  # a refusal, and no failure
                    with acting_for(tenant, writes=True):
                        self._record(type(error).__name__)
                raise

    def _record(self, error: str) -> None:
        record(self._actor, Action.DOWNLOAD_STOPPED, self._target, Outcome.REFUSED, error=error)
        db.session.commit()


def _checked(pieces: Iterator[bytes], back: _Return, ask: Ask) -> Iterator[bytes]:
    asked_at = clock.now()
    for piece in _recorded(pieces, back):
        if clock.now() - asked_at >= ASKED_EVERY:
            back.to(ask)
            asked_at = clock.now()
        yield piece


def _opened(back: _Return, opened: Callable[[Actor], Download], ask: Ask) -> Iterator[bytes]:
    try:
        content, pieces = back.to(partial(_begun, opened), writes=True)
    except DamageFound as damage:
        back.record(damage)
        raise
    with content:
        yield from _checked(pieces, back, ask)


def _begun(opened: Callable[[Actor], Download], actor: Actor) -> tuple[Download, Iterator[bytes]]:
    content = opened(actor)
    try:
        pieces = content.read(0, content.size_bytes)
        content.tell()
        db.session.commit()
    except Exception:
        content.close()
        raise
    return content, pieces


def _recorded(pieces: Iterator[bytes], back: _Return) -> Iterator[bytes]:
    """The pieces. If they break off for a reason that is to be recorded, it is."""
    try:
        yield from pieces
    except RecordedRefusal as refusal:
        back.record(refusal)
        raise


def _batches(heading: str, back: _Return, read: Read[Mark]) -> Iterator[bytes]:
    yield heading.encode()
    text, mark = back.to(lambda actor: read(actor, None))
    while mark is not None:
        yield text.encode()
        text, mark = back.to(partial(_read_behind, read, mark))


def _read_behind(read: Read[Mark], mark: Mark, actor: Actor) -> tuple[str, Mark | None]:
    return read(actor, mark)
