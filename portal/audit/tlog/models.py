"""How a tenant's log is kept: the tree's leaves and nodes, and checkpoints, all only added to.

`KnownCheckpoint` is a row of the main database, where a tenant's log that was cut, or is gone,
still shows.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.audit.tlog.hashes import HASH_BYTES
from portal.core import clock
from portal.core.db import Base
from portal.core.ids import new_id
from portal.tenancy.models import TenantOwned

ADDED_ONLY = {"info": {"rights": "SELECT, INSERT"}}


class AuditLeaf(TenantOwned, Base):
    """An entry's place in the log, under the entry's id. Numbers begin at 0 and leave none out."""

    __tablename__ = "audit_leaf"

    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))

    __table_args__ = (UniqueConstraint("tenant_id", "number"), ADDED_ONLY)


class AuditNode(TenantOwned, Base):
    """What sums up a full tile: a hash of a level above the leaves' (0), at its place there."""

    __tablename__ = "audit_node"

    level: Mapped[int]
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))

    __table_args__ = (UniqueConstraint("tenant_id", "level", "position"), ADDED_ONLY)


class AuditCheckpoint(TenantOwned, Base):
    """A checkpoint that was signed. The newest has the largest id."""

    __tablename__ = "audit_checkpoint"

    origin: Mapped[str] = mapped_column(String(300))
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    note: Mapped[str] = mapped_column(Text)
    signing_key_id: Mapped[UUID]
    signed_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (UniqueConstraint("tenant_id", "origin", "size"), ADDED_ONLY)


class AuditPruning(TenantOwned, Base):
    """A mark: the entries before this number were pruned, but for those that are kept for good.

    Only their bytes are gone: leaves and nodes stay, and with them every proof. It is the database
    that deletes, as it takes the mark (`tenancy.log_wall`).
    """

    __tablename__ = "audit_pruning"

    number: Mapped[int] = mapped_column(BigInteger)
    pruned_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (UniqueConstraint("tenant_id", "number"), ADDED_ONLY)


class KnownCheckpoint(Base):
    """A checkpoint of some tenant, as the main database remembers it."""

    __tablename__ = "known_checkpoint"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenant.id"))
    origin: Mapped[str] = mapped_column(String(300))
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
    noted_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        Index("ix_known_checkpoint_tenant_id", "tenant_id", "id"),
        ADDED_ONLY,
    )
