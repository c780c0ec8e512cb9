"""Providers that did not answer: not asked again for a while, so that they cost little.

Each try would hold one of few slots for seconds. Every process remembers for itself, by tenant and
issuer; whatever else went wrong was an answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from portal.auth.sso.refusals import Reason, Unacceptable
from portal.core import clock
from portal.tenancy.binding import bound_tenant_id

FIRST, LONGEST = timedelta(seconds=10), timedelta(seconds=60)  # it doubles from try to try
MAX_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Outage:
    began_at: datetime
    lasts: timedelta

    def holds(self) -> bool:
        """Whether the provider is to be left alone. A clock that was put back ends it."""
        return timedelta() <= clock.now() - self.began_at < self.lasts


_outages: dict[tuple[UUID, str], _Outage] = {}
_lock = Lock()


@contextmanager
def asking(issuer: str) -> Iterator[None]:
    """Ask a provider in the block, and note whether it answers.

    Raises `Unacceptable` before the block if it did not answer just now.
    """
    name = (bound_tenant_id(), issuer)
    with _lock:
        outage = _outages.get(name)
    if outage is not None and outage.holds():
        raise Unacceptable(Reason.UNREACHABLE)
    try:
        yield
    except Unacceptable as error:
        if error.reason == Reason.UNREACHABLE:
            _note(name)
        raise
    forget(issuer)


def forget(issuer: str | None = None) -> None:
    """Ask the tenant's provider, or everybody's, whatever happened before."""
    with _lock:
        if issuer is None:
            _outages.clear()
        else:
            _outages.pop((bound_tenant_id(), issuer), None)


def _note(name: tuple[UUID, str]) -> None:
    with _lock:
        before = _outages.get(name)
        if before is not None and before.holds():
            return  # others found out at the same time: that is one outage, not several
        if len(_outages) >= MAX_KEPT:
            _outages.clear()
        lasts = min(2 * before.lasts, LONGEST) if before is not None else FIRST
        _outages[name] = _Outage(clock.now(), lasts)
