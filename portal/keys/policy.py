"""How often a tenant's key rotates: its own choice, held to the installation's floor."""

from datetime import datetime, timedelta

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Invalid
from portal.core.settings import active
from portal.keys.models import KeyPolicy
from portal.keys.queries import list_tenant_keys
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

DEFAULT_DAYS = 365
MIN_DAYS, MAX_DAYS = 30, 3650


def rotation_days() -> int | None:
    """So often the bound tenant's key rotates by itself; None: it does not."""
    chosen = _find_policy()
    days = chosen.rotate_every_days if chosen else DEFAULT_DAYS
    floor = active().key_rotation_days
    return min(days or MAX_DAYS, floor) if floor else days


def next_rotation_at() -> datetime | None:
    """When the key rotates by itself; None: it does not, or there is none."""
    days, keys = rotation_days(), list_tenant_keys()
    return keys[0].created_at + timedelta(days=days) if days and keys else None


def is_rotation_due() -> bool:
    """Whether the newest key has come to the age at which it rotates."""
    due_at = next_rotation_at()
    return due_at is not None and due_at <= clock.now()


def choose_rotation(actor: Actor, days: int | None) -> None:
    """Have the key rotate so often from now on, or never by itself. Raises `Invalid`."""
    floor = active().key_rotation_days
    most = floor or MAX_DAYS
    if days is None and floor:
        raise Invalid(f"This installation rotates every key, at least every {floor} days.")
    if days is not None and not min(MIN_DAYS, most) <= days <= most:
        raise Invalid(f"Enter a number of days from {min(MIN_DAYS, most)} to {most}.")
    before, policy = rotation_days(), _find_policy()
    if policy is None:
        policy = KeyPolicy(id=bound_tenant_id())
        db.session.add(policy)
    policy.rotate_every_days = days
    policy.changed_at, policy.changed_by = clock.now(), actor.user_id
    record(actor, Action.KEY_POLICY_CHANGED, "policy", before=before, after=days)


def _find_policy() -> KeyPolicy | None:
    tenant_id = bound_tenant_id()
    return db.session.get(KeyPolicy, (tenant_id, tenant_id))
