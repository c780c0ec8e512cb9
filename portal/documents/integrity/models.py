"""Rounds of reading everything back, and what was found wrong."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class Fault(StrEnum):
    """What can be wrong with a blob."""

    ROT = "rot"  # not the bytes that were stored
    MISSING = "missing"  # a version without its blob
    FOREIGN = "foreign"  # a blob without its version, that no sweep took away


class VerificationRound(TenantOwned, Base):
    """One reading of all versions in the order of their ids, over days perhaps."""

    __tablename__ = "verification_round"

    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    leased_until: Mapped[datetime]  # by the process that reads
    reached_id: Mapped[UUID | None]  # the version that was read last
    versions: Mapped[int] = mapped_column(default=0)
    read_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    found: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("ix_verification_round_ended_at", "tenant_id", "ended_at"),)


class Finding(TenantOwned, Base):
    """A fault. Its id is the blob's, so each is noted, and told of, once."""

    __tablename__ = "integrity_finding"

    document_id: Mapped[UUID | None]
    fault: Mapped[str] = mapped_column(String(10))
    found_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    settled_at: Mapped[datetime | None]  # a later round found it no more
    told_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"fault IN {tuple(map(str, Fault))}", name="fault"),
        Index("ix_integrity_finding_settled_at", "tenant_id", "settled_at", "found_at"),
        Index("ix_integrity_finding_told_at", "tenant_id", "told_at"),
    )
