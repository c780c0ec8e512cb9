"""Replaying the audit log up to a moment."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from portal.access.history.world import ACTIONS, PLACING, World
from portal.audit.actions import Outcome
from portal.audit.models import AuditAside, AuditEntry, merged
from portal.core.errors import NotFound
from portal.tenancy.session import db

MAX_DEPTH = 64  # more than folders can lie deep, and an end in any case

_entry, _aside = AuditEntry.__table__, AuditAside.__table__
_COLUMNS = (
    _entry.c.at,
    _entry.c.action,
    _entry.c.actor_id,
    _entry.c.target,
    _entry.c.told,
    _aside.c.personal,
)


@dataclass(slots=True)
class _Entry:
    """An entry as `World` takes it."""

    at: datetime
    action: str
    actor_id: UUID | None
    target: str
    detail: Mapping[str, Any]


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


def _entries(at: datetime, *which: Any) -> Iterator[_Entry]:
    """Entries with the reasons that they tell; those are gone once they were erased."""
    statement: Select[Any] = (
        select(*_COLUMNS)
        .outerjoin_from(_entry, _aside, _entry.c.id == _aside.c.id)
        .where(_entry.c.at <= at, _entry.c.outcome == Outcome.SUCCESS, *which)
        .order_by(_entry.c.id)
    )
    for when, action, actor_id, target, told, personal in db.session.execute(statement):
        yield _Entry(when, action, actor_id, target, merged(told, personal))
