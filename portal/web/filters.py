"""How times, sizes and names of things read on a page."""

from datetime import datetime
from uuid import UUID

from flask import Flask, g

from portal.access.decision import Member, holds_anywhere
from portal.access.permissions import Permission
from portal.auth.devices import device_of
from portal.core import clock
from portal.documents.kinds import kind_of
from portal.documents.undoing import can_undo_move
from portal.documents.waiting import Waiting, count_waiting

UNITS = ("KiB", "MiB", "GiB", "TiB")


def init_app(app: Flask) -> None:
    """Have templates use these as filters."""
    app.add_template_filter(size)
    app.add_template_filter(moment)
    app.add_template_filter(isotime)
    app.add_template_filter(device_of, "device")
    app.add_template_filter(kind_of, "kind")
    app.add_template_global(allowed)
    app.add_template_global(waiting_for_me)
    app.add_template_global(can_undo)
    app.add_template_global(clock.now)


def size(size_bytes: int) -> str:
    """A number of bytes in the unit that suits it: multiples of 1024, as limits are given in."""
    if size_bytes < 1024:
        return f"{size_bytes} byte" + ("" if size_bytes == 1 else "s")
    value = float(size_bytes)
    for unit in UNITS:
        value /= 1024
        if value < 1023.95 or unit == UNITS[-1]:
            break
    return f"{value:.1f} {unit}"


def moment(at: datetime) -> str:
    """A time for people, in UTC: the log, the pages and the operator speak of the same hour."""
    return at.replace(tzinfo=None).isoformat(" ", "minutes") + " UTC"


def allowed(permission: str) -> bool:
    """Whether the visitor holds a permission anywhere: enough to be shown the way there."""
    return holds_anywhere(g.actor, next(p for p in Permission if p == permission))


def waiting_for_me() -> Waiting:
    """What the visitor may decide, for the counts in the navigation."""
    return count_waiting(g.actor)


def can_undo(move: str) -> bool:
    """Whether the visitor could take back what they have just moved by the request of this id."""
    return isinstance(g.actor, Member) and can_undo_move(g.actor, UUID(move))


def isotime(at: datetime) -> str:
    """A time for machines, as in `<time datetime>`."""
    return at.isoformat(timespec="seconds")
