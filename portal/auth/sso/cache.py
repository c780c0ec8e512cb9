"""What providers said lately, so that they are not asked for it at each sign-in."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from portal.auth.sso import outages
from portal.tenancy.binding import bound_tenant_id

KEPT_SECONDS = 300
REFETCH_SECONDS = 30  # unknown keys cost a provider no more than one request in this time
MAX_KEPT = 1000


@dataclass(slots=True)
class _Kept:
    value: Any
    until: float
    refetched_at: float = float("-inf")


_kept: dict[tuple[UUID, str, str], _Kept] = {}
_lock = Lock()


def keep(kind: str, issuer: str, fetch: Callable[[], Any]) -> Any:
    """What `fetch` gives, or gave some minutes ago. Raises what it raises, and `Unacceptable`."""
    name, now = (bound_tenant_id(), issuer, kind), monotonic()
    with _lock:
        kept = _kept.get(name)
    if kept is not None and kept.until > now:
        return kept.value
    with outages.asking(issuer):
        value = fetch()
    with _lock:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        refetched_at = kept.refetched_at if kept else float("-inf")
        _kept[name] = _Kept(value, monotonic() + KEPT_SECONDS, refetched_at)
    return value


def may_refetch(kind: str, issuer: str) -> bool:
    """Whether it may be fetched anew before its time; then what is kept is old."""
    now = monotonic()
    with _lock:
        kept = _kept.get((bound_tenant_id(), issuer, kind))
        if kept is None or now - kept.refetched_at < REFETCH_SECONDS:
            return False
        kept.refetched_at, kept.until = now, now
        return True


def forget(issuer: str | None = None) -> None:
    """Have everything of the tenant's provider, or of everybody's, fetched anew."""
    outages.forget(issuer)
    with _lock:
        if issuer is None:
            _kept.clear()
        else:
            for name in [n for n in _kept if n[:2] == (bound_tenant_id(), issuer)]:
                del _kept[name]
