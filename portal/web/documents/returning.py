"""Where a button was pressed, to be led back to."""

from uuid import UUID

from portal.web.request import request
from portal.web.urls import local_path


def came_from(document_id: UUID | None = None) -> str | None:
    """The list that a form names, at the row of a document; None where it names none."""
    path = local_path(request.form.get("back"))
    return f"{path}#document-{document_id}" if path and document_id else path
