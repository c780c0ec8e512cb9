"""That an organisation is to close."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned, unique_within_tenant

LIVE = "withdrawn_at IS NULL"


class Closing(TenantOwned, Base):
    """One attempt. It is begun when it is agreed to; nobody asked by name: it was the operator."""

    __tablename__ = "organisation_closing"

    asked_by: Mapped[UUID | None]
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    reason: Mapped[str] = mapped_column(String(500), default="")
    agreed_by: Mapped[UUID | None]
    agreed_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]  # until then it can be taken back
    withdrawn_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (unique_within_tenant("uq_organisation_closing_live", where=LIVE),)
