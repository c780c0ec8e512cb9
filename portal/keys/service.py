"""Making a tenant's keys."""

import secrets

from portal.keys import hierarchy
from portal.keys.models import TenantKey
from portal.keys.providers import KeyProvider
from portal.tenancy.binding import bound, bound_tenant_id
from portal.tenancy.session import db


def create_tenant_key(provider: KeyProvider) -> TenantKey:
    """Give the bound tenant its root key at `provider` and its first seed.

    The root key comes first and the row after it: a run that is cut off leaves a root key that
    the next one uses. What the unit of work unlocks is forgotten at its end: were the row rolled
    back, nothing may be sealed any more under a seed that nobody has.
    """
    unit = bound()
    tenant_id = unit.tenant.id
    hierarchy.purge(tenant_id)
    unit.at_end(lambda: hierarchy.purge(tenant_id))
    provider.create(tenant_id)
    return add_seed(provider, 1)


def add_seed(provider: KeyProvider, version: int) -> TenantKey:
    """Give the bound tenant another seed, wrapped by its root key at `provider`."""
    seed = secrets.token_bytes(hierarchy.KEY_BYTES)
    wrapped = provider.wrap(bound_tenant_id(), version, seed)
    key = TenantKey(version=version, wrapped_seed=wrapped, provider=provider.name)
    db.session.add(key)
    db.session.flush()  # keys are read without a flush, and this unit may already seal with it
    return key
