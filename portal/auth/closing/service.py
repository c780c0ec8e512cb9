"""Asking to close, agreeing, and taking it back.

An admin asks and another agrees, always, by the approvals; or the operator asks, and one person of
the organisation agrees who cares for its keys. From then on nothing is changed any more, and
everything can be read, until the end of the waiting time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, true, update

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import find_waiting
from portal.access.approvals.service import ask
from portal.access.decision import decide, require
from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.closing.models import Closing
from portal.auth.closing.queries import CLOSING, find_closing
from portal.auth.fresh import require_fresh
from portal.auth.notices import Notice, tell
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.settings import active
from portal.tenancy.binding import bound
from portal.tenancy.session import change, db
from portal.tenancy.turns import take_turn
from portal.users.queries import names_of

TARGET = "organisation"


class ClosesAlready(Conflict):
    """One closing at a time."""

    message = "The organisation closes already, or somebody has asked for it."


class NotClosing(Conflict):
    """There is nothing to agree to or to take back any more."""

    message = "This has been decided, or its time is over."


def ask_to_close(actor: Actor, slug: str, reason: str) -> PendingAct:
    """Ask a second admin to agree. `slug` is typed, so that nobody closes what they did not mean.

    Raises `Forbidden`, `StepUpNeeded`, `Invalid`, `NobodyElse` or `Conflict`.
    """
    require(actor, Permission.ORGANISATION_CLOSE)
    require_fresh(actor, Act.KEYS)
    if slug.strip() != bound().tenant.slug:
        raise Invalid("This is not the organisation's short name.")
    _require_open()
    return ask(actor, Kind.CLOSE_ORGANISATION, TARGET, {}, reason)


@dataclass(frozen=True, slots=True)
class ShownClosing:
    """How it stands, with the names of who asked and agreed."""

    closing: Closing | None
    is_waiting: bool  # for a second admin
    people: Mapping[UUID, str]


def show_closing(actor: Actor) -> ShownClosing:
    """How it stands. Raises `Forbidden`."""
    if not decide(actor, Permission.KEY_ROTATE):
        require(actor, Permission.ORGANISATION_CLOSE)
    closing = find_closing()
    named = {closing.asked_by, closing.agreed_by} if closing else set()
    return ShownClosing(
        closing,
        find_waiting(Kind.CLOSE_ORGANISATION, TARGET) is not None,
        names_of({user_id for user_id in named if user_id}),
    )


def require_to_close(actor: Actor, _act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may close the organisation."""
    require(actor, Permission.ORGANISATION_CLOSE)


def close_agreed(actor: Actor, act: PendingAct) -> None:
    """Begin the closing that two admins agree to. Raises `ClosesAlready`."""
    _require_open()
    closing = Closing(asked_by=act.asked_by, asked_at=act.asked_at, reason=act.reason)
    db.session.add(closing)
    db.session.flush()
    _begin(actor, closing, **act.consent.detail())


def ask_as_operator(actor: Actor, reason: str) -> Closing:
    """Have one person of the organisation asked to agree. Raises `ClosesAlready`."""
    _require_open()
    closing = Closing(reason=reason)
    db.session.add(closing)
    db.session.flush()
    record(actor, Action.CLOSING_ASKED, TARGET, reason=reason)
    _tell(Notice.CLOSING_ASKED, actor)
    return closing


def agree_with_operator(actor: Actor) -> None:
    """Begin the closing that the operator asks for.

    Raises `Forbidden`, `StepUpNeeded` or `NotClosing`.
    """
    require_care(actor)
    closing = find_closing()
    if closing is None or closing.asked_by is not None:
        raise NotClosing
    _begin(actor, closing)


def require_care(actor: Actor) -> None:
    """Raises `Forbidden` or `StepUpNeeded` unless `actor` cares for the organisation's keys."""
    require(actor, Permission.KEY_ROTATE)
    require_fresh(actor, Act.KEYS)


def take_back(actor: Actor) -> None:
    """Have the organisation stay, while there is time; or decline what the operator asks for.

    Raises `Forbidden`, `StepUpNeeded` or `NotClosing`.
    """
    require(actor, Permission.ORGANISATION_CLOSE)
    require_fresh(actor, Act.KEYS)
    _take_back(actor, Closing.ends_at.is_(None) | (Closing.ends_at > clock.now()))


def take_back_as_operator(actor: Actor) -> None:
    """The same when the time is over as well, but nothing is destroyed. Raises `NotClosing`."""
    _take_back(actor, true())


def _take_back(actor: Actor, is_in_time: ColumnElement[bool]) -> None:
    is_taken_back = change(
        update(Closing)
        .where(Closing.withdrawn_at.is_(None), is_in_time)
        .values(withdrawn_at=clock.now(), withdrawn_by=actor.user_id)
        .execution_options(synchronize_session=False)
    )
    if not is_taken_back:
        raise NotClosing
    record(actor, Action.CLOSING_WITHDRAWN, TARGET)
    _tell(Notice.CLOSING_WITHDRAWN, actor)


def _begin(actor: Actor, closing: Closing, **agreed: Any) -> None:
    """Of two who agree at once one is refused. Contents that are being added are let in first."""
    take_turn(CLOSING)
    now = clock.now()
    ends_at = now + timedelta(days=active().closing_days)
    is_begun = change(
        update(Closing)
        .where(
            Closing.id == closing.id, Closing.agreed_at.is_(None), Closing.withdrawn_at.is_(None)
        )
        .values(agreed_by=actor.user_id, agreed_at=now, ends_at=ends_at)
        .execution_options(synchronize_session=False)
    )
    if not is_begun:
        raise NotClosing
    record(actor, Action.CLOSING_BEGUN, TARGET, ends_at=ends_at.isoformat(), **agreed)
    _tell(Notice.CLOSING_BEGUN, actor, until=f"{ends_at:%Y-%m-%d %H:%M} UTC")


def _require_open() -> None:
    if find_closing() is not None:
        raise ClosesAlready


def _tell(notice: Notice, actor: Actor, **facts: Any) -> None:
    """Tell whoever could agree, or could take it back."""
    people = list_people_with(Permission.ORGANISATION_CLOSE) | list_people_with(
        Permission.KEY_ROTATE
    )
    for user_id in sorted(people):
        tell(user_id, notice, actor=actor, **facts)
