"""What everybody may see of the log: their own acts, and what others did to them or their things.

An action is told only where it is listed here: one that is new is told to nobody until somebody has
thought about it. Left out on purpose is what officers do to look into something (legal holds,
reviews, erasures, readings of the log, questions of who may do what), and what is somebody's own
affair, as a star on another's document.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    column,
    outerjoin,
    select,
    union_all,
    values,
)

from portal.audit.actions import SENTENCES, Action
from portal.audit.models import AuditEntry
from portal.tenancy.session import db

PAGE_SIZE = 50

# Of documents, to who made them: what others did.
TO_DOCUMENTS = frozenset(
    {
        Action.DOCUMENT_COMPARED,
        Action.DOCUMENT_DELETED,
        Action.DOCUMENT_DOWNLOADED,
        Action.DOCUMENT_MOVED,
        Action.DOCUMENT_PREVIEWED,
        Action.DOCUMENT_RENAMED,
        Action.DOCUMENT_RESTORED,
        Action.DOCUMENT_UPLOADED,  # by a link that asks for files
        Action.LINK_CHANGED,
        Action.LINK_MADE,
        Action.LINK_OPENED,
        Action.LINK_REVOKED,
        Action.VERSION_NOTED,
        Action.VERSION_RESTORED,
        Action.VERSION_UPLOADED,
    }
)

# Of a person, to themselves: what others did, or somebody who had not signed in yet.
TO_PEOPLE = frozenset(
    {
        Action.ACCESS_DECLINED,
        Action.ACCESS_EXPIRED,
        Action.ACCESS_GRANTED,
        Action.BREAK_GLASS_USED,
        Action.FACTOR_RESET,
        Action.IDENTITY_LINKED,
        Action.IDENTITY_UNLINKED,
        Action.INVITATION_ACCEPTED,
        Action.MEMBER_DEACTIVATED,
        Action.MEMBER_INVITED,
        Action.MEMBER_PROVISIONED,
        Action.MEMBER_REACTIVATED,
        Action.PASSWORD_RESET,
        Action.PASSWORD_RESET_MADE,
        Action.PERSON_EXPORTED,
        Action.ROLE_ASSIGNED,
        Action.ROLE_END_CHANGED,
        Action.ROLE_REMOVED,
        Action.SESSION_ENDED,
        Action.SIGN_IN_FAILED,
        Action.SIGN_IN_LIMITED,
    }
)

# What somebody did, to themselves.
OWN = (
    TO_DOCUMENTS
    | TO_PEOPLE
    | {
        Action.ACCESS_ASKED,
        Action.ACCESS_REFUSED,
        Action.ACCESS_WITHDRAWN,
        Action.DOCUMENT_COPIED,
        Action.DOCUMENT_POLICY_CHANGED,
        Action.DOCUMENT_PURGE_ASKED,
        Action.DOCUMENT_STARRED,
        Action.DOCUMENT_UNSTARRED,
        Action.DOWNLOAD_STOPPED,
        Action.EXCLUSION_ADDED,
        Action.EXCLUSION_REMOVED,
        Action.FACTOR_ENROLLED,
        Action.FACTOR_REMOVED,
        Action.FACTOR_RENAMED,
        Action.FOLDER_CREATED,
        Action.FOLDER_DELETED,
        Action.FOLDER_DOWNLOADED,
        Action.FOLDER_MOVED,
        Action.FOLDER_PURGE_ASKED,
        Action.FOLDER_RENAMED,
        Action.FOLDER_RESTORED,
        Action.GROUP_CHANGED,
        Action.GROUP_CREATED,
        Action.GROUP_DELETED,
        Action.GROUP_MEMBER_ADDED,
        Action.GROUP_MEMBER_REMOVED,
        Action.KEY_POLICY_CHANGED,
        Action.KEY_ROTATED,
        Action.LINK_POLICY_CHANGED,
        Action.MEMBERS_IMPORTED,
        Action.PASSWORD_CHANGED,
        Action.PASSWORD_REFUSED,
        Action.POLICY_CHANGED,
        Action.PROOF_RENEWED,
        Action.PROVIDER_CHANGED,
        Action.PROVIDER_CREATED,
        Action.PROVIDER_DELETED,
        Action.PROVIDER_OFFERED,
        Action.PROVIDER_TESTED,
        Action.PROVIDER_WITHDRAWN,
        Action.RECOVERY_CODE_USED,
        Action.RECOVERY_CODES_MADE,
        Action.ROLE_CHANGED,
        Action.ROLE_CREATED,
        Action.ROLE_RESTORED,
        Action.ROLE_RETIRED,
        Action.SELECTION_DOWNLOADED,
        Action.SIGN_IN_SUSPECTED,
        Action.SIGNED_IN,
        Action.SIGNED_OUT,
        Action.SSO_ENFORCED,
        Action.SSO_RELEASED,
        Action.UPLOAD_ABANDONED,
        Action.UPLOAD_BEGUN,
        Action.UPLOAD_ENDED,
        Action.UPLOAD_INFECTED,
        Action.UPLOAD_REFUSED,
    }
)


Entries = Select[Any]
_ENTRIES: Entries = select(
    AuditEntry.id,
    AuditEntry.at,
    AuditEntry.action,
    AuditEntry.outcome,
    AuditEntry.actor_kind,
    AuditEntry.actor_id,
    AuditEntry.target,
    AuditEntry.told,
)


class By(StrEnum):
    """Whose acts are asked for."""

    ANYBODY = "anybody"
    ME = "me"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """As much of an entry as the person it concerns is told."""

    id: UUID
    at: datetime
    action: str
    outcome: str
    actor_kind: str
    actor_id: UUID | None
    target: str
    detail: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        return SENTENCES[self.action]

    @property
    def about(self) -> str:
        """What it was done to: of a sharing link, what that leads to."""
        return str(self.detail.get("about", self.target))


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """A page of what somebody is told, newest first, and the id to go on from."""

    entries: Sequence[ActivityEntry]
    older: UUID | None


def list_activity_entries(
    user_id: UUID, things: Collection[str], by: By = By.ANYBODY, before: UUID | None = None
) -> ActivityPage:
    """A page of what a person is told: of themselves and, of others, what was done to `things`.

    An index leads to each of the parts, which give a page at most. No entry is in two of them.
    """
    parts = []
    if by != By.OTHERS:
        parts.append(_own(user_id))
    if by != By.ME:
        parts += [_to_person(user_id), *([_to_things(things, user_id)] if things else [])]
    found = union_all(*(_newest(part, before) for part in parts)).subquery()
    rows = db.session.execute(select(found).order_by(found.c.id.desc()).limit(PAGE_SIZE + 1))
    entries = [ActivityEntry(*row) for row in rows]
    more = entries[PAGE_SIZE - 1].id if len(entries) > PAGE_SIZE else None
    return ActivityPage(entries[:PAGE_SIZE], more)


def _own(user_id: UUID) -> Entries:
    return _ENTRIES.where(AuditEntry.actor_id == user_id, _is_one_of(OWN))


def _to_person(user_id: UUID) -> Entries:
    about = AuditEntry.target == f"user:{user_id}"
    return _ENTRIES.where(about, _is_by_others(user_id), _is_one_of(TO_PEOPLE))


def _to_things(things: Collection[str], user_id: UUID) -> Entries:
    """Joined from the things' side, and fenced off by OFFSET: else SQLite, which keeps no
    statistics of what is in a table, would rather go through the whole log than look up each thing.
    """
    named = values(column("target", String), name="thing").data([(thing,) for thing in things])
    thing = named.cte("thing")
    about = and_(
        AuditEntry.target == thing.c.target, _is_by_others(user_id), _is_one_of(TO_DOCUMENTS)
    )
    looked_up = _ENTRIES.select_from(outerjoin(thing, AuditEntry, about)).offset(0).subquery()
    return select(*looked_up.c).where(looked_up.c.id.is_not(None))


def _is_by_others(user_id: UUID) -> ColumnElement[bool]:
    return AuditEntry.actor_id.is_distinct_from(user_id)


def _is_one_of(actions: Collection[Action]) -> ColumnElement[bool]:
    # With something behind the action, as the index of actions leads to everybody's entries.
    return AuditEntry.action.concat("").in_(sorted(actions))


def _newest(entries: Entries, before: UUID | None) -> Select[Any]:
    """The newest of some entries, older than `before`."""
    entry_id = entries.selected_columns.id
    wanted = entries if before is None else entries.where(entry_id < before)
    newest = wanted.order_by(entry_id.desc()).limit(PAGE_SIZE + 1).subquery()
    return select(*newest.c)
