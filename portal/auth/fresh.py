"""Whether somebody's last proof is young enough for what they are about to do."""

from portal.access.decision import Member
from portal.audit.actor import Actor
from portal.auth.assurance import Act, StepUpNeeded, is_fresh
from portal.core import clock


def require_fresh(actor: Actor, act: Act) -> None:
    """Raises `StepUpNeeded` where a person's last proof is too old for this kind of act."""
    if isinstance(actor, Member) and not is_fresh(actor.proved_at, act, clock.now()):
        raise StepUpNeeded
