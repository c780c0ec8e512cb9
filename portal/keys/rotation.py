"""A tenant's next seed, and the end of those before it.

A process may go on sealing under the seed before for as long as it keeps KEKs
(`hierarchy.TTL_SECONDS`), and a transaction may bring what it sealed later still. So a seed is not
destroyed when nothing refers to it, but when that was noted `KEPT_FOR` ago, is true again in the
transaction that destroys it, and no transaction is open that is old enough to know it.
"""

from datetime import timedelta

from sqlalchemy import delete

from portal.audit.actions import Action
from portal.audit.actor import SYSTEM, Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict
from portal.keys import hierarchy
from portal.keys.models import TenantKey
from portal.keys.providers import KeyUnavailable
from portal.keys.queries import find_wrapped_seed, list_tenant_keys
from portal.keys.rewrapping import count_references
from portal.keys.service import add_seed
from portal.tenancy.binding import bound
from portal.tenancy.postgres import has_transaction_older_than
from portal.tenancy.session import change, db, release

KEPT_FOR = timedelta(minutes=15)
MOST_SEEDS = 8
OLDEST_TRANSACTION = KEPT_FOR - timedelta(seconds=hierarchy.TTL_SECONDS)


class Unfinished(Conflict):
    """Nobody makes seeds faster than they can be done with."""

    message = "Earlier rotations have yet to be finished. The portal goes on with them by itself."


def rotate_key(actor: Actor) -> TenantKey:
    """Seal with another seed from now on; this process does at once, the others within minutes.

    Of two at the same time the database refuses one. Raises `KeyUnavailable` or `Unfinished`.
    """
    newest, unit = find_wrapped_seed(), bound()
    if newest is None:
        raise KeyUnavailable
    if len(list_tenant_keys()) >= MOST_SEEDS:
        raise Unfinished
    release()  # the provider may be slow
    key = add_seed(hierarchy.provider_of(newest), newest.version + 1)
    hierarchy.purge(unit.tenant.id)
    unit.at_end(lambda: hierarchy.purge(unit.tenant.id))  # rolled back, nobody would have it
    record(actor, Action.KEY_ROTATED, _target(key), version=key.version)
    return key


def retire_seeds() -> list[TenantKey]:
    """Destroy the seeds whose time has come; gives the earlier ones that there still are."""
    earlier = list_tenant_keys()[1:]
    if not earlier:
        return []
    used, now = count_references(), clock.now()
    is_too_early = has_transaction_older_than(db.session.connection(), OLDEST_TRANSACTION)
    kept = []
    for key in earlier:
        if key.version in used:
            key.unused_since = None
        elif key.unused_since is None:
            key.unused_since = now
        elif key.unused_since + KEPT_FOR <= now and not is_too_early:
            _destroy(key)
            continue
        kept.append(key)
    return kept


def _destroy(key: TenantKey) -> None:
    """Of two that do it at once one tells of it."""
    is_gone = change(
        delete(TenantKey)
        .where(TenantKey.id == key.id, TenantKey.unused_since == key.unused_since)
        .execution_options(synchronize_session=False)
    )
    if is_gone:
        hierarchy.purge(bound().tenant.id)
        record(SYSTEM, Action.KEY_VERSION_DESTROYED, _target(key), version=key.version)


def _target(key: TenantKey) -> str:
    return f"tenant-key:{key.version}"
