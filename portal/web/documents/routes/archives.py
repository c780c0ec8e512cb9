"""Folders, and what was chosen in a list, as one file."""

from collections.abc import Iterator
from uuid import UUID

from flask import g
from flask.typing import ResponseReturnValue
from zipstream import ZipStream

from portal.access.permissions import Permission
from portal.documents.archives import Archive, Packed, begin_archive, open_packed
from portal.documents.downloads import require_still
from portal.web.access import discloses, requires, while_closing
from portal.web.documents import transfer
from portal.web.documents.forms import ManyForm
from portal.web.documents.routes.blueprint import blueprint
from portal.web.ongoing import opened_later
from portal.web.request import request


@blueprint.get("/folders/<uuid:folder_id>/archive")
@discloses
@requires(Permission.DOCUMENT_READ)
def archive(folder_id: UUID) -> ResponseReturnValue:
    """A folder with all in it as a ZIP, made as it goes out."""
    return _answer(begin_archive(g.actor, [f"folder:{folder_id}"]))


@blueprint.post("/many/download")
@while_closing
@requires(Permission.DOCUMENT_READ)
def download_many() -> ResponseReturnValue:
    """What was chosen as a ZIP, made as it goes out."""
    return _answer(begin_archive(g.actor, ManyForm().things.data or ()))


def _answer(begun: Archive) -> ResponseReturnValue:
    packing = _packing(begun)
    return transfer.send_archive(begun.name, len(packing), iter(packing), request)


def _packing(begun: Archive) -> ZipStream:
    """Stored, not compressed: so its length is known, and most documents are compressed already."""
    packing = ZipStream(sized=True)
    for path in begun.folders:
        packing.mkdir(path)
    for packed in begun.documents:
        packing.add(_content(packed), packed.path, size=packed.size_bytes)
    return packing


def _content(packed: Packed) -> Iterator[bytes]:
    return opened_later(
        f"document:{packed.document_id}",
        lambda actor: open_packed(actor, packed),
        lambda actor: require_still(actor, packed.document_id),
    )
