"""Folders, documents and their versions. Names are sealed, contents lie in the blob store."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.keys.cells import wrapped_key
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant

IS_GONE = text("gone_at IS NOT NULL")


class Folder(TenantOwned, Base):
    """A folder. Without a parent it stands at the top of the organisation's documents."""

    __tablename__ = "folder"

    parent_id: Mapped[UUID | None]
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    trashed_at: Mapped[datetime | None]
    trashed_by: Mapped[UUID | None]
    purge_at: Mapped[datetime | None]  # when its time in the trash ends

    name = SealedText("name_sealed")

    __table_args__ = (
        within_tenant("parent_id", "folder"),
        Index("ix_folder_parent_id", "tenant_id", "parent_id", "trashed_at"),
        Index("ix_folder_purge_at", "tenant_id", "purge_at"),
    )


class Document(TenantOwned, Base):
    """A document. What it holds is its newest version's."""

    __tablename__ = "document"

    folder_id: Mapped[UUID | None]
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now)
    version_number: Mapped[int] = mapped_column(default=1)  # the newest version's
    trashed_at: Mapped[datetime | None]
    trashed_by: Mapped[UUID | None]
    purge_at: Mapped[datetime | None]  # when its time in the trash ends

    name = SealedText("name_sealed")

    __table_args__ = (
        within_tenant("folder_id", "folder"),
        within_tenant("created_by", "user_account"),
        Index("ix_document_folder_id", "tenant_id", "folder_id", "trashed_at", "updated_at", "id"),
        Index("ix_document_created_by", "tenant_id", "created_by"),
        Index("ix_document_purge_at", "tenant_id", "purge_at"),
    )


class DocumentVersion(TenantOwned, Base):
    """One content of a document: the blob has the version's id and is a PF1 file."""

    __tablename__ = "document_version"

    document_id: Mapped[UUID]
    number: Mapped[int]
    format: Mapped[str] = mapped_column(String(8))
    mode: Mapped[str] = mapped_column(String(1))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sealed_bytes: Mapped[int] = mapped_column(BigInteger)
    sealed_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    media_type: Mapped[str] = mapped_column(String(120))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    key_version: Mapped[int]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    gone_at: Mapped[datetime | None]  # since when it is on no page, and only a hold keeps it

    note = SealedText("note_sealed")  # what its uploader says of it, if anything

    __table_args__ = (
        within_tenant("document_id", "document", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "document_id", "number"),
        Index(
            "ix_document_version_gone",
            "tenant_id",
            "document_id",
            sqlite_where=IS_GONE,
            postgresql_where=IS_GONE,
        ),
    )


wrapped_key("document_version")


class DocumentStar(TenantOwned, Base):
    """That somebody wants to find a document again: they themselves, and nobody else."""

    __tablename__ = "document_star"

    user_id: Mapped[UUID]
    document_id: Mapped[UUID]
    starred_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        within_tenant("document_id", "document", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id", "document_id"),
        Index("ix_document_star_document_id", "tenant_id", "document_id"),
    )


class DocumentCopy(TenantOwned, Base):
    """That a document was made by a copying. Its id tells which: so there is one at most."""

    __tablename__ = "document_copy"

    document_id: Mapped[UUID]

    __table_args__ = (
        within_tenant("document_id", "document", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "document_id"),
    )


class DocumentPolicy(TenantOwned, Base):
    """A tenant's choices about documents. Its id is the tenant's own, so there is one at most."""

    __tablename__ = "document_policy"

    families: Mapped[list[str]] = mapped_column(JSON)
    tenant_quota_mib: Mapped[int | None]
    person_quota_mib: Mapped[int | None]
    trash_days: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_by: Mapped[UUID | None]


class StorageUse(TenantOwned, Base):
    """How much is taken: one row for the tenant, under its own id, and one for each person."""

    __tablename__ = "storage_use"

    held_bytes: Mapped[int] = mapped_column(BigInteger, default=0)  # versions and holds


class StorageHold(TenantOwned, Base):
    """Room that is kept for a content on its way in. One that lapses is swept, and given back,
    unless it is an `Upload`'s: that keeps it to its end.
    """

    __tablename__ = "storage_hold"

    owner_id: Mapped[UUID]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    lapses_at: Mapped[datetime]

    __table_args__ = (within_tenant("owner_id", "user_account", ondelete="CASCADE"),)


class Upload(TenantOwned, Base):
    """An upload that can be resumed: what it becomes, and how much of it is durable.

    Its room is a `StorageHold` of the same id. Finished, it is kept for a while, so that a client
    who missed the answer is told.
    """

    __tablename__ = "upload"

    owner_id: Mapped[UUID]
    folder_id: Mapped[UUID | None]  # of a new document
    document_id: Mapped[UUID]
    is_version: Mapped[bool]  # of a document that is there
    version_id: Mapped[UUID]
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    note_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    offset_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    mode: Mapped[str] = mapped_column(String(1))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    key_version: Mapped[int]
    token: Mapped[str] = mapped_column(String(1024))  # by which the store resumes the blob
    lease: Mapped[UUID | None]  # whoever writes to it just now
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    name = SealedText("name_sealed")
    note = SealedText("note_sealed")

    __table_args__ = (within_tenant("owner_id", "user_account", ondelete="CASCADE"),)


wrapped_key("upload", version_id="version_id")


class UploadTail(TenantOwned, Base):
    """A piece of an upload that is shorter than a part: a sealed blob of the row's id."""

    __tablename__ = "upload_tail"

    upload_id: Mapped[UUID]
    start_bytes: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        within_tenant("upload_id", "upload", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "upload_id", "start_bytes"),
    )
