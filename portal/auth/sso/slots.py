"""Slots for those who wait for a provider: few, so that a slow one takes few threads.

Half of the threads may wait for providers, and half of those for the providers of one tenant: the
others go on serving everybody, and no tenant's provider can hold up the sign-in of another's.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Condition
from uuid import UUID

from portal.auth.sso.refusals import Reason, Unacceptable
from portal.core.settings import active
from portal.tenancy.binding import bound_tenant_id

WAIT_SECONDS = 1  # for a slot to become free


@contextmanager
def slot() -> Iterator[None]:
    """Hold a slot for the block. Raises `Unacceptable` if none becomes free soon."""
    tenant_id = bound_tenant_id()
    _slots().take(tenant_id)
    try:
        yield
    finally:
        _slots().give_back(tenant_id)


class Slots:
    """So many altogether, and half of them at most for one tenant."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: Counter[UUID] = Counter()
        self._changed = Condition()

    def take(self, tenant_id: UUID, *, wait_seconds: float = WAIT_SECONDS) -> None:
        """Raises `Unacceptable` if none becomes free soon."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_free_for(tenant_id), wait_seconds):
                raise Unacceptable(Reason.BUSY)
            self._taken[tenant_id] += 1

    def give_back(self, tenant_id: UUID) -> None:
        """Let another have it."""
        with self._changed:
            self._taken -= Counter({tenant_id: 1})
            self._changed.notify_all()

    def _is_free_for(self, tenant_id: UUID) -> bool:
        own = max(1, self._count // 2)
        return self._taken.total() < self._count and self._taken[tenant_id] < own


@cache
def _slots() -> Slots:
    return Slots(max(1, active().threads // 2))
