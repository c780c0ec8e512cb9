"""What is gone for good as far as anybody can see: its time in the trash is over.

Whether it is destroyed by now is another matter, and nothing that people are shown depends on it.
"""

from datetime import datetime

from sqlalchemy import CTE, ColumnElement, or_, select

from portal.documents.models import Document, Folder
from portal.documents.places import subtree_of


def gone_folders(now: datetime) -> CTE:
    """The ids of the folders that are gone, with all beneath them."""
    return subtree_of(select(Folder.id).where(Folder.purge_at <= now), "gone")


def is_gone(now: datetime) -> ColumnElement[bool]:
    """Whether a document is gone, by itself or with a folder."""
    within = Document.folder_id.in_(select(gone_folders(now).c.id))
    return or_(Document.purge_at <= now, within)
