"""What officers see of the proof of their log: its newest checkpoint, and the proof of an entry."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.audit.queries import get_entry, list_latest
from portal.audit.service import record
from portal.audit.tlog.bodies import body_of
from portal.audit.tlog.models import AuditCheckpoint, AuditLeaf
from portal.audit.tlog.notes import Checkpoint, Malformed, Note, VerifierKey
from portal.audit.tlog.proofs import Proof, parse_proof
from portal.audit.tlog.tiles import count_leaves, open_tree
from portal.audit.tlog.trees import Incomplete
from portal.core.errors import Conflict, Invalid
from portal.evidence.checking import VERDICTS
from portal.evidence.signed import (
    find_announced_key,
    find_newest_signed,
    get_newest,
    has_signed,
    list_verifier_keys,
)
from portal.keys.queries import list_signing_keys
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


class NotCovered(Conflict):
    """The entry came after the newest checkpoint."""

    message = "This entry has not been signed yet. The portal does so within a minute: try again."


@dataclass(frozen=True, slots=True)
class Evidence:
    """The newest checkpoint with the key that signed it, and what reading the log back came to."""

    newest: AuditCheckpoint | None
    key: VerifierKey | None
    verdict: AuditEntry | None


@dataclass(frozen=True, slots=True)
class Place:
    """An entry's number in the log, and whether a checkpoint covers it."""

    number: int
    is_covered: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What a proof proves. `is_held`: the log as it is now still begins with what was signed."""

    entry: Mapping[str, Any]
    number: int
    checkpoint: Checkpoint
    signed_at: datetime | None
    is_held: bool


def show_evidence(actor: Actor) -> Evidence:
    """The state of the log's proof. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_READ)
    newest, verdicts = find_newest_signed(), list_latest(VERDICTS, 1)
    keys = list_verifier_keys() if newest else []
    return Evidence(newest, keys[0] if keys else None, verdicts[0] if verdicts else None)


def find_place(entry_id: UUID) -> Place | None:
    """Where an entry is in the log; None as long as it waits for its number."""
    return _place_at(entry_id, find_newest_signed())


def prove_entry(actor: Actor, entry_id: UUID) -> Proof:
    """The proof of an entry, which is recorded as a reading of it.

    Raises `Forbidden`, `NotFound`, `Unsigned` or `NotCovered`.
    """
    require(actor, Permission.AUDIT_READ)
    entry, newest = get_entry(entry_id), get_newest()
    place = _place_at(entry_id, newest)
    if place is None or not place.is_covered:
        raise NotCovered
    record(actor, Action.AUDIT_READ, f"audit:{entry_id}", form="proof")
    hashes = open_tree().inclusion(place.number, newest.size)
    return Proof(body_of(entry), place.number, hashes, newest.note)


def verify_proof(actor: Actor, text: str) -> Verified:
    """What a proof proves that somebody has brought, whoever made it.

    Raises `Forbidden`, `KeyUnavailable`, or `Invalid` where it proves nothing.
    """
    require(actor, Permission.AUDIT_READ)
    try:
        proof = parse_proof(text)
        checkpoint = proof.signed.checkpoint
        entry = json.loads(proof.entry)
    except (Malformed, ValueError, RecursionError):
        raise Invalid("This is not the proof of an entry.") from None
    signers = _find_signers(proof.signed)
    if not signers:
        raise Invalid("This was not signed by a key of this organisation.")
    announced = find_announced_key(checkpoint.size)
    if announced and announced.id not in signers:
        raise Invalid("This was signed by a key that another had replaced by then.")
    if not proof.holds:
        raise Invalid("This proves nothing: the entry is not what was signed.")
    return Verified(entry, proof.number, checkpoint, _signed_at(checkpoint), _is_held(checkpoint))


def _place_at(entry_id: UUID, newest: AuditCheckpoint | None) -> Place | None:
    leaf = db.session.get(AuditLeaf, (bound_tenant_id(), entry_id))
    if leaf is None:
        return None
    return Place(leaf.number, newest is not None and leaf.number < newest.size)


def _find_signers(note: Note) -> Set[UUID]:
    """The organisation's keys that signed it for this log, be it known that they did or not."""
    origin = note.checkpoint.origin
    if origin.split("/")[1:3] != ["audit", str(bound_tenant_id())]:
        return set()
    return {key.id for key in list_signing_keys() if has_signed(key, note)}


def _signed_at(checkpoint: Checkpoint) -> datetime | None:
    same = AuditCheckpoint.origin == checkpoint.origin, AuditCheckpoint.size == checkpoint.size
    return db.session.scalars(select(AuditCheckpoint.signed_at).where(*same)).one_or_none()


def _is_held(checkpoint: Checkpoint) -> bool:
    try:
        is_there = checkpoint.size <= count_leaves()
        return is_there and open_tree().root(checkpoint.size) == checkpoint.root
    except Incomplete:
        return False
