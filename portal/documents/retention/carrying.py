"""What is moved out from under a hold or a rule that keeps it stays kept.

Else whoever may move documents could take them away from under it. The folder or document that is
moved becomes an anchor of its own: of the hold, and of every rule that keeps, as far as it keeps.
In a folder that was moved, that is also true of what comes into it later: rather too much is kept
than too little. Nothing of it shows to who moves.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, or_, select

from portal.documents.places import Place
from portal.documents.retention.models import Anchor, AnchorKind, LegalHold, RetentionRule
from portal.tenancy.session import db


def carry_along(kind: AnchorKind, thing_id: UUID, source: Place, destination: Place) -> None:
    """Fasten all that keeps a thing where it lies to the thing itself, as far as it leaves that.

    Whoever calls holds `share_retention`, from before they read where the thing lies.
    """
    above = {folder.id for folder in source.folders} - {thing_id}
    left = above - {folder.id for folder in destination.folders}
    if not left:
        return
    for hold_id in db.session.scalars(_holds_on(left, thing_id)):
        db.session.add(Anchor(hold_id=hold_id, kind=kind, thing_id=thing_id, is_carried=True))
    for rule_id in db.session.scalars(_rules_on(left, thing_id)):
        db.session.add(Anchor(rule_id=rule_id, kind=kind, thing_id=thing_id, is_carried=True))


def _holds_on(folder_ids: Collection[UUID], thing_id: UUID) -> Select[UUID]:
    """The live holds on these folders that are not on the thing already."""
    already = select(Anchor.hold_id).where(Anchor.thing_id == thing_id, Anchor.hold_id.is_not(None))
    return (
        select(LegalHold.id)
        .join(Anchor, Anchor.hold_id == LegalHold.id)
        .where(
            LegalHold.released_at.is_(None),
            Anchor.thing_id.in_(folder_ids),
            LegalHold.id.not_in(already),
        )
        .distinct()
    )


def _rules_on(folder_ids: Collection[UUID], thing_id: UUID) -> Select[UUID]:
    """The rules that keep what lies in these folders, or what was carried into them."""
    already, carried = (
        select(Anchor.rule_id).where(which, Anchor.rule_id.is_not(None))
        for which in (Anchor.thing_id == thing_id, Anchor.thing_id.in_(folder_ids))
    )
    return select(RetentionRule.id).where(
        RetentionRule.keep_days.is_not(None),
        or_(RetentionRule.folder_id.in_(folder_ids), RetentionRule.id.in_(carried)),
        RetentionRule.id.not_in(already),
    )
