"""What another policy of signing in would do, before it is kept."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Member, require
from portal.access.permissions import Permission
from portal.access.queries import roles_held_by
from portal.audit.actor import Actor
from portal.auth.assurance import Policy, Standing, Step, next_step
from portal.auth.live_sessions import proof_of
from portal.auth.models import PasswordCredential, UserSession
from portal.auth.policy.limits import is_live
from portal.auth.policy.queries import get_policy
from portal.auth.policy.service import check_policy, from_now
from portal.auth.policy_review import ACTIVE, MODELS, count_falling_short
from portal.core import clock
from portal.tenancy.session import db
from portal.users.models import User

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


@dataclass(frozen=True, slots=True)
class Preview:
    """What happens at the moment when another policy holds."""

    falling_short_now: int
    falling_short: int
    sessions: int
    ending: int
    stepping_up: int
    own_step: Step | None  # of the session that asks; None: it ends


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
        falling_short_now=count_falling_short(present),
        falling_short=count_falling_short(wanted),
        sessions=len(steps),
        ending=sum(after is None for _, _, after in steps),
        stepping_up=sum(
            before == Step.NOTHING and after not in (None, Step.NOTHING)
            for _, before, after in steps
        ),
        own_step=next((after for id_, _, after in steps if id_ == own_id), None),
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
