"""A tenant's seeds moved to another provider, while the tenant works.

Its KEKs stay what they are, so nothing that is sealed has to change, and a process that has one
unlocked notices nothing. First every seed is wrapped anew and tried where it shall be, then all
rows change in one transaction, in which they are tried again: what `target` holds may have been
destroyed meanwhile, as something that is left. A run that is cut off before has changed nothing,
and one after only leaves the root key that is needed no more: `list_left` finds it, wherever it is.
"""

from collections.abc import Sequence
from hmac import compare_digest

from sqlalchemy import select, update

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict
from portal.keys import hierarchy
from portal.keys.models import TenantKey
from portal.keys.providers import KeyDamaged, KeyProvider, KeyUnavailable, ProviderAway
from portal.keys.queries import WrappedSeed, list_wrapped_seeds
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db, release

PROBE = b"portal/probe"


def move_seeds(actor: Actor, target: KeyProvider) -> Sequence[WrappedSeed]:
    """Have `target` wrap every seed of the bound tenant; gives those that were elsewhere.

    Raises `Conflict` where the tenant's keys rotate at the same time: then begin again.
    """
    elsewhere = [seed for seed in list_wrapped_seeds() if not _is_at(seed, target)]
    if elsewhere:
        release()  # providers may be slow
        target.create(bound_tenant_id())
        _switch([(seed, _wrap_anew(seed, target)) for seed in elsewhere], target)
        sources = sorted({_place(seed.provider, seed.own_key) for seed in elsewhere})
        record(
            actor,
            Action.KEYS_MOVED,
            f"tenant:{bound_tenant_id()}",
            sources=sources,
            to=_place(target.name, target.own_key),
            versions=[seed.version for seed in elsewhere],
        )
    return elsewhere


def list_left() -> Sequence[KeyProvider]:
    """The providers that hold a root key of the bound tenant which none of its seeds needs.

    Raises `ProviderAway` where one can't say. Keys of the organisation's own are not the portal's.
    """
    used = {(seed.provider, seed.own_key) for seed in list_wrapped_seeds()}
    release()
    return [
        provider
        for provider in hierarchy.providers().possible()
        if (provider.name, "") not in used and _holds_key(provider)
    ]


def find_holders() -> tuple[Sequence[str], Sequence[str]]:
    """The providers that hold a root key of the bound tenant, be it needed or left; and those that
    give no answer. By their names.
    """
    release()
    holding, silent = [], []
    for provider in hierarchy.providers().possible():
        try:
            if _holds_key(provider):
                holding.append(provider.name)
        except ProviderAway:
            silent.append(provider.name)
    return holding, silent


def tell_of_end(actor: Actor, provider: KeyProvider) -> None:
    """Have the log tell of what `destroy_left` does, once this is committed. Raises `Conflict`."""
    _require_left(provider)
    tenant = f"tenant:{bound_tenant_id()}"
    record(actor, Action.ROOT_KEY_DESTROYED, tenant, provider=provider.name)


def destroy_left(provider: KeyProvider) -> None:
    """Destroy the bound tenant's root key at a provider that it has left. Raises `Conflict`.

    No provider takes it back, so `tell_of_end` comes first: a key that is gone must not lack its
    entry, whatever happens in between.
    """
    _require_left(provider)
    provider.destroy(bound_tenant_id())


def _require_left(provider: KeyProvider) -> None:
    """Raises `Conflict` unless every seed is unwrapped where it is now, and that is elsewhere.

    Both are looked at under the rows' lock, which also keeps a rotation from wrapping another seed
    there. So this transaction is open while providers are asked, as no other is.
    """
    db.session.execute(select(TenantKey.id).with_for_update())
    for seed in list_wrapped_seeds():
        if _is_at(seed, provider):
            raise Conflict(f"Version {seed.version} is still wrapped by {provider.name}.")
        _unwrap(seed)


def _wrap_anew(seed: WrappedSeed, target: KeyProvider) -> bytes:
    plain = _unwrap(seed)
    wrapped = target.wrap(bound_tenant_id(), seed.version, plain)
    if not compare_digest(target.unwrap(bound_tenant_id(), seed.version, wrapped), plain):
        raise KeyDamaged
    return wrapped


def _unwrap(seed: WrappedSeed) -> bytes:
    provider = hierarchy.provider_of(seed)
    return provider.unwrap(bound_tenant_id(), seed.version, seed.wrapped)


def _switch(anew: Sequence[tuple[WrappedSeed, bytes]], target: KeyProvider) -> None:
    """All rows or none; a seed that came or went meanwhile is somebody else's rotation.

    Whoever destroys what is left waits for the rows' lock, or had it before: so every seed is
    unwrapped once more while they are locked.
    """
    for seed, wrapped in anew:
        is_unchanged = change(
            update(TenantKey)
            .where(TenantKey.version == seed.version, TenantKey.wrapped_seed == seed.wrapped)
            .values(wrapped_seed=wrapped, provider=target.name, own_key=target.own_key)
            .execution_options(synchronize_session=False)
        )
        if not is_unchanged:
            raise Conflict("The organisation's keys changed meanwhile. Run it again.")
    for seed in list_wrapped_seeds():
        if not _is_at(seed, target):
            raise Conflict("The organisation's keys rotated meanwhile. Run it again.")
        _unwrap(seed)


def _holds_key(provider: KeyProvider) -> bool:
    """Whether the tenant has a root key there: one that wraps is there."""
    try:
        provider.wrap(bound_tenant_id(), 0, PROBE)
    except ProviderAway:
        raise
    except KeyUnavailable:
        return False
    return True


def _is_at(seed: WrappedSeed, provider: KeyProvider) -> bool:
    return (seed.provider, seed.own_key) == (provider.name, provider.own_key)


def _place(provider: str, own_key: str) -> str:
    return f"{provider} {own_key}".rstrip()
