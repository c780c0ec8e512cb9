"""What a tenant allows of sharing links: whether at all, for how long, under which conditions.

Tightening ends at once what it forbids, for good: loosening later brings no link back.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from portal.access.decision import require
from portal.access.locking import lock_access_as
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.documents.links.kinds import Audience, Kind
from portal.documents.links.models import LinkPolicy, SharingLink
from portal.documents.links.revoking import count_where, revoke_where
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

USUAL_DAYS = 7
MOST_DAYS = 366


class Mode(StrEnum):
    """Whether there are links at all."""

    OFF = "off"
    INTERNAL = "internal"  # for members alone, who sign in
    ON = "on"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force; `is_lock_required` wants a password, listed people, or members."""

    mode: Mode = Mode.ON
    max_days: int = 30
    is_lock_required: bool = False
    is_view_only: bool = False

    @property
    def latest_end(self) -> datetime:
        """How far away the end of a link may lie now: whole days, in UTC."""
        return end_of_day(self.max_days)

    @property
    def usual_end(self) -> datetime:
        """The end of a link whose maker says nothing about it."""
        return end_of_day(min(USUAL_DAYS, self.max_days))


@dataclass(frozen=True, slots=True)
class Shown:
    """The rules; `version` tells whether they are still the same later."""

    rules: Rules
    version: str


def end_of_day(days: int) -> datetime:
    """The end of the day so many days from now."""
    return datetime.combine(clock.now().date() + timedelta(days=days), time.max, UTC)


def get_rules() -> Rules:
    """The rules that hold now."""
    return _rules_of(_find())


def show_rules(actor: Actor) -> Shown:
    """The rules for those who may see them. Raises `Forbidden`."""
    require(actor, Permission.POLICY_READ)
    chosen = _find()
    return Shown(_rules_of(chosen), _version_of(chosen))


class WouldEndLinks(Conflict):
    """More, or fewer, links would end than the admin was told of."""

    def __init__(self, links: int) -> None:
        some = "1 link ends" if links == 1 else f"{links} links end"
        super().__init__(f"{some} by this, for good. Save again if that is meant.")
        self.links = links


def change_rules(actor: Actor, wanted: Rules, *, version: str, ending: int) -> int:
    """Have other rules hold from now on; gives how many links ended by it.

    Making a link takes the same lock, so none slips through by the rules of before. Raises
    `Forbidden`, `StepUpNeeded`, `Invalid`, `Conflict` where the rules are no more those of that
    `version`, or `WouldEndLinks` where links would end, and not just the `ending` ones.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.POLICY_EDIT)
    require_fresh(actor, Act.POLICY)
    if not 1 <= wanted.max_days <= MOST_DAYS:
        raise Invalid(f"A link lasts 1 to {MOST_DAYS} days at most.")
    chosen = _find()
    if _version_of(chosen) != version:
        raise Conflict("Somebody else has changed this in the meantime. Look at it again.")
    before = _rules_of(chosen)
    if wanted == before:
        raise Conflict("These are the rules already.")
    if (links := count_where(forbidden_by(wanted))) not in (0, ending):
        raise WouldEndLinks(links)
    _keep(actor, chosen, wanted)
    ended = revoke_where(actor, forbidden_by(wanted), why="policy")
    record(
        actor,
        Action.LINK_POLICY_CHANGED,
        "policy",
        before=_plain(before),
        after=_plain(wanted),
        ended_links=ended,
    )
    return ended


def forbidden_by(rules: Rules) -> ColumnElement[bool]:
    """The links that could not be made by these rules."""
    if rules.mode == Mode.OFF:
        return true()
    is_open = and_(SharingLink.audience == Audience.ANYBODY, SharingLink.password_hash.is_(None))
    return or_(
        SharingLink.expires_at > rules.latest_end,
        SharingLink.audience != Audience.MEMBERS if rules.mode == Mode.INTERNAL else false(),
        is_open if rules.is_lock_required else false(),
        SharingLink.kind == Kind.DOWNLOAD if rules.is_view_only else false(),
    )


def _find() -> LinkPolicy | None:
    return db.session.scalars(
        select(LinkPolicy).execution_options(populate_existing=True)
    ).one_or_none()


def _rules_of(chosen: LinkPolicy | None) -> Rules:
    if chosen is None:
        return Rules()
    return Rules(Mode(chosen.mode), chosen.max_days, chosen.is_lock_required, chosen.is_view_only)


def _keep(actor: Actor, chosen: LinkPolicy | None, wanted: Rules) -> None:
    if chosen is None:
        chosen = LinkPolicy(id=bound_tenant_id())
        db.session.add(chosen)
    for name, value in asdict(wanted).items():
        setattr(chosen, name, value)
    chosen.changed_at, chosen.changed_by = clock.now(), actor.user_id


def _plain(rules: Rules) -> dict[str, Any]:
    return asdict(rules) | {"mode": str(rules.mode)}


def _version_of(chosen: LinkPolicy | None) -> str:
    return chosen.changed_at.isoformat() if chosen else ""
