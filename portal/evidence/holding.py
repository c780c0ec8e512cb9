"""The newest checkpoint of the bound tenant's log, kept beside its contents.

A database that is restored as a whole takes along all that it remembers of the log. What is held
beside the contents stays, and shows that the log had come further. It is looked at before the log
is signed, and written afterwards, at most once a minute. A store that does not answer keeps no log
from being signed: it is left alone for a minute, and what it holds is not written over unseen.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from portal.audit.tlog.notes import Checkpoint, Malformed, parse_note, parse_number
from portal.audit.tlog.tiles import count_leaves
from portal.evidence.signed import find_newest_signed, find_signed
from portal.storage.blobs import StoreUnavailable
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import release

EVERY = timedelta(minutes=1)
LEFT_ALONE_SECONDS = 60.0

log = structlog.get_logger()

_asked_again_at = float("-inf")


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds, if it holds anything, and whether it could be asked."""

    checkpoint: Checkpoint | None = None
    is_known: bool = False


def look_up_held() -> Held:
    """What is held of a log that has grown since it was signed; otherwise nobody is asked.

    It must come first in a unit of work, or after a commit: the store may be slow.
    """
    if time.monotonic() < _asked_again_at:
        return Held()
    newest, size = find_newest_signed(), count_leaves()
    release()
    if newest and newest.size == size:
        return Held()
    try:
        content = blobs().find_note(bound_tenant_id())
    except StoreUnavailable:
        _leave_alone("not looked up")
        return Held()
    return Held(_read(content) if content else None, is_known=True)


def hold_newest(before: Held) -> None:
    """Have the newest checkpoint that is committed held, unless one of just before is.

    `before` is what was held when the log was signed. It must come after a commit.
    """
    newest = find_newest_signed()
    is_due = before.is_known and newest is not None and _is_old(before.checkpoint, newest.signed_at)
    content = newest.note.encode() if newest else b""  # what is read later begins a transaction
    release()
    if not is_due:
        return
    try:
        blobs().keep_note(bound_tenant_id(), content)
    except StoreUnavailable:
        _leave_alone("not written")


def _is_old(held: Checkpoint | None, now: datetime) -> bool:
    signed = find_signed(held) if held else None
    return signed is None or signed.signed_at + EVERY <= now


def _read(content: bytes) -> Checkpoint | None:
    """Who signed it is not asked: a restored database may not know the key any more. Whoever
    writes to the store can make an epoch begin by it, and no more.
    """
    try:
        found = parse_note(content.decode()).checkpoint
        is_own = _is_origin_of(found.origin, bound_tenant_id())
    except (Malformed, UnicodeDecodeError):
        is_own = False
    if not is_own:
        log.warning("what is held of a log is none of its checkpoints")
        return None
    return found


def _is_origin_of(origin: str, tenant_id: UUID) -> bool:
    """Raises `Malformed` where an epoch has no number."""
    _host, *rest = origin.split("/")
    if rest[2:]:
        parse_number(rest[2])
    return rest[:2] == ["audit", str(tenant_id)] and len(rest) <= 3


def _leave_alone(what: str) -> None:
    global _asked_again_at  # noqa: PLW0603  # a process asks for all its organisations
    _asked_again_at = time.monotonic() + LEFT_ALONE_SECONDS
    log.warning("the store of contents does not answer for a log's checkpoint", what=what)
