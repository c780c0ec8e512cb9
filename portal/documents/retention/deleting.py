"""Which rules delete something, and where: whoever moves a thing may bring it under one."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_, select

from portal.documents.retention.models import RetentionRule
from portal.tenancy.session import db


def list_deleting() -> Collection[tuple[UUID, UUID | None]]:
    """The rules that delete documents or older versions of them, each with its folder."""
    deletes = or_(RetentionRule.delete_days.is_not(None), RetentionRule.prune_days.is_not(None))
    rows = db.session.execute(select(RetentionRule.id, RetentionRule.folder_id).where(deletes))
    return [(rule_id, folder_id) for rule_id, folder_id in rows]
