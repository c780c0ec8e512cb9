"""What was signed of the bound tenant's log, by which keys, and which sign it now."""

from collections.abc import Sequence, Set

from sqlalchemy import select

from portal.audit.actions import Action
from portal.audit.models import AuditEntry
from portal.audit.tlog.models import AuditCheckpoint, AuditLeaf
from portal.audit.tlog.notes import Checkpoint, Malformed, Note, VerifierKey, parse_note
from portal.core.errors import NotFound
from portal.keys.models import SigningKey
from portal.keys.providers import KeyDamaged
from portal.keys.queries import list_signing_keys
from portal.keys.signing import get_live_key, get_signing_key, public_part
from portal.tenancy.session import db

_NEWEST_FIRST = AuditCheckpoint.id.desc()


class Unsigned(NotFound):
    """There is no checkpoint yet."""

    message = "The log has not been signed yet. The worker does it; try again in a minute."


def find_newest_signed() -> AuditCheckpoint | None:
    """The newest checkpoint with its note."""
    return db.session.scalars(select(AuditCheckpoint).order_by(_NEWEST_FIRST).limit(1)).first()


def get_newest() -> AuditCheckpoint:
    """The newest checkpoint with its note. Raises `Unsigned`."""
    found = find_newest_signed()
    if found is None:
        raise Unsigned
    return found


def is_genuine(signed: AuditCheckpoint) -> bool:
    """Whether a checkpoint is what the key of its row has signed. Raises `KeyUnavailable`."""
    try:
        note, key = parse_note(signed.note), get_signing_key(signed.signing_key_id)
    except (Malformed, NotFound):
        return False
    is_same = note.checkpoint == Checkpoint(signed.origin, signed.size, signed.root)
    return is_same and has_signed(key, note)


def has_signed(key: SigningKey, note: Note) -> bool:
    """Whether a key of the bound tenant has signed a checkpoint in its log's own name. Raises
    `KeyUnavailable`.
    """
    try:
        return note.is_signed_by(VerifierKey(note.checkpoint.origin, public_part(key)))
    except KeyDamaged:
        return False


def find_signed(checkpoint: Checkpoint) -> AuditCheckpoint | None:
    """A checkpoint with its note, if the tenant's rows still tell of it."""
    same = (
        AuditCheckpoint.origin == checkpoint.origin,
        AuditCheckpoint.size == checkpoint.size,
        AuditCheckpoint.root == checkpoint.root,
    )
    return db.session.scalars(select(AuditCheckpoint).where(*same)).one_or_none()


def list_verifier_keys() -> Sequence[VerifierKey]:
    """The keys that signed the log, each under each name it signed for, newest first."""
    used = (
        select(AuditCheckpoint.origin, SigningKey.public_key)
        .join(SigningKey, SigningKey.id == AuditCheckpoint.signing_key_id)
        .group_by(AuditCheckpoint.origin, SigningKey.id, SigningKey.public_key)
        .order_by(SigningKey.id.desc(), AuditCheckpoint.origin.desc())
    )
    return [VerifierKey(origin, public_key) for origin, public_key in db.session.execute(used)]


def list_signers(size: int) -> Sequence[SigningKey]:
    """The keys that a checkpoint over so many entries is signed by.

    It is the one that signed the last, and with it, the first time, the one that took over: not
    before the log tells of it up to there, so that who knows the old key finds the new one.
    """
    keys, last = list_signing_keys() or [get_live_key()], find_newest_signed()
    before = next((key for key in keys if last and key.id == last.signing_key_id), keys[-1])
    announced = _list_announced(size)
    later = [key for key in keys if key.id > before.id and f"signing-key:{key.id}" in announced]
    return [before, *sorted(later, key=lambda key: key.id)[-1:]]


def find_announced_key(size: int) -> SigningKey | None:
    """The newest key that the log tells of among so many entries: no earlier one signs them alone.

    None where it tells of none, or does not any more: such entries were pruned once.
    """
    announced = _list_announced(size)
    keys = sorted(list_signing_keys(), key=lambda key: key.id, reverse=True)
    return next((key for key in keys if f"signing-key:{key.id}" in announced), None)


def _list_announced(size: int) -> Set[str]:
    """The keys that entries tell of, as their targets, among so many."""
    made = (
        select(AuditEntry.target)
        .join(AuditLeaf, AuditLeaf.id == AuditEntry.id)
        .where(AuditEntry.action == Action.SIGNING_KEY_MADE, AuditLeaf.number < size)
    )
    return set(db.session.scalars(made))
