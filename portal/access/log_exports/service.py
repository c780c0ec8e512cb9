"""Getting a part of the audit log ready, and reading it out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.service import ask, wants_second
from portal.access.audit_log import with_people
from portal.access.decision import require
from portal.access.log_exports.models import LogExport
from portal.access.permissions import Permission
from portal.audit import export
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.export import Form
from portal.audit.queries import Filters, read_filters
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

VALID_FOR = timedelta(days=1)


def make_export(actor: Actor, filters: Filters, form: Form, reason: str) -> LogExport | PendingAct:
    """Get a part of the log ready, or ask for a second person where the tenant wants two.

    Raises `Forbidden`, `NobodyElse` or `Conflict`.
    """
    require(actor, Permission.AUDIT_EXPORT)
    payload = {"filters": _plain(filters), "form": form}
    if wants_second(actor, Kind.EXPORT_LOG):
        return ask(actor, Kind.EXPORT_LOG, f"log-export:{new_id()}", payload, reason)
    return _make(actor, actor.user_id, new_id(), payload, reason)


def require_to_export(actor: Actor, _act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may take the log out."""
    require(actor, Permission.AUDIT_EXPORT)


def make_agreed(actor: Actor, act: PendingAct) -> None:
    """Get ready what somebody asked for, and for nobody but them."""
    export_id = UUID(act.target.partition(":")[2])
    _make(actor, act.asked_by, export_id, act.payload, act.reason, **act.consent.detail())


def list_exports(actor: Actor) -> Sequence[LogExport]:
    """What `actor` may download now, newest first. Raises `Forbidden`."""
    require(actor, Permission.AUDIT_EXPORT)
    return db.session.scalars(
        select(LogExport)
        .where(LogExport.asked_by == actor.user_id, LogExport.expires_at > clock.now())
        .order_by(LogExport.made_at.desc(), LogExport.id.desc())
        .limit(100)
    ).all()


def open_export(actor: Actor, export_id: UUID) -> LogExport:
    """An export that is about to be downloaded, which is recorded.

    Raises `Forbidden`, or `NotFound` for one that is somebody else's or has expired.
    """
    found = _get(actor, export_id)
    record(actor, Action.AUDIT_EXPORTED, _target(found.id), form=found.form, filters=found.filters)
    return found


def read_on(actor: Actor, export_id: UUID, after: UUID | None) -> tuple[str, UUID | None]:
    """The entries that follow `after`, as text, and the last one's id; None once there are no more.

    Whether `actor` may have them is decided for every batch. Raises as `open_export`.
    """
    found = _get(actor, export_id)
    filters = with_people(filters_of(found))
    return export.read_batch(filters, Form(found.form), after=after, up_to=found.last_entry_id)


def filters_of(found: LogExport) -> Filters:
    """What an export was narrowed to."""
    return read_filters(found.filters)


def sweep_exports() -> None:
    """Delete what has expired; the log tells of it."""
    db.session.execute(delete(LogExport).where(LogExport.expires_at < clock.now()))


def _make(
    actor: Actor, owner: UUID | None, export_id: UUID, payload: Any, reason: str, **agreed: Any
) -> LogExport:
    made = LogExport(
        id=export_id,
        asked_by=owner,
        filters=payload["filters"],
        form=payload["form"],
        reason=reason,
        last_entry_id=export.newest_entry_id(),
        expires_at=clock.now() + VALID_FOR,
    )
    db.session.add(made)
    record(actor, Action.AUDIT_EXPORT_MADE, _target(export_id), **payload, reason=reason, **agreed)
    return made


def _get(actor: Actor, export_id: UUID) -> LogExport:
    require(actor, Permission.AUDIT_EXPORT)
    found = db.session.get(LogExport, (bound_tenant_id(), export_id))
    if found is None or found.asked_by != actor.user_id or found.expires_at <= clock.now():
        raise NotFound
    return found


def _plain(filters: Filters) -> dict[str, str]:
    """Filters as a row and an entry keep them."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in filters.given.items()
    }


def _target(export_id: UUID) -> str:
    return f"log-export:{export_id}"
