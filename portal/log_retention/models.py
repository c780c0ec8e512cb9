"""How long a tenant's audit log is kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class LogPolicy(TenantOwned, Base):
    """After how many days entries may go; None, or no row: never. Its id is the tenant's own."""

    __tablename__ = "log_policy"

    keep_days: Mapped[int | None]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]
