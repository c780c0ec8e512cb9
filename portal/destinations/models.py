"""A destination of the log, and how far it has got."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.destinations import places
from portal.destinations.kinds import Kind
from portal.destinations.places import Place
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned


class LogDestination(TenantOwned, Base):
    """What goes where, and what last went there.

    A stream's next batch begins with `next_number`; `due_at` is when it may be tried, moved into
    the future by whoever tries it. `sent_number` is the number after the last that was ever sent.
    """

    __tablename__ = "log_destination"

    name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    place_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    rhythm: Mapped[str] = mapped_column(String(10))
    entry_form: Mapped[str | None] = mapped_column(String(8))  # None: it gets no entries
    wants_alerts: Mapped[bool]
    is_started: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    anchor_job_id: Mapped[UUID | None]  # the job by which a checkpoint is on its way
    anchored_origin: Mapped[str | None] = mapped_column(String(300))
    anchored_size: Mapped[int | None] = mapped_column(BigInteger)
    anchored_at: Mapped[datetime | None]
    alerted_at: Mapped[datetime | None]

    next_number: Mapped[int] = mapped_column(BigInteger, default=0)
    sent_number: Mapped[int] = mapped_column(BigInteger, default=0)
    streamed_at: Mapped[datetime | None]
    due_at: Mapped[datetime] = mapped_column(default=clock.now)

    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failure: Mapped[str | None] = mapped_column(String(300))  # the last one, be it over or not
    failed_at: Mapped[datetime | None]

    place_text = SealedText("place_sealed")
    secret = SealedText("secret_sealed")

    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint(f"kind IN {tuple(map(str, Kind))}", name="kind"),
    )

    @property
    def place(self) -> Place:
        """Where it is."""
        return places.read(self.kind, self.place_text)
