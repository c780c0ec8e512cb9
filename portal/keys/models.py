"""A tenant's seeds, wrapped by the provider, and the keys that it signs with."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, UniqueConstraint, text
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
    own_key: Mapped[str] = mapped_column(String(300), default="")  # of a tenant that brings one
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (UniqueConstraint("tenant_id", "version"),)


class SigningKey(TenantOwned, Base):
    """A key pair that the tenant signs with, or did: what it signed is verified for good."""

    __tablename__ = "signing_key"

    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_signing_key_live",
            "tenant_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )
