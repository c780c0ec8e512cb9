"""What holds the root keys, outside the database and its backups."""

from typing import Protocol
from uuid import UUID

from portal.core.errors import Conflict, PortalError

SEED_LABEL = b"portal/seed/v1\0"


class KeyUnavailable(PortalError):
    """The tenant's keys can't be reached: the provider is away, or the key was destroyed.

    `reason` is for the operator and the log: what is wrong, and nothing secret.
    """

    status = 503
    message = "The encryption keys of this organisation are not available at the moment."

    def __init__(self, reason: str = "") -> None:
        super().__init__()
        self.reason = reason


class ProviderAway(KeyUnavailable):
    """The provider itself gives no answer, whichever key it is asked for."""


class KeyDamaged(PortalError):
    """What was sealed is changed, or not where it was sealed. It says no more on purpose."""

    status = 500
    message = "This can't be decrypted: it is damaged or was moved from another place."


class KeyNotOurs(Conflict):
    """The root key is the organisation's own, and not the portal's to destroy."""

    message = "This key is the organisation's own: only the organisation can destroy it."


class KeyProvider(Protocol):
    """Holds one root key a tenant and wraps the tenant's seeds with it.

    What is wrapped is bound to the tenant and to the seed's version. `unwrap` and `rewrap` raise
    `KeyDamaged` for anything that `wrap` did not make for the same two, and every method raises
    `KeyUnavailable` where the root key can't be used.
    """

    name: str  # kept in the row of each seed it wrapped
    own_key: str  # kept there too: the organisation's own key that it uses, "" for the portal's

    def create(self, tenant_id: UUID) -> None:
        """Make the tenant's root key. One that is there is left alone, never replaced."""

    def wrap(self, tenant_id: UUID, version: int, seed: bytes) -> bytes:
        """Encrypt a tenant's seed."""

    def unwrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        """Decrypt what `wrap` made."""

    def rewrap(self, tenant_id: UUID, version: int, wrapped: bytes) -> bytes:
        """Wrap anew what `wrap` made, under what is the newest of the root key by now."""

    def destroy(self, tenant_id: UUID) -> None:
        """Destroy the tenant's root key for good, and with it every copy of the tenant's data.

        One that is gone is no error. Raises `KeyNotOurs` for the organisation's own.
        """

    def health(self) -> None:
        """Raises `KeyUnavailable` where keys can't be used now."""


def seed_context(tenant_id: UUID, version: int) -> bytes:
    """What a wrapped seed is bound to, as bytes."""
    return SEED_LABEL + tenant_id.bytes + version.to_bytes(4, "big")
