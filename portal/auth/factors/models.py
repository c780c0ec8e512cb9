"""What a person has set up to prove who they are besides a password."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.auth.assurance import Factor
from portal.core import clock
from portal.core.db import Base
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant


class TotpDevice(TenantOwned, Base):
    """An authenticator application. `last_step` makes a code work once."""

    __tablename__ = "totp_device"
    kind: ClassVar = Factor.TOTP
    word: ClassVar = "authenticator"

    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(60), default="Authenticator")
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(default=-1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]

    secret = SealedText("secret_sealed")

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        Index("ix_totp_device_user_id", "tenant_id", "user_id"),
    )


class Passkey(TenantOwned, Base):
    """A WebAuthn credential, bound to the tenant's own host."""

    __tablename__ = "passkey"
    kind: ClassVar = Factor.PASSKEY
    word: ClassVar = "passkey"

    user_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(60))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023))
    host: Mapped[str] = mapped_column(String(253))  # the relying party's id
    credential: Mapped[bytes] = mapped_column(LargeBinary)  # WebAuthn's attested credential data
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)  # an unsigned 32-bit number
    transports: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_synced: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "credential_id"),
        Index("ix_passkey_user_id", "tenant_id", "user_id"),
    )


class RecoveryCode(TenantOwned, Base):
    """One of ten codes, kept as argon2id under a salt and at a cost that the ten share."""

    __tablename__ = "recovery_code"

    user_id: Mapped[UUID]
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    time_cost: Mapped[int]
    memory_kib: Mapped[int]
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id", "code_hash"),
    )
