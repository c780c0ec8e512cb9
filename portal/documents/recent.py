"""What somebody opened or changed lately, as far as they may still read it.

It is read off what the audit log tells of them (docs/decisions/0023): nothing else is kept of it.
"""

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.queries import list_own_targets
from portal.core.ids import ids_named
from portal.documents.gathered import Gathered, gather
from portal.documents.rows import Cursor

COUNTED = frozenset(
    {
        Action.DOCUMENT_COMPARED,
        Action.DOCUMENT_COPIED,
        Action.DOCUMENT_DOWNLOADED,
        Action.DOCUMENT_MOVED,
        Action.DOCUMENT_PREVIEWED,
        Action.DOCUMENT_RENAMED,
        Action.DOCUMENT_RESTORED,
        Action.DOCUMENT_UPLOADED,
        Action.VERSION_NOTED,
        Action.VERSION_RESTORED,
        Action.VERSION_UPLOADED,
    }
)


def list_recent(actor: Actor, before: Cursor | None = None) -> Gathered:
    """A page of the documents that the actor opened or changed, the latest first."""
    latest = list_own_targets(actor, COUNTED)
    times = {i: at for target, at in latest.items() for i in ids_named("document", [target])}
    return gather(actor, times, before)
