"""Which people have the factors that the policy of signing in wants of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.access.queries import holders_of, roles_held_by
from portal.audit.actor import Actor
from portal.auth.assurance import Audience, Factor, Policy
from portal.auth.factors.models import Passkey, TotpDevice
from portal.auth.factors.queries import factors_by_user
from portal.auth.models import UserSession
from portal.auth.policy.queries import get_policy
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


def list_people(actor: Actor, page: int = 1, *, only_short: bool = False) -> PeoplePage:
    """A page of people with what they have set up. Raises `Forbidden`."""
    require(actor, Permission.POLICY_READ)
    policy = get_policy()
    short = count_falling_short(policy)
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


def count_falling_short(policy: Policy) -> int:
    """How many active people have none of the factors that `policy` wants of them."""
    return _count(select(User.id).where(ACTIVE, _falls_short(policy)))


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
