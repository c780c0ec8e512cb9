"""A person's own second factors, as they look after them: named, removed, and codes made anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete

from portal.access.decision import Member
from portal.access.queries import roles_held_by
from portal.audit.actions import Action
from portal.audit.service import record
from portal.auth.assurance import Act, Factor
from portal.auth.factors import recovery
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.factors.queries import (
    count_recovery_codes,
    factors_of,
    list_devices,
    list_passkeys,
)
from portal.auth.fresh import require_fresh
from portal.auth.live_sessions import read_again
from portal.auth.notices import Notice, tell
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import end_sessions_of
from portal.core.errors import Conflict, NotFound
from portal.tenancy.session import db, release
from portal.users.queries import lock_user


class LastFactor(Conflict):
    """The organisation asks the person for a second factor, and this is the last that counts."""

    message = (
        "This is your last second factor, and your organisation asks for one. Add another first."
    )


@dataclass(frozen=True, slots=True)
class OwnFactors:
    """What somebody has set up, and what the organisation counts."""

    authenticators: Sequence[TotpDevice]
    passkeys: Sequence[Passkey]
    codes_left: int
    counted: frozenset[Factor]

    @property
    def lacks_codes(self) -> bool:
        """Whether it is time to make recovery codes."""
        has_any = bool(self.authenticators or self.passkeys)
        return has_any and self.codes_left <= recovery.FEW


def list_own_factors(member: Member) -> OwnFactors:
    """Everything the person has set up."""
    return OwnFactors(
        list_devices(member.user_id),
        list_passkeys(member.user_id),
        count_recovery_codes(member.user_id),
        get_policy().factors,
    )


def get_own_factor(member: Member, factor_id: UUID) -> TotpDevice | Passkey:
    """One of the person's factors, of whatever kind. Raises `NotFound`."""
    own: list[TotpDevice | Passkey] = list(list_devices(member.user_id))
    own += list_passkeys(member.user_id)
    for factor in own:
        if factor.id == factor_id:
            return factor
    raise NotFound


def rename_factor(member: Member, factor_id: UUID, name: str) -> None:
    """Give a factor another name. Raises `StepUpNeeded` or `NotFound`."""
    require_fresh(member, Act.FACTORS)
    factor = get_own_factor(member, factor_id)
    factor.name = name
    record(member, Action.FACTOR_RENAMED, f"user:{member.user_id}", factor=factor.kind)


def remove_factor(member: Member, factor_id: UUID) -> None:
    """Remove a factor and end the person's other sessions, which it may have opened.

    With the last of them the recovery codes go, which stood for it. Raises `StepUpNeeded`,
    `NotFound` or `LastFactor`.
    """
    require_fresh(member, Act.FACTORS)
    lock_user(member.user_id)  # of two that go at the same time, the second finds itself the last
    factor = get_own_factor(member, factor_id)
    db.session.delete(factor)
    db.session.flush()
    left = factors_of(member.user_id)
    _check_enough_left(member, left)
    if not left:
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == member.user_id))
    ended = end_sessions_of(member.user_id, but=member.session_id)
    target = f"user:{member.user_id}"
    record(member, Action.FACTOR_REMOVED, target, factor=factor.kind, ended_sessions=ended)
    tell(factor.user_id, Notice.FACTOR_REMOVED, actor=member, factor=factor.word)


def renew_recovery_codes(member: Member) -> Sequence[str]:
    """Ten new recovery codes, to be shown this once; earlier ones work no more.

    Raises `StepUpNeeded`, `SessionEnded` or `Conflict`.
    """
    require_fresh(member, Act.FACTORS)
    codes, hashing = recovery.new_codes(), recovery.new_hashing()
    release()  # hashing takes long: no transaction waits for it
    hashes = [hashing.hash(recovery.read_code(code) or "") for code in codes]
    lock_user(member.user_id)
    user_id = read_again(member).user_id
    if user_id is None or not factors_of(user_id):
        raise Conflict("Recovery codes stand in for a second factor. Set one up first.")
    recovery.replace_codes(user_id, hashing, hashes)
    record(member, Action.RECOVERY_CODES_MADE, f"user:{user_id}", count=len(codes))
    return codes


def _check_enough_left(member: Member, left: frozenset[Factor]) -> None:
    policy = get_policy()
    roles = roles_held_by([member.user_id]).get(member.user_id, frozenset())
    if policy.wants_factor_of(roles) and not left & policy.factors:
        raise LastFactor
