"""Visits: how somebody who holds a link's address comes in by it, and what they still owe.

Whoever does not hold the secret is told one thing of every link, that there is nothing; whoever
holds it is told honestly why it does not work. What a link opens is decided anew at each request,
by what its maker may do at that moment.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth import attempts
from portal.auth.attempts import TooManyAttempts
from portal.auth.passwords import verify_password
from portal.auth.tokens import hash_token, new_token
from portal.core import clock
from portal.core.errors import NotFound
from portal.documents.links.kinds import Audience, Deed, Kind
from portal.documents.links.models import LinkVisit, SharingLink
from portal.documents.links.uses import LinkRefused, as_link, note_use, record_refusal
from portal.documents.links.validity import (
    NOTHING_HERE,
    check_open,
    maker_of,
    read_link_again,
    take_use,
)
from portal.documents.places import Place
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

VALID_FOR = timedelta(hours=12)
PASSWORDS_PER_PLACE = 10  # tries at one link's password, from one address
STRANGERS_PER_LINK = 50  # from all addresses; beyond it each has to wait its turn


class Step(StrEnum):
    """What a visit still owes, or that nothing is left."""

    PASSWORD = "password"
    EMAIL = "email"
    SIGN_IN = "sign-in"
    ENTER = "enter"
    INSIDE = "inside"


class TooManyTries(TooManyAttempts):
    """A link's password or code was tried too often lately."""

    def __init__(self, link_id: UUID, wait: timedelta) -> None:
        super().__init__(f"link:{link_id}", wait)
        self._link_id = link_id

    def record(self, actor: Actor) -> None:
        """Add the entry, and the line for the maker."""
        record_refusal(actor, self._link_id, "too-many-tries")


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser that holds a link: for what link, by whose right, and who it is as far as known."""

    row: LinkVisit
    link: SharingLink
    maker: Member
    place: Place
    actor: Actor
    who: str
    step: Step


def open_link(origin: Actor, secret: str) -> tuple[UUID, str]:
    """Begin a visit; gives the link's id and the token for the browser.

    Raises `NotFound`, unrecorded, as strangers can make up any number; or `LinkClosed`.
    """
    link = db.session.scalars(
        select(SharingLink).where(SharingLink.secret_hash == hash_token(secret))
    ).one_or_none()
    if link is None:
        raise NotFound("There is nothing behind this address. Is it complete?")
    check_open(link)
    maker_of(link)
    token, now = new_token(), clock.now()
    row = LinkVisit(
        link_id=link.id,
        token_hash=hash_token(token),
        expires_at=min(now + VALID_FOR, link.expires_at),
    )
    db.session.add(row)
    _advance(as_link(origin, link.id), link, row)
    return link.id, token


def find_visit(origin: Actor, link_id: UUID, token: str | None, member: Member | None) -> Visit:
    """The visit of this browser, as of now. `member` is who is signed in, if anybody is.

    Raises `NotFound`, whether there is such a link or not; or `LinkClosed`.
    """
    found = db.session.execute(
        select(LinkVisit, SharingLink)
        .join(SharingLink, SharingLink.id == LinkVisit.link_id)
        .where(
            LinkVisit.token_hash == hash_token(token or ""),
            LinkVisit.link_id == link_id,
            LinkVisit.expires_at > clock.now(),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFound(NOTHING_HERE)
    row, link = found
    check_open(link, is_inside=row.opened_at is not None)
    maker, place = maker_of(link)
    is_internal = link.audience == Audience.MEMBERS
    actor = member if member and is_internal else as_link(origin, link_id)
    who = member.email if member and is_internal else _recipient(row)
    return Visit(row, link, maker, place, actor, who, _step(link, row, member))


def give_password(visit: Visit, password: str) -> None:
    """Take the link's password. The try is counted first, and never against its maker.

    Raises `TooManyTries`, `LinkRefused` or `LinkClosed`.
    """
    link, network = visit.link, attempts.network_of(visit.actor.address)
    place, crowd = f"link-password:{link.id}:{network}", f"link-password:{link.id}"
    count_try(link.id, (PASSWORDS_PER_PLACE, place), crowds=[(STRANGERS_PER_LINK, crowd)])
    password_hash = link.password_hash
    release()  # hashing takes long: no transaction waits for it
    if not verify_password(password_hash, password):
        raise LinkRefused(link.id, "wrong-password", "This is not the link’s password.")
    attempts.forget(place, taking_back=[crowd])
    go_on(visit, has_password=True)


def go_on(visit: Visit, **given: object) -> None:
    """Note what was given, and let the visit in where nothing is left.

    Raises `LinkClosed`, or `NotFound` where link or visit are gone.
    """
    link = read_link_again(visit.link.id)
    row = db.session.get(LinkVisit, (bound_tenant_id(), visit.row.id), populate_existing=True)
    if row is None:
        raise NotFound(NOTHING_HERE)
    for name, value in given.items():
        setattr(row, name, value)
    _advance(visit.actor, link, row)


def count_try(
    link_id: UUID,
    *limits: attempts.Limit,
    crowds: list[attempts.Limit] | None = None,
) -> None:
    """Count a try at something of a link. Commits. Raises `TooManyTries`."""
    try:
        attempts.reserve(f"link:{link_id}", *limits, crowds=crowds or ())
    except TooManyAttempts as error:
        wait = timedelta(seconds=error.wait_seconds)
        raise TooManyTries(link_id, wait) from None


def require_inside(visit: Visit) -> None:
    """Raises `LinkRefused` while something is left to be given."""
    if visit.step != Step.INSIDE:
        raise LinkRefused(visit.link.id, f"owes-{visit.step}", who=visit.who)


def _advance(actor: Actor, link: SharingLink, row: LinkVisit) -> None:
    """Let a visit in if nothing is left to be given; of a link to be viewed so many times, this is
    one of them.
    """
    step = _step(link, row, actor if isinstance(actor, Member) else None)
    if step != Step.ENTER:
        record(actor, Action.LINK_VISITED, f"link:{link.id}", owes=str(step))
        return
    if link.kind == Kind.VIEW:
        take_use(link.id)
    row.opened_at = clock.now()
    who = actor.email if isinstance(actor, Member) else _recipient(row)
    record(actor, Action.LINK_OPENED, f"link:{link.id}", about=link.target)
    note_use(actor, link.id, Deed.OPENED, who=who)


def _step(link: SharingLink, row: LinkVisit, member: Member | None) -> Step:
    if link.password_hash is not None and not row.has_password:
        return Step.PASSWORD
    if link.audience == Audience.LISTED and _recipient(row) not in link.recipients:
        return Step.EMAIL
    if link.audience == Audience.MEMBERS and member is None:
        return Step.SIGN_IN
    return Step.INSIDE if row.opened_at is not None else Step.ENTER


def _recipient(row: LinkVisit) -> str:
    return row.recipient if row.recipient_sealed is not None else ""
