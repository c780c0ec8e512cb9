"""A search of the log that somebody keeps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned, within_tenant


class LogSearch(TenantOwned, Base):
    """What the page of the log is asked for, under a name. It gives nobody a right to ask it."""

    __tablename__ = "log_search"

    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[dict[str, Any]] = mapped_column(JSON)
    is_shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id", "name"),
    )
