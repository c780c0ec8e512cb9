"""Replaying the audit log up to a moment."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from portal.access.history.world import ACTIONS, PLACING, World
from portal.audit.actions import Outcome
from portal.audit.entries import ENTRIES, Entry, entry_from
from portal.audit.models import AuditEntry
from portal.core.errors import NotFound
from portal.tenancy.session import db

MAX_DEPTH = 64  # more than folders can lie deep, and an end in any case

_entry = AuditEntry.__table__


def replay_access(at: datetime) -> World:
    """Who held what at a moment, in one statement. Where things lay is another: `replay_place`."""
    world = World()
    for entry in _entries(at, _entry.c.action.in_(sorted(ACTIONS - PLACING))):
        world.apply(entry)
    return world


def replay_place(world: World, target: str, at: datetime) -> None:
    """Tell `world` where a folder or document lay: a statement for it, and one a folder above.

    Raises `NotFound` where the log tells of no such thing by then.
    """
    if not _replay_target(world, target, at):
        raise NotFound
    for _ in range(MAX_DEPTH):
        unknown = world.unknown_folders(target)
        if not unknown:
            return
        for folder_id in unknown:
            if not _replay_target(world, f"folder:{folder_id}", at):
                raise NotFound


def _replay_target(world: World, target: str, at: datetime) -> bool:
    is_known = False
    for entry in _entries(at, _entry.c.target == target, _entry.c.action.in_(sorted(PLACING))):
        world.apply(entry)
        is_known = True
    return is_known


def _entries(at: datetime, *which: Any) -> Iterator[Entry]:
    """Entries with the reasons that they tell; those are gone once they were erased."""
    statement = ENTRIES.where(_entry.c.at <= at, _entry.c.outcome == Outcome.SUCCESS, *which)
    yield from map(entry_from, db.session.execute(statement.order_by(_entry.c.id)))
