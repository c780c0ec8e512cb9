"""What people of an organisation can see of its keys, and do with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import list_latest
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.keys import policy, rotation, signing
from portal.keys.cells import list_wrapped_keys
from portal.keys.models import TenantKey
from portal.keys.queries import list_signing_keys, list_tenant_keys
from portal.keys.rewrapping import count_references
from portal.users.queries import names_of

TOLD_OF_KEYS = (
    Action.KEY_POLICY_CHANGED,
    Action.KEY_REWRAPPED,
    Action.KEY_ROTATED,
    Action.KEY_VERSION_DESTROYED,
    Action.SIGNING_KEY_MADE,
)
ENTRIES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """One version of the encryption key, and how much lies under it."""

    version: int
    provider: str
    created_at: datetime
    data_keys: int
    values: int  # names and secrets


@dataclass(frozen=True, slots=True)
class ShownSigningKey:
    """A key pair that the organisation signs with, or did."""

    id: UUID
    public_key: str
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownKeys:
    """All that the page of keys tells."""

    versions: Sequence[ShownVersion]
    rotation_days: int | None
    next_rotation_at: datetime | None
    signing_keys: Sequence[ShownSigningKey]
    entries: Sequence[AuditEntry]
    people: Mapping[UUID, str]


def show_keys(actor: Actor) -> ShownKeys:
    """The organisation's keys. Raises `Forbidden`."""
    require(actor, Permission.KEY_READ)
    references = count_references()
    entries = list_latest(TOLD_OF_KEYS, ENTRIES_SHOWN)
    return ShownKeys(
        versions=[_shown(key, references.get(key.version, {})) for key in list_tenant_keys()],
        rotation_days=policy.rotation_days(),
        next_rotation_at=policy.next_rotation_at(),
        signing_keys=[
            ShownSigningKey(key.id, signing.pem_of(key.public_key), key.created_at, key.retired_at)
            for key in list_signing_keys()
        ],
        entries=entries,
        people=names_of({entry.actor_id for entry in entries if entry.actor_id}),
    )


def rotate_now(actor: Actor) -> None:
    """Have everything sealed under a new key. The worker seals anew what there is.

    Raises `Forbidden`, `StepUpNeeded` or `KeyUnavailable`.
    """
    _require_care(actor)
    rotation.rotate_key(actor)


def rotate_signing_key(actor: Actor) -> None:
    """Sign with another key from now on. Raises `Forbidden` or `StepUpNeeded`."""
    _require_care(actor)
    signing.rotate_signing_key(actor)


def choose_rotation(actor: Actor, days: int | None) -> None:
    """Have the key rotate every so many days. Raises `Forbidden`, `StepUpNeeded` or `Invalid`."""
    _require_care(actor)
    policy.choose_rotation(actor, days)


def _shown(key: TenantKey, references: Mapping[str, int]) -> ShownVersion:
    wrapped = {f"{at.table}.{at.wrapped}" for at in list_wrapped_keys()}
    data_keys = sum(count for name, count in references.items() if name in wrapped)
    values = sum(references.values()) - data_keys
    return ShownVersion(key.version, key.provider, key.created_at, data_keys, values)


def _require_care(actor: Actor) -> None:
    require(actor, Permission.KEY_ROTATE)
    require_fresh(actor, Act.KEYS)
