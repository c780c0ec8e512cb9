"""Moving a tenant's blobs from one store to another, as the operator has it done.

    begin_move      the row names the new store, where uploads land from then on
    copy            blob by blob, each read back; whatever is not copied yet is read from the old
    clear           a day later: what came late is copied too, all is compared, the old deleted

Each step may be cut off anywhere and begun again: the old store loses nothing that was not compared
with its copy just before. The day is for uploads and downloads that began under the old row, and
for the operator, who may turn back by moving to where the blobs came from.
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, PortalError
from portal.storage.blobs import BlobExists, BlobMissing, BlobReader, BlobStore, StoredBlob
from portal.storage.chosen import LOCAL, find_home, get_store
from portal.storage.models import BlobHome
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

KEPT_FOR = timedelta(days=1)
PIECE_BYTES = 256 * 1024


class CopyDiffers(PortalError):
    """What lies in the new store is not what lies in the old one."""

    status = 500
    message = "A copy differs from what it was made of. Nothing was deleted."


class Move(NamedTuple):
    """The two stores of a move."""

    new: BlobStore
    old: BlobStore


def begin_move(actor: Actor, to: str) -> None:
    """Have the bound tenant's new blobs go to the store `to`, or go on with what was begun.

    Raises `Invalid` (no such store) or `Conflict`.
    """
    get_store(to)
    home = find_home() or BlobHome(id=bound_tenant_id(), store=LOCAL)
    if home.store == to:
        if home.leaving is None:
            raise Conflict(f"The contents lie in {to} already.")
        return
    if home.leaving not in (None, to):
        raise Conflict(f"First let the move from {home.leaving} to {home.store} end.")
    home.store, home.leaving = to, home.store
    home.moved_at = clock.now()
    db.session.add(home)
    record(actor, Action.CONTENTS_MOVING, "organisation", to=to, leaving=home.leaving)


def get_move() -> Move:
    """The bound tenant's. Raises `Conflict` where nothing moves."""
    home = find_home()
    if home is None or home.leaving is None:
        raise Conflict("The contents are not on the move.")
    return Move(get_store(home.store), get_store(home.leaving))


def list_left(move: Move) -> list[StoredBlob]:
    """What the old store holds, committed or not."""
    return sorted(move.old.list_blobs(bound_tenant_id()))


def copy(move: Move) -> Iterator[StoredBlob]:
    """Copy what the new store lacks; gives each blob when its copy was read back.

    Raises `CopyDiffers` or `StoreUnavailable`.
    """
    sizes = {b.blob_id: b.size_bytes for b in move.new.list_blobs(bound_tenant_id()) if b[3]}
    for blob in list_left(move):
        if blob.is_committed and sizes.get(blob.blob_id) != blob.size_bytes:
            _copy(move, blob)
        yield blob


def clear(move: Move) -> Iterator[StoredBlob]:
    """Delete from the old store what the new one holds as well, byte for byte; gives each blob.

    Raises `Conflict`, `CopyDiffers` or `StoreUnavailable`.
    """
    tenant_id = bound_tenant_id()
    for blob in list_left(move):
        if not blob.is_committed:
            raise Conflict("An upload into the old store is still under way. Try again later.")
        _compare_or_copy(move, blob)
        move.old.delete(tenant_id, blob.blob_id)
        yield blob


def require_old_enough() -> datetime:
    """When the move was begun. Raises `Conflict` where that is less than a day ago, or never."""
    get_move()
    home = find_home()
    if home is None:
        raise Conflict("The contents are not on the move.")
    if clock.now() < (until := home.moved_at + KEPT_FOR):
        raise Conflict(
            f"Transfers that began before the move may still use {home.leaving}"
            f" until {until:%Y-%m-%d %H:%M} UTC."
        )
    return home.moved_at


def end_move(actor: Actor) -> None:
    """Forget the old store, which is empty by now. Raises `Conflict` where it isn't."""
    move = get_move()
    if list_left(move):
        raise Conflict("Something came into the old store meanwhile. Try again.")
    _carry_note(move)
    home = find_home()
    if home is not None:
        record(actor, Action.CONTENTS_MOVED, "organisation", to=home.store, left=home.leaving)
        home.leaving = None


def _carry_note(move: Move) -> None:
    """What was kept since the move began is in the new store already."""
    tenant_id = bound_tenant_id()
    note = move.old.find_note(tenant_id)
    if note is not None and move.new.find_note(tenant_id) is None:
        move.new.keep_note(tenant_id, note)
    move.old.forget_note(tenant_id)


def _copy(move: Move, blob: StoredBlob) -> None:
    tenant_id = bound_tenant_id()
    try:
        with move.old.open(tenant_id, blob.blob_id) as source:
            digest = hashlib.sha256()
            with move.new.create(tenant_id, blob.blob_id) as writer:
                while piece := source.read(PIECE_BYTES):
                    digest.update(piece)
                    writer.write(piece)
                writer.commit()
    except BlobMissing:
        return  # its document was deleted meanwhile
    except BlobExists:
        _compare_or_copy(move, blob)
        return
    with move.new.open(tenant_id, blob.blob_id) as copied:
        if copied.size_bytes != blob.size_bytes or _digest(copied) != digest.digest():
            raise CopyDiffers


def _compare_or_copy(move: Move, blob: StoredBlob) -> None:
    tenant_id = bound_tenant_id()
    try:
        copied = move.new.open(tenant_id, blob.blob_id)
    except BlobMissing:
        _copy(move, blob)
        return
    with suppress(BlobMissing), copied, move.old.open(tenant_id, blob.blob_id) as source:
        if copied.size_bytes != source.size_bytes or _digest(copied) != _digest(source):
            raise CopyDiffers


def _digest(blob: BlobReader) -> bytes:
    digest = hashlib.sha256()
    while piece := blob.read(PIECE_BYTES):
        digest.update(piece)
    return digest.digest()
