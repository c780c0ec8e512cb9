"""A tenant's key-encryption keys (KEK): unlocked through the provider, kept for a few minutes.

KEK_r = HKDF-SHA512(seed r, "portal/kek/v1" NUL ‖ tenant ‖ u32(r)), so a seed that were unwrapped
for another tenant or version would still give a key that opens nothing.
"""

import time
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from portal.core.errors import Misconfigured
from portal.keys import queries
from portal.keys.chosen import Providers
from portal.keys.providers import KeyDamaged, KeyProvider, KeyUnavailable
from portal.keys.queries import WrappedSeed
from portal.tenancy.binding import bound_tenant_id

KEY_BYTES = 32
KEK_LABEL = b"portal/kek/v1\0"
TTL_SECONDS = 300.0  # how long a destroyed or rotated key may still work in another process


@dataclass(frozen=True, slots=True)
class TenantKek:
    """One version of a tenant's KEK, with what was derived from it while it is kept."""

    tenant_id: UUID
    version: int
    secret: bytes = field(repr=False)
    # (table, column) -> its cipher and the fixed part of its associated data; see `columns`
    column_ciphers: dict[tuple[str, str], tuple[AESGCM, bytes]] = field(
        default_factory=dict, repr=False, compare=False
    )


def derive_key(secret: bytes, info: bytes) -> bytes:
    """A 32-byte key for the one use that `info` names (HKDF of RFC 5869, SHA-512, no salt)."""
    return HKDF(algorithm=SHA512(), length=KEY_BYTES, salt=None, info=info).derive(secret)


class KekCache:
    """The unlocked keys of this process, by tenant and version; version None is the newest."""

    def __init__(self, ttl_seconds: float) -> None:
        self._ttl_seconds = ttl_seconds
        self._lock = Lock()
        self._kept: dict[tuple[UUID, int | None], tuple[float, TenantKek]] = {}
        self.purges = 0

    def find(self, tenant_id: UUID, version: int | None) -> TenantKek | None:
        """The key, unless its time is over. One look-up in a dict, which needs no lock."""
        kept = self._kept.get((tenant_id, version))
        return None if kept is None or kept[0] < time.monotonic() else kept[1]

    def keep(self, version: int | None, kek: TenantKek, *, purges: int) -> None:
        """Keep a key that was unlocked after so many purges; a later purge wins over it."""
        now = time.monotonic()
        with self._lock:
            if purges == self.purges:
                self._kept = {at: kept for at, kept in self._kept.items() if kept[0] >= now}
                for slot in {version, kek.version}:
                    self._kept[kek.tenant_id, slot] = (now + self._ttl_seconds, kek)

    def purge(self, tenant_id: UUID | None) -> None:
        """Forget one tenant's keys, or all."""
        with self._lock:
            self.purges += 1
            others = {} if tenant_id is None else self._kept
            self._kept = {at: kept for at, kept in others.items() if at[0] != tenant_id}


_cache = KekCache(TTL_SECONDS)
_providers: Providers | None = None


def configure(providers: Providers) -> None:
    """Make these the providers of this process. `create_app` and the command line call it once."""
    global _providers  # noqa: PLW0603  # a process has one installation's root keys
    _providers = providers
    _cache.purge(None)


def providers() -> Providers:
    """The providers of this process."""
    if _providers is None:
        raise Misconfigured("No key provider is configured.")
    return _providers


def provider_of(seed: WrappedSeed) -> KeyProvider:
    """The provider that wrapped a seed. Raises as `provider_named`."""
    return provider_named(seed.provider, seed.own_key)


def provider_named(name: str, own_key: str = "") -> KeyProvider:
    """The provider of that name. Raises `KeyUnavailable` where the installation has it no more."""
    chosen = providers()
    try:
        return chosen.get(name, own_key)
    except Misconfigured as error:
        raise KeyUnavailable(f"{name}: {error}") from error


def current_key() -> TenantKek:
    """The bound tenant's newest KEK, for whatever is sealed now.

    Raises `KeyUnavailable` where the tenant has none or the provider can't unwrap it.
    """
    return _cache.find(bound_tenant_id(), None) or _unlock(None)


def key_of(version: int) -> TenantKek:
    """The bound tenant's KEK of that version. Raises `KeyDamaged` where there was never one."""
    return _cache.find(bound_tenant_id(), version) or _unlock(version)


def purge(tenant_id: UUID | None = None) -> None:
    """Forget the unlocked keys of one tenant, or of all, in this process."""
    _cache.purge(tenant_id)


def _unlock(version: int | None) -> TenantKek:
    """Not under a lock: two threads may both do the work, neither waits for a slow provider."""
    tenant_id = bound_tenant_id()
    purges = _cache.purges
    found = queries.find_wrapped_seed(version)
    if found is None:
        raise KeyUnavailable if version is None else KeyDamaged
    seed = provider_of(found).unwrap(tenant_id, found.version, found.wrapped)
    if len(seed) != KEY_BYTES:
        raise KeyDamaged
    info = KEK_LABEL + tenant_id.bytes + found.version.to_bytes(4, "big")
    kek = TenantKek(tenant_id, found.version, derive_key(seed, info))
    _cache.keep(version, kek, purges=purges)
    return kek
