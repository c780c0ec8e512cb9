"""Whether a file is a report that the portal made, to the last byte; and the signed statement."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import get_entry
from portal.audit.service import record
from portal.core.canonical import canonical
from portal.core.errors import Invalid, NotFound
from portal.evidence.proving import Place, find_place
from portal.keys.signing import Signature, is_genuine
from portal.keys.statements import open_statement, statement_file
from portal.tenancy.session import db

WHAT = "the statement that a report with this digest was made"
LARGEST_STATEMENT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Verified:
    """A report that is genuine, by the entry that tells of it."""

    entry: AuditEntry
    place: Place | None

    @property
    def statement(self) -> Mapping[str, Any]:
        """What was signed."""
        return _statement(self.entry)


def verify_digest(actor: Actor, digest: str) -> Verified:
    """The newest report with this SHA-256. Raises `Forbidden`, or `Invalid` where there is none."""
    require(actor, Permission.AUDIT_READ)
    wanted = digest.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", wanted):
        raise Invalid("A SHA-256 is 64 digits and letters from a to f.")
    entry = _find(wanted)
    if entry is None:
        raise Invalid("No such report was made here: it was altered, or is not one of ours.")
    if not is_genuine(canonical(_statement(entry)), _signature(entry)):
        raise Invalid("The log has this report, but its signature does not match.")
    return Verified(entry, find_place(entry.id))


def verify_file(actor: Actor, pieces: Iterator[bytes]) -> Verified:
    """The same of a file, which is read through once: of a report, or of its signed statement."""
    require(actor, Permission.AUDIT_READ)
    digest, head = sha256(), b""
    for piece in pieces:
        digest.update(piece)
        if len(head) <= LARGEST_STATEMENT:
            head += piece
    if head.startswith(b"{") and len(head) <= LARGEST_STATEMENT:
        return verify_digest(actor, _digest_in(open_statement(head, WHAT)))
    return verify_digest(actor, digest.hexdigest())


def fetch_statement(actor: Actor, entry_id: UUID) -> bytes:
    """The signed statement of a report as a file, which is recorded as a reading of its entry.

    Raises `Forbidden` or `NotFound`.
    """
    require(actor, Permission.AUDIT_READ)
    entry = get_entry(entry_id)
    if entry.action != Action.REPORT_MADE:
        raise NotFound
    record(actor, Action.AUDIT_READ, f"audit:{entry_id}", form="statement")
    return statement_file(canonical(_statement(entry)), _signature(entry), WHAT)


def _find(digest: str) -> AuditEntry | None:
    is_this = AuditEntry.target == f"report:{digest}", AuditEntry.action == Action.REPORT_MADE
    newest = select(AuditEntry).where(*is_this).order_by(AuditEntry.id.desc()).limit(1)
    return db.session.scalars(newest).first()


def _statement(entry: AuditEntry) -> Mapping[str, Any]:
    statement: Mapping[str, Any] = entry.told["statement"]
    return statement


def _signature(entry: AuditEntry) -> Signature:
    return Signature(UUID(entry.told["key_id"]), b64decode(entry.told["signature"]))


def _digest_in(content: bytes) -> str:
    return str(json.loads(content).get("sha256", ""))
