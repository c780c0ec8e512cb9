"""The session of a request: found by its token or read again, with its person, what they hold, and
what they still owe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, bindparam, select, union_all

from portal.access.decision import Grant, Member
from portal.access.permissions import BREAK_GLASS_PERMISSIONS
from portal.access.queries import GRANT_COLUMNS, grants_from, held_by
from portal.audit.actor import Actor
from portal.auth.assurance import (
    First,
    Policy,
    Proof,
    Second,
    Standing,
    Step,
    grace_of,
    next_step,
)
from portal.auth.closing.queries import end_of_closing
from portal.auth.factors.queries import factors_of
from portal.auth.models import PasswordCredential, UserSession
from portal.auth.policy.limits import is_live
from portal.auth.policy.models import SignInPolicy
from portal.auth.policy.queries import CHOICES, policy_from
from portal.auth.tokens import hash_token
from portal.core import clock
from portal.core.errors import PortalError
from portal.tenancy.session import db
from portal.users.models import User, UserState

TOUCH_AFTER = timedelta(minutes=1)  # last_seen_at is kept no finer than this

# Rows of tables, not of models: every request asks for them, and the ORM takes twice as long.
_session, _user, _policy = (model.__table__ for model in (UserSession, User, SignInPolicy))
_COLUMNS = (
    _session.c.id,
    _session.c.first_factor,
    _session.c.second_factor,
    _session.c.proved_at,
    _session.c.created_at,
    _session.c.last_seen_at,
    _user.c.id.label("user_id"),
    _user.c.name,
    _user.c.email,
    _user.c.created_at.label("member_since"),
    end_of_closing().label("closing_ends_at"),
    *CHOICES,
    *GRANT_COLUMNS,
)
_SIGNED_IN = _session.join(_user, _user.c.id == _session.c.user_id).outerjoin(
    _policy, _policy.c.tenant_id == _session.c.tenant_id
)


def _found_where(which: ColumnElement[bool]) -> CompoundSelect[Any]:
    """A session with its person, the policy, and everything that is held: one row for each."""
    return union_all(
        *(
            select(*_COLUMNS)
            .select_from(rows)
            .where(which, _session.c.ended_at.is_(None), _user.c.state == UserState.ACTIVE)
            for rows in held_by(_SIGNED_IN, _user.c.id)
        )
    )


_BY_TOKEN = _found_where(_session.c.token_hash == bindparam("token_hash"))
_BY_ID = _found_where(_session.c.id == bindparam("session_id"))


class SessionEnded(PortalError):
    """The session has ended while it was being used."""

    status = 401
    message = "Your session has ended. Please sign in again."


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSession:
    """A live session as read at the start of a request, with what it still owes."""

    member: Member
    proof: Proof
    step: Step
    last_seen_at: datetime
    grace_ends_at: datetime | None  # from then on it will owe a second factor
    closing_ends_at: datetime | None  # from then on the organisation is read no more

    @property
    def user_id(self) -> UUID:
        """Whose it is."""
        return self.member.user_id

    @property
    def is_complete(self) -> bool:
        """Whether every step of signing in has been taken."""
        return self.step == Step.NOTHING

    @property
    def is_stale(self) -> bool:
        """Whether `last_seen_at` is to be written anew."""
        return clock.now() - self.last_seen_at > TOUCH_AFTER


def find_session(token: str, origin: Actor) -> FoundSession | None:
    """The live session of a token with its person and what they hold: one statement.

    One more, or two, where the session stands on a single factor: it may owe another.
    """
    rows = db.session.execute(_BY_TOKEN, {"token_hash": hash_token(token)}).all()
    return _found(rows, origin) if rows else None


def require_live(member: Member) -> None:
    """Raises `SessionEnded` unless the session and its person are still what they were."""
    read_session(member)


def read_again(member: Member) -> Member:
    """The person as of now, after work that took long. Raises `SessionEnded`."""
    return read_session(member).member


def read_session(member: Member) -> FoundSession:
    """The session in use as of now, with what it owes. Raises `SessionEnded`."""
    rows = db.session.execute(_BY_ID, {"session_id": member.session_id}).all()
    found = _found(rows, member) if rows else None
    if found is None:
        raise SessionEnded
    return found


def proof_of(session: Any) -> Proof:
    """What the row of a session says that it has proved."""
    second = Second(session.second_factor) if session.second_factor else None
    return Proof(First(session.first_factor), second, session.proved_at)


def _found(rows: Sequence[Any], origin: Actor) -> FoundSession | None:
    """The session that these rows tell of, one for each role; None if it is over."""
    row, now = rows[0], clock.now()
    policy = policy_from(row if row.mfa_for else None)
    if not is_live(row, policy, now):
        return None
    proof = proof_of(row)
    standing = _standing(rows, proof, policy)
    step = next_step(proof, policy, standing, now)
    member = Member(
        user_id=row.user_id,
        name=row.name,
        email=row.email,
        session_id=row.id,
        proved_at=proof.at,
        address=origin.address,
        request_id=origin.request_id,
        device_ids=origin.device_ids,
        grants=_grants_of(rows, proof) if step == Step.NOTHING else (),
    )
    return FoundSession(
        member=member,
        proof=proof,
        step=step,
        last_seen_at=row.last_seen_at,
        grace_ends_at=grace_of(proof, policy, standing, now),
        closing_ends_at=row.closing_ends_at,
    )


def _standing(rows: Sequence[Any], proof: Proof, policy: Policy) -> Standing:
    """What is known of the person, as far as it can matter to this session."""
    row = rows[0]
    has_password_limit = policy.password_max_age_days and proof.first == First.PASSWORD
    return Standing(
        roles=frozenset(r.role for r in rows if r.role),
        factors=frozenset() if policy.counts(proof) else factors_of(row.user_id),
        member_since=row.member_since,
        password_changed_at=_password_changed_at(row.user_id) if has_password_limit else None,
    )


def _password_changed_at(user_id: UUID) -> datetime | None:
    return db.session.scalars(
        select(PasswordCredential.changed_at).where(PasswordCredential.user_id == user_id)
    ).one_or_none()


def _grants_of(rows: Sequence[Any], proof: Proof) -> tuple[Grant, ...]:
    """What the person of these rows holds. Behind broken glass that is the one thing to repair."""
    if proof.first == First.BREAK_GLASS:
        return (Grant(BREAK_GLASS_PERMISSIONS),)
    return grants_from(rows, clock.now())
