"""Where a button was pressed, to be led back to."""

from uuid import UUID

from flask import flash, redirect
from flask.typing import ResponseReturnValue

from portal.documents.things import WrongChoice
from portal.web.errors import refused
from portal.web.lifecycle import refuse
from portal.web.request import request
from portal.web.urls import local_path


def came_from(document_id: UUID | None = None) -> str | None:
    """The list that a form names, at the row of a document; None where it names none."""
    path = local_path(request.form.get("back"))
    return f"{path}#document-{document_id}" if path and document_id else path


def choose_again(error: WrongChoice) -> ResponseReturnValue:
    """Back to the list, which says what is wrong: a page that says so would lead nowhere."""
    page = came_from()
    if page is None:
        return refused(error)
    refuse(error)
    flash(str(error), "warn")
    return redirect(page)
