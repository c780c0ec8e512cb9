"""Ending sharing links before their time, for good."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update

from portal.access.decision import Target, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict
from portal.documents.links.managing import get_managed_link
from portal.documents.links.models import SharingLink
from portal.tenancy.session import change, db
from portal.users.queries import get_user


def revoke_link(actor: Actor, link_id: UUID) -> None:
    """End a link. Raises `NotFound`, or `Conflict` where it has been revoked already."""
    get_managed_link(actor, link_id)
    if not revoke_where(actor, SharingLink.id == link_id):
        raise Conflict("This link has ended already.")


def revoke_links_of(actor: Actor, user_id: UUID) -> int:
    """End all links of a person; gives how many there were. Raises `NotFound` or `Forbidden`."""
    require(actor, Permission.LINK_REVOKE, Target(f"user:{user_id}"))
    get_user(user_id)
    return revoke_where(actor, SharingLink.created_by == user_id)


def revoke_where(actor: Actor, which: ColumnElement[bool], *, why: str = "") -> int:
    """End the links that are meant and still work; access is the caller's to decide.

    Each is an entry in the log. Of two who end the same link one does.
    """
    now = clock.now()
    is_live = _has_not_ended(now)
    rows = db.session.scalars(
        select(SharingLink).where(which, is_live).order_by(SharingLink.id).with_for_update()
    ).all()
    if not rows:
        return 0
    change(
        update(SharingLink)
        .where(which, is_live)
        .values(revoked_at=now, revoked_by=actor.user_id)
        .execution_options(synchronize_session=False)
    )
    for link in rows:
        record(actor, Action.LINK_REVOKED, f"link:{link.id}", about=link.target, why=why or None)
    return len(rows)


def count_where(which: ColumnElement[bool]) -> int:
    """How many links `revoke_where` would end."""
    live = select(func.count(SharingLink.id)).where(which, _has_not_ended(clock.now()))
    return db.session.execute(live).scalar_one()


def _has_not_ended(now: datetime) -> ColumnElement[bool]:
    return and_(SharingLink.revoked_at.is_(None), SharingLink.expires_at > now)
