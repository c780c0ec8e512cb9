"""How sure the portal is of who somebody is, and how sure it has to be: pure functions and tables.

A session has given one first proof and maybe a second. What it still owes is worked out on every
request from these, the tenant's policy and the person's own factors, so that a policy that was
tightened holds for the sessions that are open already.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portal.core.errors import PortalError


class First(StrEnum):
    """What opened a session."""

    PASSWORD = "password"
    SSO = "sso"
    PASSKEY = "passkey"  # verified its user: two factors at once (NIST SP 800-63B-4, 3.1.7)
    BREAK_GLASS = "break-glass"


class Second(StrEnum):
    """What a session has proved besides."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery-code"
    SSO = "sso"  # the identity provider says so, and the tenant trusts it


class Factor(StrEnum):
    """What a person can have set up for it."""

    TOTP = "totp"
    PASSKEY = "passkey"


class Audience(StrEnum):
    """Whom a tenant's policy asks for a second factor."""

    EVERYBODY = "everybody"
    ROLES = "roles"
    NOBODY = "nobody"


class Step(StrEnum):
    """What a session has still to do before it is let in."""

    NOTHING = "nothing"
    GIVE_FACTOR = "give-factor"
    ENROL = "enrol"
    RENEW_PASSWORD = "renew-password"


class Act(StrEnum):
    """Kinds of act that want a proof which is not old."""

    ALERTS = "alerts"
    APPROVALS = "approvals"
    EXPORTS = "exports"
    FACTORS = "factors"
    KEYS = "keys"
    MEMBERS = "members"
    POLICY = "policy"
    RETENTION = "retention"
    ROLES = "roles"
    SSO = "sso"


# Which assurance each kind of act needs: everything needs a session that owes nothing, and these a
# proof that was given so many minutes ago at most (ASVS 5.0, 7.5.1 and 7.5.3).
FRESH_MINUTES = {
    Act.ALERTS: 15,
    Act.APPROVALS: 15,
    Act.EXPORTS: 15,
    Act.FACTORS: 10,
    Act.KEYS: 15,
    Act.MEMBERS: 30,
    Act.POLICY: 15,
    Act.RETENTION: 15,
    Act.ROLES: 30,
    Act.SSO: 15,
}


class StepUpNeeded(PortalError):
    """The last proof is too old for what is to be done."""

    status = 403
    message = "Please confirm that it is you."


_FACTOR_OF = {Second.TOTP: Factor.TOTP, Second.PASSKEY: Factor.PASSKEY}
_ANY_FACTOR = frozenset({Second.RECOVERY_CODE, Second.SSO})  # these stand for any kind


@dataclass(frozen=True, slots=True)
class Proof:
    """What a session has proved, and when it last did."""

    first: First
    second: Second | None
    at: datetime

    @property
    def is_multi_factor(self) -> bool:
        """Whether it stands for more than one factor."""
        return self.second is not None or self.first == First.PASSKEY

    @property
    def factors(self) -> frozenset[Factor]:
        """The factors of the person's own that were used."""
        first = {Factor.PASSKEY} if self.first == First.PASSKEY else set()
        return frozenset(first | {_FACTOR_OF[s] for s in (self.second,) if s in _FACTOR_OF})

    def __str__(self) -> str:
        return f"{self.first}+{self.second}" if self.second else str(self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the people of a tenant sign in. `since` is when it came to ask for what it asks."""

    mfa_for: Audience = Audience.EVERYBODY
    mfa_roles: frozenset[str] = frozenset()
    factors: frozenset[Factor] = frozenset(Factor)
    grace_days: int = 0
    since: datetime | None = None
    idle_minutes: int
    absolute_hours: int
    password_min_length: int
    password_max_age_days: int | None = None
    is_sso_only: bool = False

    def wants_factor_of(self, roles: Set[str]) -> bool:
        """Whether holders of these roles must have a second factor."""
        if self.mfa_for == Audience.ROLES:
            return bool(self.mfa_roles & roles)
        return self.mfa_for == Audience.EVERYBODY

    def grace_ends_at(self, member_since: datetime) -> datetime:
        """Until when somebody may come in who has no second factor yet."""
        began = max(member_since, self.since) if self.since else member_since
        return began + timedelta(days=self.grace_days)

    def counts(self, proof: Proof) -> bool:
        """Whether a proof is as much as this policy can ask of anybody."""
        return proof.second in _ANY_FACTOR or bool(proof.factors & self.factors)

    def allows(self, first: First) -> bool:
        """Whether a session may stand on such a first proof."""
        return not self.is_sso_only or first in (First.SSO, First.BREAK_GLASS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What there is to know of a person to say what a session of theirs owes."""

    roles: Set[str] = field(default_factory=frozenset)
    factors: Set[Factor] = field(default_factory=frozenset)
    member_since: datetime
    password_changed_at: datetime | None = None


def next_step(proof: Proof, policy: Policy, person: Standing, now: datetime) -> Step:
    """What the session of `person` still owes under `policy`."""
    if proof.first == First.BREAK_GLASS:
        return Step.NOTHING  # it may do next to nothing: see `live_sessions`
    step = _factor_step(proof, policy, person, now)
    if step == Step.NOTHING and proof.first == First.PASSWORD and _is_too_old(policy, person, now):
        return Step.RENEW_PASSWORD
    return step


def grace_of(proof: Proof, policy: Policy, person: Standing, now: datetime) -> datetime | None:
    """Until when a session is let in without the factor that its policy wants; None: it has it."""
    if proof.first == First.BREAK_GLASS or policy.counts(proof):
        return None
    is_in = next_step(proof, policy, person, now) == Step.NOTHING
    is_asked = policy.wants_factor_of(person.roles)
    return policy.grace_ends_at(person.member_since) if is_in and is_asked else None


def _factor_step(proof: Proof, policy: Policy, person: Standing, now: datetime) -> Step:
    if person.factors and not proof.is_multi_factor:
        return Step.GIVE_FACTOR  # whoever has one is asked for it, wanted or not
    if not policy.wants_factor_of(person.roles):
        return Step.NOTHING
    if policy.counts(proof):
        return Step.NOTHING
    if person.factors & policy.factors:
        return Step.GIVE_FACTOR
    return Step.ENROL if now >= policy.grace_ends_at(person.member_since) else Step.NOTHING


def _is_too_old(policy: Policy, person: Standing, now: datetime) -> bool:
    if policy.password_max_age_days is None or person.password_changed_at is None:
        return False
    return now >= person.password_changed_at + timedelta(days=policy.password_max_age_days)


def is_fresh(proved_at: datetime, act: Act, now: datetime) -> bool:
    """Whether a proof given at `proved_at` is young enough for a kind of act."""
    return now - proved_at < timedelta(minutes=FRESH_MINUTES[act])
