"""Retention rules, legal holds, what was moved out from under them, and requests for erasure."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, unique_within_tenant, within_tenant


class RetentionRule(TenantOwned, Base):
    """How many days documents of a folder (or all) and a type (or any) are kept.

    Its folder stays in the database as long as the rule does, even if it was deleted long ago.
    """

    __tablename__ = "retention_rule"

    name: Mapped[str] = mapped_column(String(100))
    folder_id: Mapped[UUID | None]
    media_type: Mapped[str] = mapped_column(String(120))  # "" for any, "image/" for a family
    keep_days: Mapped[int | None]
    delete_days: Mapped[int | None]
    prune_days: Mapped[int | None]
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("folder_id", "folder"),
        unique_within_tenant(
            "uq_retention_rule_on_folder", "folder_id", "media_type", where="folder_id IS NOT NULL"
        ),
        unique_within_tenant(
            "uq_retention_rule_tenant_wide", "media_type", where="folder_id IS NULL"
        ),
        CheckConstraint(
            "keep_days IS NOT NULL OR delete_days IS NOT NULL OR prune_days IS NOT NULL",
            name="says_something",
        ),
    )


class LegalHold(TenantOwned, Base):
    """A legal hold. What it is on is told by its anchors; all that says why is sealed."""

    __tablename__ = "legal_hold"

    matter_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    placed_by: Mapped[UUID | None]
    placed_at: Mapped[datetime] = mapped_column(default=clock.now)
    released_by: Mapped[UUID | None]
    released_at: Mapped[datetime | None]
    release_reason_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # of "" until it is released

    matter = SealedText("matter_sealed")
    reason = SealedText("reason_sealed")
    release_reason = SealedText("release_reason_sealed")

    __table_args__ = (Index("ix_legal_hold_released_at", "tenant_id", "released_at"),)


class AnchorKind(StrEnum):
    """What a hold, or a rule that goes along, can be fastened to."""

    USER = "user"
    FOLDER = "folder"
    DOCUMENT = "document"


class Anchor(TenantOwned, Base):
    """What a hold was placed on; and what was moved away from under a hold or a rule.

    The thing is named by no foreign key: a hold that was released tells what it was on when that
    is long gone.
    """

    __tablename__ = "retention_anchor"

    hold_id: Mapped[UUID | None]
    rule_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(String(10))
    thing_id: Mapped[UUID]
    is_carried: Mapped[bool]  # it was moved away; else the hold was placed on it
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("hold_id", "legal_hold", ondelete="CASCADE"),
        within_tenant("rule_id", "retention_rule", ondelete="CASCADE"),
        CheckConstraint("(hold_id IS NULL) <> (rule_id IS NULL)", name="of_one"),
        CheckConstraint(f"kind IN {tuple(map(str, AnchorKind))}", name="kind"),
        Index("ix_retention_anchor_thing_id", "tenant_id", "thing_id"),
        Index("ix_retention_anchor_hold_id", "tenant_id", "hold_id"),
        Index("ix_retention_anchor_rule_id", "tenant_id", "rule_id"),
    )


class ErasureState(StrEnum):
    """Where a request for erasure stands."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # after it was granted: what is not erased by then stays


class ErasureRequest(TenantOwned, Base):
    """That a person's documents, account or both be erased (GDPR, Article 17).

    A granted one is a standing wish: what a hold or a rule keeps goes as soon as it doesn't.
    """

    __tablename__ = "erasure_request"

    user_id: Mapped[UUID]
    wants_documents: Mapped[bool]
    wants_account: Mapped[bool]
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    asked_by: Mapped[UUID | None]
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    state: Mapped[str] = mapped_column(String(10), default=ErasureState.OPEN)
    answer_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # of "" until it is decided
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    account_erased_at: Mapped[datetime | None]
    withdrawal_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # why it was withdrawn
    withdrawn_by: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]

    reason = SealedText("reason_sealed")
    answer = SealedText("answer_sealed")
    withdrawal = SealedText("withdrawal_sealed")

    __table_args__ = (
        within_tenant("user_id", "user_account"),
        CheckConstraint(f"state IN {tuple(map(str, ErasureState))}", name="state"),
        CheckConstraint("wants_documents OR wants_account", name="wants_something"),
        unique_within_tenant("uq_erasure_request_open", "user_id", where="state = 'open'"),
        Index("ix_erasure_request_state", "tenant_id", "state", "id"),
    )
