"""Alerts, the rules that organisations have made or changed, how far the log was judged, and when
people work.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from portal.alerts.rules import Kind
from portal.core import clock
from portal.core.db import Base
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant


class AlertRule(TenantOwned, Base):
    """A rule of an organisation's own, or what it made of a built-in one, whose id it has then."""

    __tablename__ = "alert_rule"

    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    actions: Mapped[list[str]] = mapped_column(JSON)
    severity: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(10))
    target: Mapped[str] = mapped_column(String(80))
    who: Mapped[str] = mapped_column(String(20))
    gives_power: Mapped[bool]
    threshold: Mapped[int]
    window_minutes: Mapped[int]
    about: Mapped[str] = mapped_column(String(10))
    weight: Mapped[str] = mapped_column(String(20))
    is_mailed: Mapped[bool]
    is_on: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]

    __table_args__ = (CheckConstraint(f"kind IN {tuple(map(str, Kind))}", name="kind"),)


class Alert(TenantOwned, Base):
    """That a rule was met, with its words of then: it may be changed or deleted since.

    `subject` is whom or what it is about. An address is not kept here, where erasing a person
    would not find it: it is that of the last entry. An entry makes one alert of a rule at most.
    """

    __tablename__ = "alert"

    rule_id: Mapped[UUID]
    rule_name: Mapped[str] = mapped_column(String(100))
    says: Mapped[str] = mapped_column(Text)
    weight: Mapped[str] = mapped_column(String(20))
    subject: Mapped[str] = mapped_column(String(80))
    is_of_address: Mapped[bool]
    raised_by: Mapped[UUID]  # the entry
    last_entry_id: Mapped[UUID]
    entry_count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    raised_at: Mapped[datetime] = mapped_column(default=clock.now)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None]
    comment_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    comment = SealedText("comment_sealed")

    __table_args__ = (
        UniqueConstraint("tenant_id", "rule_id", "raised_by"),
        Index("ix_alert_acknowledged_at", "tenant_id", "acknowledged_at", "id"),
        Index("ix_alert_rule_id", "tenant_id", "rule_id", "last_at"),
    )


class AlertEntry(TenantOwned, Base):
    """An entry that an alert is of; of many, some of the first."""

    __tablename__ = "alert_entry"

    alert_id: Mapped[UUID]
    entry_id: Mapped[UUID]

    __table_args__ = (
        within_tenant("alert_id", "alert", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "alert_id", "entry_id"),
    )


class AlertProgress(TenantOwned, Base):
    """The number of the entry to be judged next. Its id is the tenant's own.

    While some rules wait for another turn, those up to `judged_rule_id` have judged the entries
    before `until_number`, and the others are to judge the same ones.
    """

    __tablename__ = "alert_progress"

    next_number: Mapped[int] = mapped_column(BigInteger)
    until_number: Mapped[int | None] = mapped_column(BigInteger)
    judged_rule_id: Mapped[UUID | None]


class WorkingHours(TenantOwned, Base):
    """When the people of an organisation work. Its id is the tenant's own."""

    __tablename__ = "working_hours"

    zone: Mapped[str] = mapped_column(String(40))
    days: Mapped[list[int]] = mapped_column(JSON)
    begin_minute: Mapped[int]  # of the day
    end_minute: Mapped[int]
