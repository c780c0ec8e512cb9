"""Making single sign-on the only way in, and allowing other ways again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.access.decision import Member, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act, Factor
from portal.auth.fresh import require_fresh
from portal.auth.live_sessions import read_again
from portal.auth.policy.limits import end_fallen_sessions
from portal.auth.policy.models import SignInPolicy
from portal.auth.policy.queries import find_choices, get_policy
from portal.auth.sso.break_glass import count_codes, forget_codes, list_admins, make_codes
from portal.auth.sso.models import ExternalIdentity
from portal.auth.sso.queries import has_working_provider
from portal.core import clock
from portal.core.errors import Conflict
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Outlook:
    """What enforcing would mean, and how it stands."""

    is_enforced: bool
    is_possible: bool
    admins: int
    linked_admins: int
    codes_left: int


def look_ahead(member: Member) -> Outlook:
    """How enforcing stands. Raises `Forbidden`."""
    require(member, Permission.SSO_EDIT)
    admins = [admin.id for admin in list_admins()]
    linked = db.session.execute(
        select(func.count(ExternalIdentity.user_id.distinct())).where(
            ExternalIdentity.user_id.in_(admins)
        )
    ).scalar_one()
    return Outlook(
        is_enforced=get_policy().is_sso_only,
        is_possible=has_working_provider(),
        admins=len(admins),
        linked_admins=linked,
        codes_left=count_codes(),
    )


def enforce_sso(member: Member) -> Sequence[str]:
    """Let nobody in but by single sign-on; gives the break-glass codes, to be shown once.

    Sessions that were opened another way end with it, for good. Who broke glass may not: that
    takes the right to decide how members sign in. Raises `Forbidden`, `Conflict` or
    `StepUpNeeded`.
    """
    require(member, Permission.SSO_EDIT)
    require(member, Permission.POLICY_EDIT)
    require_fresh(member, Act.SSO)
    codes = make_codes(member)
    actor = read_again(member)  # making codes took long
    require(actor, Permission.POLICY_EDIT)
    if not has_working_provider():
        raise Conflict("Offer a provider first, after a test sign-in that worked.")
    choices = _choices()
    if choices.is_sso_only:
        raise Conflict("Single sign-on is the only way in already.")
    ended = _set_sso_only(choices, True, actor)
    record(actor, Action.SSO_ENFORCED, "organisation", ended_sessions=ended)
    return codes


def release_sso(actor: Actor) -> None:
    """Allow other ways in again; the break-glass codes are no good any more.

    Raises `Forbidden`, `Conflict` or `StepUpNeeded`.
    """
    require(actor, Permission.SSO_EDIT)
    require_fresh(actor, Act.SSO)
    choices = find_choices()
    if choices is None or not choices.is_sso_only:
        raise Conflict("Other ways in are allowed already.")
    _set_sso_only(choices, False, actor)
    forget_codes()
    record(actor, Action.SSO_RELEASED, "organisation")


def _set_sso_only(choices: SignInPolicy, is_sso_only: bool, actor: Actor) -> int:
    """Gives the number of sessions that end by it."""
    end_fallen_sessions()  # also whoever signed in while it was being enforced
    choices.is_sso_only = is_sso_only
    choices.changed_at, choices.changed_by = clock.now(), actor.user_id
    return end_fallen_sessions()


def _choices() -> SignInPolicy:
    """The tenant's row, made with what holds without one."""
    choices = find_choices()
    if choices is None:
        policy, tenant_id = get_policy(), bound_tenant_id()
        choices = SignInPolicy(
            id=tenant_id,
            factors=sorted(Factor),
            idle_minutes=policy.idle_minutes,
            absolute_hours=policy.absolute_hours,
            password_min_length=policy.password_min_length,
            is_sso_only=False,
        )
        db.session.add(choices)
    return choices
