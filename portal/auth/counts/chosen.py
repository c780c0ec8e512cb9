"""The store of counts that the settings name."""

from functools import cache

from portal.auth.counts.database import DatabaseAttempts
from portal.auth.counts.store import AttemptStore
from portal.core.setting_rules import IN_MEMORY
from portal.core.settings import active


def attempt_store() -> AttemptStore:
    """Valkey where one is configured, else the tenant's database."""
    storage = active().limits_storage
    return DatabaseAttempts() if storage == IN_MEMORY else _shared(storage)


@cache
def _shared(address: str) -> AttemptStore:
    """One a process, for its connections."""
    from portal.auth.counts.valkey import ValkeyAttempts  # noqa: PLC0415  # an extra of the package

    return ValkeyAttempts(address, DatabaseAttempts())
