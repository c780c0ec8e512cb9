"""Sharing links, the visits by which they are used, and what was done by them."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.documents.links.kinds import Audience
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant


class SharingLink(TenantOwned, Base):
    """A link to a document or to a folder. Its secret is kept as a hash alone."""

    __tablename__ = "sharing_link"

    kind: Mapped[str] = mapped_column(String(10))
    document_id: Mapped[UUID | None]
    folder_id: Mapped[UUID | None]
    version_number: Mapped[int | None]  # None: whatever version is the newest
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    note_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    audience: Mapped[str] = mapped_column(String(10), default=Audience.ANYBODY)
    recipients_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    max_uses: Mapped[int | None]
    uses: Mapped[int] = mapped_column(default=0)  # downloads, openings or files, by its kind
    max_file_mib: Mapped[int | None]
    endings: Mapped[list[str]] = mapped_column(JSON, default=list)  # of file names; none: any
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]

    note = SealedText("note_sealed")
    recipients_json = SealedText("recipients_sealed")

    __table_args__ = (
        within_tenant("document_id", "document", ondelete="CASCADE"),
        within_tenant("folder_id", "folder", ondelete="CASCADE"),
        within_tenant("created_by", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "secret_hash"),
        CheckConstraint("(document_id IS NULL) <> (folder_id IS NULL)", name="target"),
        CheckConstraint("max_uses IS NULL OR uses <= max_uses", name="uses"),
        Index("ix_sharing_link_created_by", "tenant_id", "created_by", "id"),
        Index("ix_sharing_link_document_id", "tenant_id", "document_id"),
        Index("ix_sharing_link_folder_id", "tenant_id", "folder_id"),
        Index("ix_sharing_link_expires_at", "tenant_id", "expires_at"),
    )

    @property
    def recipients(self) -> Sequence[str]:
        """The e-mails that a listed audience is made of."""
        found: list[str] = json.loads(self.recipients_json)
        return found

    @property
    def target(self) -> str:
        """How the audit log names what it leads to."""
        if self.document_id is not None:
            return f"document:{self.document_id}"
        return f"folder:{self.folder_id}"


class LinkVisit(TenantOwned, Base):
    """One browser in which a link was opened. Its cookie holds a token, the row the hash."""

    __tablename__ = "link_visit"

    link_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    has_password: Mapped[bool] = mapped_column(default=False)
    recipient_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    opened_at: Mapped[datetime | None]  # when nothing was left to be given
    expires_at: Mapped[datetime]

    recipient = SealedText("recipient_sealed")

    __table_args__ = (
        within_tenant("link_id", "sharing_link", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
        Index("ix_link_visit_link_id", "tenant_id", "link_id"),
        Index("ix_link_visit_expires_at", "tenant_id", "expires_at"),
    )


class LinkCode(TenantOwned, Base):
    """A code that was mailed to one of a link's recipients; the latest alone is kept."""

    __tablename__ = "link_code"

    link_id: Mapped[UUID]
    recipient_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    code_hash: Mapped[str] = mapped_column(String(255))
    expires_at: Mapped[datetime]

    recipient = SealedText("recipient_sealed")

    __table_args__ = (
        within_tenant("link_id", "sharing_link", ondelete="CASCADE"),
        Index("ix_link_code_link_id", "tenant_id", "link_id"),
        Index("ix_link_code_expires_at", "tenant_id", "expires_at"),
    )


class LinkUse(TenantOwned, Base):
    """What was done by a link, for its maker, who may not read the audit log.

    Unlike there it is told who it was, so it goes with the link.
    """

    __tablename__ = "link_use"

    link_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    deed: Mapped[str] = mapped_column(String(10))
    document_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(String(45))
    who_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(String(40), default="")
    file_name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # of one that was refused

    who = SealedText("who_sealed")
    file_name = SealedText("file_name_sealed")

    __table_args__ = (
        within_tenant("link_id", "sharing_link", ondelete="CASCADE"),
        Index("ix_link_use_link_id", "tenant_id", "link_id", "id"),
    )


class LinkPolicy(TenantOwned, Base):
    """What a tenant allows of links. Its id is the tenant's own, so there is one at most."""

    __tablename__ = "link_policy"

    mode: Mapped[str] = mapped_column(String(10))
    max_days: Mapped[int]
    is_lock_required: Mapped[bool]
    is_view_only: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]
