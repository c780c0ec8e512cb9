"""The bound tenant: the one `ContextVar` that says for whom this code is running.

It is entered only by `acting_for`. No tenant is ever a default: where nothing is bound, `bound()`
raises and with it everything that would touch tenant data.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakSet

from portal.tenancy.errors import NoTenantBound


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """What the control database knows of a tenant, as read at one moment."""

    id: UUID
    slug: str
    name: str
    state: str
    placement: str


class Binding:
    """One unit of work for one tenant: what was opened under it is closed when it ends."""

    def __init__(self, tenant: TenantRecord, *, writes: bool) -> None:
        self.tenant = tenant
        self.writes = writes
        self.is_closed = False
        self.has_session = False
        self.cursors: WeakSet[Any] = WeakSet()
        self._at_end: list[Callable[[], None]] = []

    def at_end(self, action: Callable[[], None]) -> None:
        """Have `action` called when the unit of work ends, while it is still bound."""
        self._at_end.append(action)

    def close(self) -> None:
        """End the unit of work: whatever cursor is still open first, then sessions."""
        try:
            for cursor in list(self.cursors):
                cursor.close()
            while self._at_end:
                self._at_end.pop()()
        finally:
            self.is_closed = True


_bound: ContextVar[Binding | None] = ContextVar("bound_tenant", default=None)


def find_binding() -> Binding | None:
    """The present unit of work, or None."""
    binding = _bound.get()
    return None if binding is None or binding.is_closed else binding


def bound() -> Binding:
    """The present unit of work. Raises `NoTenantBound` where there is none."""
    binding = _bound.get()
    if binding is None or binding.is_closed:
        raise NoTenantBound("no tenant is bound here")
    return binding


def bound_tenant_id() -> UUID:
    """The id of the tenant that is bound. Raises `NoTenantBound` where there is none."""
    return bound().tenant.id


def end_unit_of_work() -> None:
    """Close the present unit of work, if there still is one, wherever its block has got to."""
    binding = find_binding()
    if binding is not None:
        binding.close()


@contextmanager
def acting_for(tenant: TenantRecord, *, writes: bool = False) -> Iterator[Binding]:
    """Bind `tenant` for the block.

    Entering the tenant that is bound already joins the same unit of work; entering another one
    opens a unit of its own, with sessions of its own. `writes` says that the unit is going to
    write, so that SQLite takes its write lock at the start and never has to upgrade a read.

    Blocks that are left out of order (two interleaved generators, say) leave nobody bound: a
    closed unit of work counts as none, wherever the variable still points at it.
    """
    outer = find_binding()
    if outer is not None and outer.tenant.id == tenant.id:
        outer.writes = outer.writes or writes
        yield outer
        return
    binding = Binding(tenant, writes=writes)
    _bound.set(binding)
    try:
        yield binding
    finally:
        try:
            binding.close()
        finally:
            if _bound.get() is binding:
                _bound.set(outer)
