"""An access review: its reviewers, its lines, what was answered, and the signed result."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.keys.cells import sealed_cell
from portal.keys.columns import SealedText
from portal.tenancy.models import TenantOwned, within_tenant


class ReviewState(StrEnum):
    """Where a review stands."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Unanswered(StrEnum):
    """What becomes of lines that nobody has answered by the due date."""

    REVOKE = "revoke"
    ESCALATE = "escalate"


class Kind(StrEnum):
    """What a line is about."""

    ASSIGNMENT = "assignment"
    MEMBERSHIP = "membership"


class Decision(StrEnum):
    """What a reviewer answers."""

    KEEP = "keep"
    REVOKE = "revoke"


class LineOutcome(StrEnum):
    """What came of a line when the review was closed."""

    def __new__(cls, value: str, sentence: str) -> "LineOutcome":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str

    FED = "fed", "A provider decides about it"
    GONE = "gone", "It was gone already"
    KEPT = "kept", "Kept"
    LAST_ADMIN = "last-admin", "Not revoked, being the last active admin"
    REVOKED = "revoked", "Revoked"


class AccessReview(TenantOwned, Base):
    """A review, from its start to its signed result. It is never deleted."""

    __tablename__ = "access_review"

    name: Mapped[str] = mapped_column(String(100))
    scope: Mapped[Any] = mapped_column(JSON)  # `scope.Scope` as it is kept
    state: Mapped[str] = mapped_column(String(10), default=ReviewState.OPEN)
    started_by: Mapped[UUID | None]  # who chose it; what recurs keeps that person
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    due_at: Mapped[datetime]
    on_unanswered: Mapped[str] = mapped_column(String(10))
    every_days: Mapped[int | None]
    next_at: Mapped[datetime | None]  # when the next one starts by itself
    follows_id: Mapped[UUID | None]  # the one that this repeats
    escalated_at: Mapped[datetime | None]
    escalation_told_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]  # None: by itself, at the due date
    result_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    key_id: Mapped[UUID | None]

    __table_args__ = (
        within_tenant("follows_id", "access_review"),
        within_tenant("key_id", "signing_key"),
        CheckConstraint(f"state IN {tuple(map(str, ReviewState))}", name="state"),
        Index("ix_access_review_due_at", "tenant_id", "state", "due_at"),
        Index("ix_access_review_next_at", "tenant_id", "next_at"),
    )


class Reviewer(TenantOwned, Base):
    """Somebody who was named to review. Who is deactivated later answers nothing any more."""

    __tablename__ = "access_reviewer"

    review_id: Mapped[UUID]
    user_id: Mapped[UUID]
    is_chosen: Mapped[bool] = mapped_column(default=True)  # False: a line was handed over to them
    told_at: Mapped[datetime | None]  # when a mail said that there is something to do
    reminded_at: Mapped[datetime | None]

    __table_args__ = (
        within_tenant("review_id", "access_review", ondelete="CASCADE"),
        within_tenant("user_id", "user_account", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "review_id", "user_id"),
        Index("ix_access_reviewer_user_id", "tenant_id", "user_id"),
    )


class ReviewLine(TenantOwned, Base):
    """One thing that somebody holds, as it was when the review began.

    Nothing here refers to the rows it tells of: the line outlives them.
    """

    __tablename__ = "review_line"

    review_id: Mapped[UUID]
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[UUID]  # of the assignment, or the membership
    user_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    holder_name: Mapped[str] = mapped_column(String(200))
    group_name: Mapped[str] = mapped_column(String(60), default="")  # of a membership
    role: Mapped[str | None] = mapped_column(String(60))
    role_names: Mapped[Any] = mapped_column(JSON)  # of a membership: all that the group carries
    folder_id: Mapped[UUID | None]
    folder_name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    held_since: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    granted_by: Mapped[UUID | None]
    granter_name: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")
    is_fed: Mapped[bool] = mapped_column(default=False)  # by a provider: nothing to revoke here
    reviewer_id: Mapped[UUID]
    is_escalated: Mapped[bool] = mapped_column(default=False)
    decision: Mapped[str | None] = mapped_column(String(10))
    comment: Mapped[str] = mapped_column(String(500), default="")
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(12))

    folder_name = SealedText("folder_name_sealed")

    __table_args__ = (
        within_tenant("review_id", "access_review", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "review_id", "number"),
        Index("ix_review_line_reviewer_id", "tenant_id", "review_id", "reviewer_id", "number"),
    )


class ReviewAnswer(TenantOwned, Base):
    """What somebody once answered about a line. The last answer counts; the others are kept."""

    __tablename__ = "review_answer"

    line_id: Mapped[UUID]
    decision: Mapped[str] = mapped_column(String(10))
    comment: Mapped[str] = mapped_column(String(500), default="")
    answered_by: Mapped[UUID]
    answered_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        within_tenant("line_id", "review_line", ondelete="CASCADE"),
        Index("ix_review_answer_line_id", "tenant_id", "line_id", "id"),
    )


class ResultPart(TenantOwned, Base):
    """A piece of a review's result: compressed, then sealed, for it holds names of folders."""

    __tablename__ = "review_result_part"

    review_id: Mapped[UUID]
    number: Mapped[int]
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        within_tenant("review_id", "access_review", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "review_id", "number"),
    )


RESULT_CONTENT = sealed_cell("review_result_part", "content_sealed")
