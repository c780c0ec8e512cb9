"""Whether the providers that tenants need are there when the portal starts."""

from collections.abc import Mapping, Sequence

import structlog

from portal.core.errors import Misconfigured
from portal.keys import hierarchy
from portal.keys.queries import list_wrapped_seeds
from portal.tenancy.binding import TenantRecord, acting_for

log = structlog.get_logger()


def check_providers(tenants: Sequence[TenantRecord]) -> Mapping[str, str]:
    """What is wrong with the default provider and with each that a tenant's row names, by name.

    One that is away is told of in the log and stops nothing: other tenants need not wait for it.
    Raises `Misconfigured` where the settings lack one.
    """
    chosen = hierarchy.providers()
    for tenant in tenants:
        for name in _named_by(tenant):
            try:
                chosen.get(name)
            except Misconfigured as error:
                raise Misconfigured(f"{tenant.slug}'s keys are at {name}. {error}") from None
    faults = {name: fault for name, fault in chosen.health().items() if fault}
    for name, fault in faults.items():
        log.warning("key provider can't be used", provider=name, reason=fault)
    return faults


def check_default(tenants: Sequence[TenantRecord]) -> None:
    """Check all, and raise `Misconfigured` where the default is the one that can't be used.

    For when somebody stands there: settings are then rather wrong than the provider away.
    """
    default = hierarchy.providers().default.name
    fault = check_providers(tenants).get(default)
    if fault:
        raise Misconfigured(f"The key provider {default} can't be used: {fault}.")


def _named_by(tenant: TenantRecord) -> set[str]:
    with acting_for(tenant):
        return {seed.provider for seed in list_wrapped_seeds()}
