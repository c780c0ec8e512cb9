"""What somebody may take out of the audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class LogExport(TenantOwned, Base):
    """A part of the log that one person may download until it expires.

    It holds the entries that match up to `last_entry_id`, so that it stays the same export however
    often it is downloaded.
    """

    __tablename__ = "log_export"

    asked_by: Mapped[UUID]
    filters: Mapped[Any] = mapped_column(JSON)
    form: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(500))
    last_entry_id: Mapped[UUID]
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_log_export_asked_by", "tenant_id", "asked_by", "made_at"),)
