"""How far the daily reading back of a log has come."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class LogCheck(TenantOwned, Base):
    """The one that is under way, under the tenant's own id. It goes when it has ended."""

    __tablename__ = "log_check"

    size: Mapped[int] = mapped_column(BigInteger)
    sums: Mapped[list[Any]] = mapped_column(JSON)  # for each level: full tiles, hashes since
    sound_size: Mapped[int] = mapped_column(BigInteger)
    findings: Mapped[list[Any]] = mapped_column(JSON)  # fault and place
    begun_at: Mapped[datetime] = mapped_column(default=clock.now)
