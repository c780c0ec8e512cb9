"""Who falls short of the policy of signing in, and what another policy would do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true

from portal.access.decision import Member, require
from portal.access.permissions import Permission
from portal.access.queries import holders_of, roles_held_by
from portal.audit.actor import Actor
from portal.auth.assurance import Audience, Factor, Policy, Standing, Step, next_step
from portal.auth.factors.models import Passkey, TotpDevice
from portal.auth.factors.queries import factors_by_user
from portal.auth.live_sessions import proof_of
from portal.auth.models import PasswordCredential, UserSession
from portal.auth.policy.limits import is_live
from portal.auth.policy.queries import get_policy
from portal.auth.policy.service import check_policy, from_now
from portal.core import clock
from portal.core.paging import page_within
from portal.tenancy.session import db
from portal.users.models import User, UserState

PAGE_SIZE = 50
BATCH_SIZE = 500
MODELS: dict[Factor, type[TotpDevice] | type[Passkey]] = {
    Factor.TOTP: TotpDevice,
    Factor.PASSKEY: Passkey,
}
ACTIVE = User.state == UserState.ACTIVE


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A person against the policy. `grace_ends_at` is set for whoever falls short and may still."""

    user: User
    roles: Sequence[str]
    factors: frozenset[Factor]
    signed_in_at: datetime | None
    is_asked: bool
    falls_short: bool
    grace_ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Active people by name. `falling_short` counts all of them, `total` those who match."""

    people: Sequence[Reviewed]
    page: int
    pages: int
    total: int
    falling_short: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What happens at the moment when another policy holds."""

    falling_short_now: int
    falling_short: int
    sessions: int
    ending: int
    stepping_up: int
    own_step: Step | None  # of the session that asks; None: it ends


def list_people(actor: Actor, page: int = 1, *, only_short: bool = False) -> PeoplePage:
    """A page of people with what they have set up. Raises `Forbidden`."""
    require(actor, Permission.POLICY_READ)
    policy = get_policy()
    short = _count(select(User.id).where(ACTIVE, _falls_short(policy)))
    matching = select(User).where(ACTIVE, _falls_short(policy) if only_short else true())
    total = short if only_short else _count(select(User.id).where(ACTIVE))
    page, pages = page_within(page, total, PAGE_SIZE)
    users = db.session.scalars(
        matching.order_by(func.lower(User.name), User.id)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    return PeoplePage(_reviewed(users, policy), page, pages, total, short)


def read_people(actor: Actor) -> Iterator[Reviewed]:
    """All active people by name, with what they have set up, some hundreds at a time.

    Raises `Forbidden`.
    """
    require(actor, Permission.POLICY_READ)
    policy, start = get_policy(), 0
    by_name = select(User).where(ACTIVE).order_by(func.lower(User.name), User.id).limit(BATCH_SIZE)
    while users := db.session.scalars(by_name.offset(start)).all():
        yield from _reviewed(users, policy)
        start += len(users)


def preview_policy(actor: Actor, wanted: Policy) -> Preview:
    """What `wanted` would do. Raises `Forbidden` or `BeyondFloor`."""
    require(actor, Permission.POLICY_EDIT)
    check_policy(wanted)
    present, people = get_policy(), _standings()
    wanted = from_now(wanted, present)
    steps = [
        (session.id, _step(session, present, people), _step(session, wanted, people))
        for session in db.session.execute(_LIVE)
    ]
    steps = [entry for entry in steps if entry[1] is not None]  # what is over is over
    own_id = actor.session_id if isinstance(actor, Member) else None
    return Preview(
        falling_short_now=_count(select(User.id).where(ACTIVE, _falls_short(present))),
        falling_short=_count(select(User.id).where(ACTIVE, _falls_short(wanted))),
        sessions=len(steps),
        ending=sum(after is None for _, _, after in steps),
        stepping_up=sum(
            before == Step.NOTHING and after not in (None, Step.NOTHING)
            for _, before, after in steps
        ),
        own_step=next((after for id_, _, after in steps if id_ == own_id), None),
    )


_LIVE = (
    select(
        UserSession.id,
        UserSession.user_id,
        UserSession.first_factor,
        UserSession.second_factor,
        UserSession.proved_at,
        UserSession.created_at,
        UserSession.last_seen_at,
    )
    .join(User, User.id == UserSession.user_id)
    .where(UserSession.ended_at.is_(None), ACTIVE)
)


def _step(session: Any, policy: Policy, people: Mapping[UUID, Standing]) -> Step | None:
    """What a session owes under `policy`; None if it is over."""
    now = clock.now()
    if session.user_id not in people:  # deactivated a moment ago
        return None
    if not is_live(session, policy, now):
        return None
    return next_step(proof_of(session), policy, people[session.user_id], now)


def _standings() -> Mapping[UUID, Standing]:
    """Everybody who is active, in as many statements for few as for many."""
    roles, factors = roles_held_by(), defaultdict(set)
    for kind, model in MODELS.items():
        for user_id in db.session.scalars(select(model.user_id).distinct()):
            factors[user_id].add(kind)
    changed = dict(
        db.session.execute(select(PasswordCredential.user_id, PasswordCredential.changed_at)).all()
    )
    return {
        user_id: Standing(
            roles=roles.get(user_id, frozenset()),
            factors=factors[user_id],
            member_since=since,
            password_changed_at=changed.get(user_id),
        )
        for user_id, since in db.session.execute(select(User.id, User.created_at).where(ACTIVE))
    }


def _falls_short(policy: Policy) -> ColumnElement[bool]:
    """Whether a person has none of the factors that the policy wants of them."""
    has_factor = [
        select(model.id).where(model.user_id == User.id).exists()
        for kind, model in MODELS.items()
        if kind in policy.factors
    ]
    return and_(_is_asked(policy), ~or_(false(), *has_factor))


def _is_asked(policy: Policy) -> ColumnElement[bool]:
    if policy.mfa_for == Audience.ROLES:
        return User.id.in_(holders_of(policy.mfa_roles))
    return true() if policy.mfa_for == Audience.EVERYBODY else false()


def _count(statement: Select[Any]) -> int:
    return db.session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()


def _reviewed(users: Sequence[User], policy: Policy) -> Sequence[Reviewed]:
    ids, now = [user.id for user in users], clock.now()
    held_roles, factors = roles_held_by(ids), factors_by_user(ids)
    signed_in = dict(
        db.session.execute(
            select(UserSession.user_id, func.max(UserSession.created_at))
            .where(UserSession.user_id.in_(ids))
            .group_by(UserSession.user_id)
        ).all()
    )
    found = []
    for user in users:
        roles = sorted(held_roles.get(user.id, ()))
        held = factors.get(user.id, frozenset())
        is_asked = policy.wants_factor_of(set(roles))
        falls_short = is_asked and not held & policy.factors
        ends_at = policy.grace_ends_at(user.created_at)
        may_still = falls_short and now < ends_at
        found.append(
            Reviewed(
                user,
                roles,
                held,
                signed_in.get(user.id),
                is_asked,
                falls_short,
                ends_at if may_still else None,
            )
        )
    return found
