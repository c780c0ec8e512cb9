"""Making a tenant's keys."""

import secrets

from sqlalchemy import select

from portal.core.errors import Conflict
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
    """Give the bound tenant another seed, wrapped by its root key at `provider`.

    The provider is asked before the transaction begins to hold anything. Raises `Conflict` where
    the tenant went to another provider meanwhile.
    """
    seed = secrets.token_bytes(hierarchy.KEY_BYTES)
    wrapped = provider.wrap(bound_tenant_id(), version, seed)
    _check_stays_at(provider)
    key = TenantKey(
        version=version,
        wrapped_seed=wrapped,
        provider=provider.name,
        own_key=provider.own_key,
    )
    db.session.add(key)
    db.session.flush()  # keys are read without a flush, and this unit may already seal with it
    return key


def _check_stays_at(provider: KeyProvider) -> None:
    """Hold the tenant at its provider until the end of the transaction: see `moving`.

    A seed that is wrapped where the tenant just left would be lost with the root key there.
    """
    held = select(TenantKey.provider, TenantKey.own_key).with_for_update()
    for place in db.session.execute(held):
        if tuple(place) != (provider.name, provider.own_key):
            raise Conflict("The organisation's keys are moved to another provider. Try again.")
