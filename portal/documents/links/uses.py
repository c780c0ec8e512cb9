"""Telling what was done by a link: the audit log, and whoever looks after the link."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import RecordedRefusal, record
from portal.documents.links.kinds import Deed
from portal.documents.links.models import LinkUse, SharingLink
from portal.tenancy.session import db


def as_link(origin: Actor, link_id: UUID) -> Actor:
    """Whoever came from `origin`, acting by a link: nobody the portal knows more of."""
    return replace(
        Actor(kind=ActorKind.LINK, link_id=link_id),
        address=origin.address,
        request_id=origin.request_id,
    )


def note_use(
    actor: Actor,
    link_id: UUID,
    deed: Deed,
    *,
    document_id: UUID | None = None,
    who: str = "",
    reason: str = "",
    file_name: str = "",
) -> None:
    """Have the link's maker see this. The entry in the log is the caller's."""
    use = LinkUse(
        link_id=link_id,
        deed=deed,
        document_id=document_id,
        address=actor.address,
        who=who,
        reason=reason,
    )
    if file_name:
        use.file_name = file_name
    db.session.add(use)


class LinkRefused(RecordedRefusal):
    """Somebody who holds a link was refused something; its maker is shown it as well."""

    status = 403
    message = "This link does not let you do this."
    action = Action.LINK_REFUSED

    def __init__(self, link_id: UUID, reason: str, message: str = "", *, who: str = "") -> None:
        super().__init__(f"link:{link_id}", message or None, reason=reason)
        self.link_id, self.reason, self.who = link_id, reason, who

    def record(self, actor: Actor) -> None:
        """Add the entry, and the line for the maker."""
        record_refusal(actor, self.link_id, self.reason, who=self.who)


def record_refusal(
    origin: Actor, link_id: UUID, reason: str, *, who: str = "", file_name: str = ""
) -> None:
    """Tell of something that was refused to whoever holds a link, in the name of the link.

    The link may be destroyed by now; then the log alone tells of it.
    """
    actor = as_link(origin, link_id)
    record(actor, Action.LINK_REFUSED, f"link:{link_id}", Outcome.REFUSED, reason=reason)
    there = select(SharingLink.id).where(SharingLink.id == link_id)
    if db.session.scalar(there.with_for_update(read=True, key_share=True)):
        note_use(actor, link_id, Deed.REFUSED, who=who, reason=reason, file_name=file_name)
