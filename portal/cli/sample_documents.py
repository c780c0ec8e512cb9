"""The folders and documents of sample organisations."""

import io
from uuid import UUID

from portal.access.decision import Member
from portal.access.permissions import Permission
from portal.documents.choosing import Spot, list_level
from portal.documents.folders import create_folder
from portal.documents.queries import list_folder
from portal.documents.uploads import upload_document
from portal.tenancy.session import db


def add_document(member: Member, path: str, name: str, text: str) -> None:
    """Upload a document as `member`, and make the folders of its path, unless it is there."""
    folder_id = _ensure_folder(member, path)
    if name in (document.name for document in list_folder(member, folder_id).documents):
        return
    db.session.commit()
    content = text.encode()
    upload_document(member, folder_id, name, io.BytesIO(content), announced_bytes=len(content))


def _ensure_folder(member: Member, path: str) -> UUID | None:
    if not path:
        return None
    above, _, name = path.rpartition("/")
    parent_id = _ensure_folder(member, above)
    there = _folders_in(member, parent_id)
    if name in there:
        return there[name]
    folder = create_folder(member, parent_id, name)
    db.session.flush()
    return folder.id


def find_folder(
    member: Member, path: str, permission: Permission = Permission.DOCUMENT_READ
) -> UUID | None:
    """The folder at a path of names, down the tree that is shown to whoever holds `permission`."""
    found: UUID | None = None
    for name in path.split("/"):
        found = _folders_in(member, found, permission)[name]
    return found


def _folders_in(
    member: Member, folder_id: UUID | None, permission: Permission = Permission.DOCUMENT_READ
) -> dict[str, UUID]:
    level = list_level(member, permission, Spot(folder_id))
    return {folder.name: folder.id for folder in level.folders}
