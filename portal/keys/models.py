"""A tenant's seeds, wrapped by the provider."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class TenantKey(TenantOwned, Base):
    """One version of a tenant's seed. The newest is used for what is new, all for reading."""

    __tablename__ = "tenant_key"

    version: Mapped[int]
    wrapped_seed: Mapped[bytes] = mapped_column(LargeBinary)
    provider: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (UniqueConstraint("tenant_id", "version"),)
