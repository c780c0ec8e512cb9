"""How much room documents take, as people and admins are shown it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.documents.models import StorageUse
from portal.documents.policy import get_rules
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User

LARGEST = 10  # people that an admin is shown


@dataclass(frozen=True, slots=True)
class Usage:
    """How much is taken, and how much may be; None: no limit."""

    used_bytes: int
    limit_bytes: int | None


def find_usage(user_id: UUID) -> Usage:
    """How much a person's uploads take."""
    return Usage(_read(user_id), get_rules().person_limit_bytes)


def find_tenant_usage() -> Usage:
    """How much everything takes."""
    return Usage(_read(bound_tenant_id()), get_rules().tenant_limit_bytes)


def list_largest(actor: Actor) -> Sequence[tuple[str, int]]:
    """The people whose uploads take most, by name, with how much. Raises `Forbidden`."""
    require(actor, Permission.POLICY_READ)
    found = (
        select(User.name, StorageUse.held_bytes)
        .join(User, User.id == StorageUse.id)
        .where(StorageUse.held_bytes > 0)
        .order_by(StorageUse.held_bytes.desc(), User.id)
        .limit(LARGEST)
    )
    return [(name, held_bytes) for name, held_bytes in db.session.execute(found)]


def _read(counter: UUID) -> int:
    found = select(StorageUse.held_bytes).where(StorageUse.id == counter)
    return db.session.scalars(found).one_or_none() or 0
