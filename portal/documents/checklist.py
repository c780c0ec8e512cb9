"""The security checklist: what an organisation should see to, and whether it has."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from portal.access.decision import require
from portal.access.last_admin import list_lasting_admins
from portal.access.people import list_people_with
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.auth.assurance import Audience
from portal.auth.factors.queries import count_recovery_codes
from portal.auth.factors.recovery import FEW
from portal.auth.policy.queries import get_policy
from portal.auth.sso.queries import has_tested_provider
from portal.documents.retention.facts import list_rules


class Step(StrEnum):
    """What there is to see to, the most urgent first."""

    SECOND_FACTOR = "second-factor"
    RECOVERY_CODES = "recovery-codes"
    SECOND_ADMIN = "second-admin"
    OVERSIGHT = "oversight"
    SINGLE_SIGN_ON = "single-sign-on"
    RETENTION = "retention"


# Without these the organisation is open to a stolen password, or one mishap from losing its admin.
URGENT = (Step.SECOND_FACTOR, Step.RECOVERY_CODES, Step.SECOND_ADMIN)


def list_steps(actor: Actor) -> Mapping[Step, bool]:
    """Every step, and whether it is done; of recovery codes, the actor's own count. Raises
    `Forbidden`.
    """
    require(actor, Permission.POLICY_EDIT)
    return {step: is_done(actor) for step, is_done in _IS_DONE.items()}


def is_urgent(actor: Actor) -> bool:
    """Whether a step that can't wait is not done. Raises `Forbidden`."""
    require(actor, Permission.POLICY_EDIT)
    return not all(_IS_DONE[step](actor) for step in URGENT)


def _has_codes(actor: Actor) -> bool:
    """Where a provider is the only way in, its own recovery counts."""
    return count_recovery_codes(actor.user_id) > FEW or get_policy().is_sso_only


_IS_DONE: Mapping[Step, Callable[[Actor], bool]] = {
    Step.SECOND_FACTOR: lambda _: get_policy().mfa_for != Audience.NOBODY,
    Step.RECOVERY_CODES: _has_codes,
    Step.SECOND_ADMIN: lambda _: len(set(list_lasting_admins())) > 1,
    Step.OVERSIGHT: lambda _: bool(list_people_with(Permission.AUDIT_READ)),
    Step.SINGLE_SIGN_ON: lambda _: has_tested_provider(),
    Step.RETENTION: lambda _: bool(list_rules()),
}
