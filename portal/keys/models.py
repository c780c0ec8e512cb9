"""A tenant's seeds, wrapped by the provider, and the keys that it signs with."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.keys.cells import sealed_cell
from portal.tenancy.models import TenantOwned, unique_within_tenant


class TenantKey(TenantOwned, Base):
    """One version of a tenant's seed. The newest is used for what is new, all for reading."""

    __tablename__ = "tenant_key"

    version: Mapped[int]
    wrapped_seed: Mapped[bytes] = mapped_column(LargeBinary)
    provider: Mapped[str] = mapped_column(String(20))
    own_key: Mapped[str] = mapped_column(String(300), default="")  # of a tenant that brings one
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    unused_since: Mapped[datetime | None]  # when nothing was found any more that refers to it

    __table_args__ = (UniqueConstraint("tenant_id", "version"),)


class KeyPolicy(TenantOwned, Base):
    """How often a tenant's key rotates. Its id is the tenant's own; none: the default holds."""

    __tablename__ = "key_policy"

    rotate_every_days: Mapped[int | None]  # None: only when somebody wants it
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]


class SigningKey(TenantOwned, Base):
    """A key pair that the tenant signs with, or did: what it signed is verified for good."""

    __tablename__ = "signing_key"

    public_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    retired_at: Mapped[datetime | None]

    __table_args__ = (unique_within_tenant("uq_signing_key_live", where="retired_at IS NULL"),)


# Sealed without `SealedText`. Who loads all models, as every command does, knows of all such cells.
SIGNING_SECRET = sealed_cell("signing_key", "secret_sealed")
JOB_PAYLOAD = sealed_cell("job", "payload")  # the outbox lies below the keys
