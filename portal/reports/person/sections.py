"""What is told of a person, table by table; and what is not, with the reason.

Each column of the database that can name a person is in one of the two, which a test walks through:
a new table is told of, or somebody has thought about why not. Secrets are never told, not even to
their owner; nor is what would tell of a legal hold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, true

from portal.access.approvals.models import PendingAct
from portal.access.log_exports.models import LogExport
from portal.access.log_searches.models import LogSearch
from portal.access.models import GroupMembership, RoleAssignment
from portal.access.requests.models import AccessRequest
from portal.access.reviews.models import AccessReview, ReviewAnswer, ReviewLine
from portal.audit.activity import TO_PEOPLE
from portal.audit.models import AuditEntry
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.models import Invitation, PasswordCredential, PasswordReset, UserSession
from portal.auth.sso.models import ExternalIdentity
from portal.core import clock
from portal.documents.gone import gone_folders, is_gone
from portal.documents.links.models import SharingLink
from portal.documents.models import Document, DocumentStar, DocumentVersion, Folder, Upload
from portal.documents.retention.models import ErasureRequest
from portal.users.models import User

Which = Callable[[UUID], ColumnElement[bool]]


def _everything(_user_id: UUID) -> ColumnElement[bool]:
    return true()


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of a table whose column `by` names the person, as far as `which` lets them be told.

    `tells` are attributes of the model: what is sealed is opened.
    """

    key: str
    title: str
    model: Any
    by: str
    tells: Sequence[str]
    which: Which = field(default=_everything)
    names: Callable[[UUID], Any] = field(default=lambda user_id: user_id)

    @property
    def column(self) -> str:
        """The column that names the person."""
        return f"{self.model.__tablename__}.{self.by}"

    def rows_of(self, user_id: UUID) -> ColumnElement[bool]:
        """Which rows are about a person."""
        return and_(getattr(self.model, self.by) == self.names(user_id), self.which(user_id))


def _still_seen(_user_id: UUID) -> ColumnElement[bool]:
    """Of documents: what is gone from every page may lie there for a hold, and is not told."""
    return is_gone(clock.now()).is_not(true())


def _of_seen_documents(user_id: UUID) -> ColumnElement[bool]:
    of_seen = DocumentVersion.document_id.in_(select(Document.id).where(_still_seen(user_id)))
    return and_(DocumentVersion.gone_at.is_(None), of_seen)


def _seen_folders(_user_id: UUID) -> ColumnElement[bool]:
    return Folder.id.not_in(select(gone_folders(clock.now()).c.id))


def _decided(_user_id: UUID) -> ColumnElement[bool]:
    """Of reviews: what is under way is the reviewers' affair."""
    return ReviewLine.outcome.is_not(None)


def _told_to_people(user_id: UUID) -> ColumnElement[bool]:
    by_others = AuditEntry.actor_id.is_distinct_from(user_id)
    return and_(AuditEntry.action.in_(sorted(TO_PEOPLE)), by_others)


_TRASH = ("trashed_at",)
_FROM_TO = ("created_at", "expires_at", "used_at")

SECTIONS = (
    Section("account", "Account", User, "id", ("name", "email", "state", "created_at")),
    Section("password", "Password", PasswordCredential, "user_id", ("changed_at", "is_reused")),
    Section("authenticators", "Authenticators", TotpDevice, "user_id",
            ("name", "created_at", "last_used_at")),
    Section("passkeys", "Passkeys", Passkey, "user_id",
            ("name", "host", "is_synced", "transports", "created_at", "last_used_at")),
    Section("recovery-codes", "Recovery codes", RecoveryCode, "user_id",
            ("created_at", "used_at")),
    Section("accounts-at-providers", "Accounts at providers", ExternalIdentity, "user_id",
            ("issuer", "subject", "linked_at", "last_used_at")),
    Section("sessions", "Sessions", UserSession, "user_id",
            ("created_at", "last_seen_at", "ended_at", "address", "user_agent", "first_factor",
             "second_factor", "proved_at")),
    Section("invitations", "Invitations", Invitation, "user_id", _FROM_TO),
    Section("password-resets", "Links for a forgotten password", PasswordReset, "user_id",
            _FROM_TO),
    Section("roles", "Roles", RoleAssignment, "user_id",
            ("role", "folder_id", "reason", "way", "created_at", "expires_at")),
    Section("groups", "Groups", GroupMembership, "user_id", ("group_id", "added_at")),
    Section("access-requests", "Requests for access", AccessRequest, "user_id",
            ("permission", "target", "folder_id", "reason", "asked_at", "expires_at", "decision",
             "decided_at", "answer")),
    Section("acts-for-two", "Acts for which a second person was asked", PendingAct, "asked_by",
            ("kind", "target", "reason", "asked_at", "expires_at", "decision", "decided_at")),
    Section("reviews-started", "Access reviews they started", AccessReview, "started_by",
            ("name", "state", "started_at", "due_at", "ended_at")),
    Section("review-answers", "Answers in access reviews", ReviewAnswer, "answered_by",
            ("line_id", "decision", "comment", "answered_at")),
    Section("reviewed", "What reviews decided about their access", ReviewLine, "user_id",
            ("holder_name", "role_names", "group_name", "held_since", "decision", "decided_at",
             "outcome"), _decided),
    Section("documents", "Documents they own", Document, "created_by",
            ("id", "name", "folder_id", "created_at", "updated_at", "version_number", *_TRASH),
            _still_seen),
    Section("versions", "Versions they uploaded", DocumentVersion, "created_by",
            ("document_id", "number", "size_bytes", "media_type", "note", "created_at"),
            _of_seen_documents),
    Section("folders", "Folders they made", Folder, "created_by",
            ("id", "name", "parent_id", "created_at", *_TRASH), _seen_folders),
    Section("stars", "Starred documents", DocumentStar, "user_id", ("document_id", "starred_at")),
    Section("uploads", "Uploads under way", Upload, "owner_id",
            ("name", "note", "size_bytes", "offset_bytes", "created_at", "expires_at",
             "finished_at")),
    Section("links", "Sharing links they made", SharingLink, "created_by",
            ("kind", "document_id", "folder_id", "note", "audience", "recipients_json", "uses",
             "max_uses", "created_at", "expires_at", "revoked_at")),
    Section("erasures", "Requests that their data be erased", ErasureRequest, "user_id",
            ("wants_documents", "wants_account", "state", "asked_at", "decided_at",
             "withdrawn_at")),
    Section("log-exports", "Exports of the log they made", LogExport, "asked_by",
            ("form", "filters", "reason", "made_at", "expires_at")),
    Section("log-searches", "Searches of the log they saved", LogSearch, "user_id",
            ("name", "query", "is_shared", "created_at")),
    Section("acts", "What they did, in the audit log", AuditEntry, "actor_id",
            ("at", "action", "outcome", "target", "address", "detail")),
    Section("done-to-them", "What others did about them, in the audit log", AuditEntry, "target",
            ("at", "action", "outcome"), _told_to_people, lambda user_id: f"user:{user_id}"),
)  # fmt: skip
