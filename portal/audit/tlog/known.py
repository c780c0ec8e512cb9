"""What the main database remembers of the tenants' logs, where no tenant's rows are restored, cut
or lost with it: the newest checkpoint of each.
"""

from uuid import UUID

from sqlalchemy import insert, select

from portal.audit.tlog.models import KnownCheckpoint
from portal.audit.tlog.notes import Checkpoint
from portal.core import clock
from portal.core.ids import new_id
from portal.tenancy.session import db


def find_known(tenant_id: UUID) -> Checkpoint | None:
    """The newest checkpoint that a tenant's log is known to have had."""
    found = (
        select(KnownCheckpoint.origin, KnownCheckpoint.size, KnownCheckpoint.root)
        .where(KnownCheckpoint.tenant_id == tenant_id)
        .order_by(KnownCheckpoint.id.desc())
        .limit(1)
    )
    with db.engine.connect() as connection:
        row = connection.execute(found).one_or_none()
    return None if row is None else Checkpoint(*row)


def remember(tenant_id: UUID, checkpoint: Checkpoint) -> None:
    """Note a checkpoint that is committed where the tenant's rows are; durable at once."""
    values = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root}
    made = {"id": new_id(), "tenant_id": tenant_id, "noted_at": clock.now()}
    with db.engine.begin() as connection:
        connection.execute(insert(KnownCheckpoint).values(**made, **values))
