"""What providers said lately, so that they are not asked for it at each sign-in."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any
from uuid import UUID

from portal.auth.sso import outages
from portal.tenancy.binding import bound_tenant_id

CACHED_SECONDS = 300
REFETCH_SECONDS = 30  # unknown keys cost a provider no more than one request in this time
MAX_CACHED = 1000


@dataclass(slots=True)
class _Cached:
    value: Any
    until: float
    refetched_at: float = float("-inf")


_cache: dict[tuple[UUID, str, str], _Cached] = {}
_lock = Lock()


def cached(kind: str, issuer: str, fetch: Callable[[], Any]) -> Any:
    """What `fetch` gives, or gave some minutes ago. Raises what it raises, and `Unacceptable`."""
    name, now = (bound_tenant_id(), issuer, kind), monotonic()
    with _lock:
        found = _cache.get(name)
    if found is not None and found.until > now:
        return found.value
    with outages.asking(issuer):
        value = fetch()
    with _lock:
        if len(_cache) >= MAX_CACHED:
            _cache.clear()
        refetched_at = found.refetched_at if found else float("-inf")
        _cache[name] = _Cached(value, monotonic() + CACHED_SECONDS, refetched_at)
    return value


def may_refetch(kind: str, issuer: str) -> bool:
    """Whether it may be fetched anew before its time; then what is cached is outdated."""
    now = monotonic()
    with _lock:
        found = _cache.get((bound_tenant_id(), issuer, kind))
        if found is None or now - found.refetched_at < REFETCH_SECONDS:
            return False
        found.refetched_at, found.until = now, now
        return True


def forget(issuer: str | None = None) -> None:
    """Have everything of the tenant's provider, or of everybody's, fetched anew."""
    outages.forget(issuer)
    with _lock:
        if issuer is None:
            _cache.clear()
        else:
            for name in [n for n in _cache if n[:2] == (bound_tenant_id(), issuer)]:
                del _cache[name]
