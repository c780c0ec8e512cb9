"""A tenant's identity providers, whom they vouched for, and the sessions that followed."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant


class ProviderState(StrEnum):
    """How far a provider's set-up has come. Only one that worked once can be offered."""

    DRAFT = "draft"
    TESTED = "tested"
    OFFERED = "offered"


class IdentityProvider(TenantOwned, Base):
    """An OpenID provider as an admin entered it. `issuer` is compared to the letter."""

    __tablename__ = "identity_provider"

    name: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(500))
    client_id: Mapped[str] = mapped_column(String(300))
    client_secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(10), default=ProviderState.DRAFT)
    allowed_domains: Mapped[list[str]] = mapped_column(JSON, default=list)
    default_role: Mapped[str | None] = mapped_column(String(60))  # None: nobody is provisioned
    groups_claim: Mapped[str] = mapped_column(String(60), default="")
    group_roles: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    # By whose decision each group gives its role; what is missing is older than this column.
    deciders: Mapped[dict[str, str] | None] = mapped_column(JSON)
    trusts_mfa: Mapped[bool] = mapped_column(default=False)
    tested_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    client_secret = SealedText("client_secret_sealed")

    __table_args__ = (
        UniqueConstraint("tenant_id", "issuer"),
        CheckConstraint(f"state IN {tuple(map(str, ProviderState))}", name="state"),
    )


class ExternalIdentity(TenantOwned, Base):
    """Who a person is to a provider: the pair (issuer, subject), and never an e-mail."""

    __tablename__ = "external_identity"

    user_id: Mapped[UUID]
    provider_id: Mapped[UUID]
    issuer: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime] = mapped_column(default=clock.now)
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        within_tenant("provider_id", "identity_provider", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "issuer", "subject"),
        Index("ix_external_identity_user_id", "tenant_id", "user_id"),
    )


class SsoSession(TenantOwned, Base):
    """What a session must remember of the provider that opened it, to be ended together with it."""

    __tablename__ = "sso_session"

    session_id: Mapped[UUID]
    provider_id: Mapped[UUID]
    subject: Mapped[str] = mapped_column(String(255))
    provider_session: Mapped[str | None] = mapped_column(String(255))  # the claim `sid`
    id_token_sealed: Mapped[bytes] = mapped_column(LargeBinary)

    id_token = SealedText("id_token_sealed")

    __table_args__ = (
        within_tenant("session_id", "user_session", ondelete="CASCADE"),
        within_tenant("provider_id", "identity_provider", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "session_id"),
        Index("ix_sso_session_subject", "tenant_id", "provider_id", "subject"),
    )


class SeenLogoutToken(TenantOwned, Base):
    """A back-channel logout token that was used, until it would have expired anyway."""

    __tablename__ = "seen_logout_token"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))  # of issuer and `jti`
    expires_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "token_hash"),)


class BreakGlassCode(TenantOwned, Base):
    """A code that opens nothing but the repair of single sign-on, where that is the only way in."""

    __tablename__ = "break_glass_code"

    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by: Mapped[UUID | None]
    used_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("tenant_id", "code_hash"),)
