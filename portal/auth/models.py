"""What proves who somebody is, and the sessions that follow from it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Double, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant


class PasswordCredential(TenantOwned, Base):
    """A person's password as argon2id, and the hashes of a few earlier ones."""

    __tablename__ = "password_credential"

    user_id: Mapped[UUID]
    password_hash: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    is_reused: Mapped[bool] = mapped_column(default=False)  # it was this person's before
    earlier_hashes_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    earlier_hashes = SealedText("earlier_hashes_sealed")  # a JSON list, latest first

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id"),
    )


class UserSession(TenantOwned, Base):
    """One signed-in browser. The cookie holds a random token, the row its SHA-256."""

    __tablename__ = "user_session"

    user_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    first_factor: Mapped[str] = mapped_column(String(20))
    second_factor: Mapped[str | None] = mapped_column(String(20))
    proved_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(300))
    totp_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    totp_secret = SealedText("totp_secret_sealed")  # of the next authenticator it sets up

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
        Index("ix_user_session_user_id", "tenant_id", "user_id"),
    )


class Invitation(TenantOwned, Base):
    """A one-time link by which an invited person chooses a password."""

    __tablename__ = "invitation"

    user_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    invited_by: Mapped[UUID | None]  # None: by the operator
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
        Index("ix_invitation_user_id", "tenant_id", "user_id"),
    )


class Attempts(TenantOwned, Base):
    """How often a secret was tried for one subject lately, and when it may be tried again."""

    __tablename__ = "attempt_count"  # "attempts" is a column of job (tenancy.schema)

    subject_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    count: Mapped[float] = mapped_column(Double)  # as of `free_at`; it fades from then on
    free_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "subject_hash"),)


class PasswordReset(TenantOwned, Base):
    """A one-time link by which somebody who forgot their password chooses another."""

    __tablename__ = "password_reset"

    user_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
        Index("ix_password_reset_user_id", "tenant_id", "user_id"),
    )


class Ceremony(TenantOwned, Base):
    """Something begun in a browser that has to come back to it: once, soon, and for one purpose.

    The browser's cookie holds a random token, the row its SHA-256.
    """

    __tablename__ = "ceremony"

    kind: Mapped[str] = mapped_column(String(30))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    session_id: Mapped[UUID | None]  # of whom it was begun for, if anybody was signed in
    payload_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]

    payload = SealedText("payload_sealed")

    __table_args__ = (
        within_tenant("session_id", "user_session", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
    )
