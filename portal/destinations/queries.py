"""A tenant's destinations as an officer sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.audit.tlog.tiles import count_leaves
from portal.core.errors import NotFound
from portal.destinations.models import LogDestination
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Shown:
    """A destination, and how many entries the log has by now."""

    destination: LogDestination
    log_size: int

    @property
    def behind(self) -> int:
        """How many entries it has still to acknowledge."""
        return max(0, self.log_size - self.destination.next_number)

    @property
    def is_failing(self) -> bool:
        """Whether the last that happened was a failure."""
        found = self.destination
        went = [at for at in (found.anchored_at, found.alerted_at, found.streamed_at) if at]
        return found.failed_at is not None and found.failed_at > max(went, default=found.created_at)


def list_destinations(actor: Actor) -> Sequence[Shown]:
    """All destinations, by name. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_EXPORT)
    found = db.session.scalars(select(LogDestination).order_by(LogDestination.name)).all()
    log_size = count_leaves()
    return [Shown(destination, log_size) for destination in found]


def get_destination(actor: Actor, destination_id: UUID) -> Shown:
    """One destination. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.AUDIT_EXPORT)
    return Shown(get_own(destination_id), count_leaves())


def get_own(destination_id: UUID) -> LogDestination:
    """One destination, for whoever was asked for it already. Raises `NotFound`."""
    found = db.session.get(LogDestination, (bound_tenant_id(), destination_id))
    if found is None:
        raise NotFound
    return found


def is_any_started() -> bool:
    """Whether the bound tenant sends its log anywhere at all."""
    started = select(LogDestination.id).where(LogDestination.is_started).limit(1)
    return db.session.scalar(started) is not None
