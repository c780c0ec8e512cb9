"""Signing the bound tenant's log, over and over, and never against what was signed before.

A log that is smaller than it was, or has another past, was cut, altered or restored from a backup:
which of them, the portal can't know. Such a log is not signed on in the old name. It goes on as
another epoch, under another origin, which is recorded and told.
"""

from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from portal.audit.actions import Action, Outcome
from portal.audit.actor import SYSTEM
from portal.audit.service import record
from portal.audit.tlog.known import find_known, remember
from portal.audit.tlog.models import AuditCheckpoint
from portal.audit.tlog.notes import Checkpoint, countersign, sign_checkpoint
from portal.audit.tlog.tiles import add_nodes, count_leaves, open_tree
from portal.audit.tlog.trees import Incomplete, Tree
from portal.core.settings import active
from portal.evidence.signed import list_signers
from portal.keys.signing import sign_by
from portal.tenancy.binding import bound
from portal.tenancy.queries import find_tenant_host
from portal.tenancy.session import db
from portal.tenancy.turns import try_turn


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that was just signed, and whether an epoch begins with it."""

    checkpoint: Checkpoint
    begins_epoch: bool


def sign_log(held: Checkpoint | None = None) -> Signed | None:
    """Sign the log as it is, if it has grown since, and has not grown by too much at once for its
    nodes to be added here (`tlog.tiles.add_nodes`).

    `held` is what is known of it from outside of all databases (`holding`). Once it is committed
    the main database is to know of it (`remember_newest`). One process at a time: another one that
    is at it is left alone. Raises `KeyUnavailable`.
    """
    if not try_turn("checkpoint"):
        return None
    size = count_leaves()  # now that nobody else signs: a size from before would be too small
    if add_nodes(size):
        return None
    tree, last, known = open_tree(), find_newest(), find_known(bound().tenant.id)
    if last and last == known and last.size == size:
        return None
    broken = [at for at in (last, known, held) if at and not _continues(at, last, tree, size)]
    if broken:
        return _begin_epoch(tree, size, last or broken[0], max(broken, key=epoch_of))
    if size == (last.size if last else 0):
        return None
    origin = last.origin if last else f"{_host()}/audit/{bound().tenant.id}"
    return Signed(_sign(Checkpoint(origin, size, tree.root(size))), begins_epoch=False)


def remember_newest() -> None:
    """Let the main database know of the newest checkpoint that is committed."""
    newest, tenant_id = find_newest(), bound().tenant.id
    if newest and newest != find_known(tenant_id):
        remember(tenant_id, newest)


def find_newest() -> Checkpoint | None:
    """The newest checkpoint that the tenant's rows tell of."""
    statement = select(AuditCheckpoint.origin, AuditCheckpoint.size, AuditCheckpoint.root)
    row = db.session.execute(statement.order_by(AuditCheckpoint.id.desc()).limit(1)).one_or_none()
    return None if row is None else Checkpoint(*row)


def epoch_of(checkpoint: Checkpoint) -> int:
    """The number of an epoch, which the origin ends with; that of the first is left out."""
    _, _, named = checkpoint.origin.partition("/audit/")
    number = named.partition("/")[2]
    return int(number) if number else 1


def _continues(earlier: Checkpoint, last: Checkpoint | None, tree: Tree, size: int) -> bool:
    """Whether the tree, of this size now, begins with one that was signed.

    What is known of epochs before the last one says nothing: that one began by their end.
    """
    if last is None or epoch_of(earlier) > epoch_of(last):
        return False
    if epoch_of(earlier) < epoch_of(last):
        return True
    try:
        return earlier.size <= size and tree.root(earlier.size) == earlier.root
    except Incomplete:
        return False


def _begin_epoch(tree: Tree, size: int, known: Checkpoint, broken: Checkpoint) -> Signed:
    base, _, tenant = known.origin.partition("/audit/")
    origin = f"{base}/audit/{tenant.partition('/')[0]}/{epoch_of(broken) + 1}"
    detail = {"before": {"origin": broken.origin, "size": broken.size, "root": broken.root.hex()}}
    record(SYSTEM, Action.LOG_EPOCH_BEGUN, "audit", Outcome.FAILURE, origin=origin, **detail)
    return Signed(_sign(Checkpoint(origin, size, tree.root(size))), begins_epoch=True)


def _sign(checkpoint: Checkpoint) -> Checkpoint:
    last, *after = list_signers(checkpoint.size)
    note = sign_checkpoint(checkpoint, last.public_key, partial(sign_by, last))
    for key in after:
        note = countersign(note, key.public_key, partial(sign_by, key))
    signed_by = after[-1] if after else last
    values = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root}
    db.session.add(AuditCheckpoint(note=note, signing_key_id=signed_by.id, **values))
    return checkpoint


def _host() -> str:
    slug = bound().tenant.slug
    return find_tenant_host(slug) or f"{slug}.{active().apex}"
