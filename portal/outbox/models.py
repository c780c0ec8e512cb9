"""A piece of work that waits for the worker."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class Job(TenantOwned, Base):
    """Work of one kind. Its payload is sealed by whoever hands it in: it may hold secrets."""

    __tablename__ = "job"

    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime] = mapped_column(default=clock.now)
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(300))

    __table_args__ = (Index("ix_job_due_at", "tenant_id", "done_at", "due_at"),)
