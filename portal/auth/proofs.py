"""The proofs that a person with second factors can give: a code, a recovery code, a passkey.

Each is counted before it is checked, all of them together, and works once.
"""

from sqlalchemy import update

from portal.access.decision import Member
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts, passkeys
from portal.auth.assurance import Factor, Second
from portal.auth.factors import recovery, totp
from portal.auth.factors.models import TotpDevice
from portal.auth.factors.queries import count_recovery_codes, factors_of, list_devices
from portal.auth.notices import Notice, tell
from portal.auth.policy.queries import get_policy
from portal.auth.suspicion import note_wrong_code
from portal.core import clock
from portal.tenancy.session import change

TRIES_PER_PERSON = 10


class InvalidCode(RecordedRefusal):
    """The code is wrong, too old, or was used before."""

    status = 401
    message = "This code is not valid. Wait for the next one and try again."
    action = Action.SIGN_IN_FAILED
    outcome = Outcome.FAILURE


class WrongCode(InvalidCode):
    """It is none of the person's; after several of them they are told."""

    def __init__(self, member: Member, tries: int, step: str, message: str | None = None) -> None:
        super().__init__(f"user:{member.user_id}", message, step=step)
        self._member, self._tries = member, tries

    def record(self, actor: Actor) -> None:
        """The notice goes with the refusal's own entry: what was refused is rolled back."""
        super().record(actor)
        note_wrong_code(self._member, self._tries)


def usable_factors(member: Member) -> frozenset[Factor]:
    """The kinds of a person's factors that prove something here.

    Those that the policy counts; where it counts none of them, all: they still guard the account.
    """
    held = factors_of(member.user_id)
    return (held & get_policy().factors) or held


def offered_factors(member: Member, host: str) -> frozenset[Factor]:
    """Those of them that can be given on this host: a passkey stays bound to where it was made."""
    usable = usable_factors(member)
    is_bound_here = Factor.PASSKEY in usable and host in passkeys.list_hosts(member)
    return usable if is_bound_here else usable - {Factor.PASSKEY}


def use_code(member: Member, code: str) -> Second:
    """Use a code of one of the person's authenticators. Raises `InvalidCode`, `TooManyAttempts`.

    The step is stored by a conditional UPDATE, so of two parallel uses of a code one is refused.
    """
    tries = count_try(member)
    if Factor.TOTP not in usable_factors(member):
        raise WrongCode(member, tries, "code")
    typed = totp.read_code(code)
    for device in list_devices(member.user_id):
        step = totp.matching_step(device.secret, typed, after_step=device.last_step)
        if step is not None and change(
            update(TotpDevice)
            .where(TotpDevice.id == device.id, TotpDevice.last_step < step)
            .values(last_step=step, last_used_at=clock.now())
            .execution_options(synchronize_session=False)
        ):
            return Second.TOTP
    raise WrongCode(member, tries, "code")


def use_recovery_code(member: Member, code: str) -> Second:
    """Use up a recovery code, and tell the person. Raises `InvalidCode` or `TooManyAttempts`."""
    tries = count_try(member)
    user_id = member.user_id
    if not factors_of(user_id) or not recovery.use_code(user_id, code):
        raise WrongCode(member, tries, "recovery-code", "This recovery code is not valid.")
    left = count_recovery_codes(user_id)
    record(member, Action.RECOVERY_CODE_USED, f"user:{user_id}", left=left)
    tell(user_id, Notice.RECOVERY_CODE_USED, actor=member, codes_left=str(left))
    return Second.RECOVERY_CODE


def use_passkey(member: Member, answer: passkeys.Answer) -> Second:
    """Take what one of the person's passkeys has signed.

    Raises `InvalidPasskey`, `StaleCeremony` or `TooManyAttempts`.
    """
    count_try(member)
    passkeys.check_own(member, answer)
    return Second.PASSKEY


def count_try(member: Member) -> int:
    """Gives how many there were of late. Raises `TooManyAttempts`. Called before anything was
    written.
    """
    return attempts.reserve(f"user:{member.user_id}", (TRIES_PER_PERSON, _subject(member)))


def forget_tries(member: Member) -> None:
    """Start over, after a try that succeeded."""
    attempts.forget(_subject(member))


def _subject(member: Member) -> str:
    return attempts.subject_of(member, "factor")
