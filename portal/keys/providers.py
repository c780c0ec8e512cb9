"""What holds the root keys, outside the database and its backups."""

from typing import Protocol
from uuid import UUID

from portal.core.errors import PortalError


class KeyUnavailable(PortalError):
    """The tenant's keys can't be reached: the provider is away, or the key was destroyed."""

    status = 503
    message = "The encryption keys of this organisation are not available at the moment."


class KeyDamaged(PortalError):
    """What was sealed is changed, or not where it was sealed. It says no more on purpose."""

    status = 500
    message = "This can't be decrypted: it is damaged or was moved from another place."


class KeyProvider(Protocol):
    """Holds one root key a tenant and wraps the tenant's seeds with it.

    What is wrapped is bound to the tenant and to the seed's version. `unwrap` raises `KeyDamaged`
    for anything that `wrap` did not make for the same two, and every method raises
    `KeyUnavailable` where the root key can't be used.
    """

    name: str  # kept in the row of each seed it wrapped

    def create(self, tenant_id: UUID) -> None:
        """Make the tenant's root key. One that is there is left alone, never replaced."""

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        """Encrypt a tenant's seed."""

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        """Decrypt what `wrap` made."""

    def destroy(self, tenant_id: UUID) -> None:
        """Destroy the tenant's root key for good, and with it every copy of the tenant's data."""

    def health(self) -> None:
        """Raises `KeyUnavailable` where keys can't be used now."""
