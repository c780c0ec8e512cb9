"""Copying several documents, a few seconds of it at a time.

A request copies what it comes to and then answers how far it is, with a form that goes on: by a
script at once, by a button without. So no request is long, everybody sees how far it is, and
nothing goes on behind the back of somebody who left. Each copy is committed by itself: what breaks
off leaves whole copies and no half one.
"""

from dataclasses import dataclass, field
from time import monotonic

from flask import flash, g, render_template
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.core.errors import PortalError
from portal.documents.copying import copy_document
from portal.documents.many import list_chosen
from portal.web.access import requires
from portal.web.documents.forms import CopyManyForm
from portal.web.documents.naming import in_words
from portal.web.documents.outcomes import Outcome
from portal.web.documents.routes.blueprint import blueprint
from portal.web.lifecycle import keep, refuse, shown_status
from portal.web.places import choose_place, redirect_to_folder

STEP_SECONDS = 3.0


@dataclass(slots=True)
class Progress:
    """What waits to be copied, how many were, and what was not."""

    waiting: list[str]
    copied: int = 0
    refused: list[Outcome] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many were tried."""
        return self.copied + len(self.refused)

    @property
    def total(self) -> int:
        """How many were chosen."""
        return self.done + len(self.waiting)


@blueprint.post("/many/copy")
@requires(Permission.DOCUMENT_UPLOAD)
def copy_many() -> ResponseReturnValue:
    """Put copies of what was chosen into a folder, each by itself; a page tells what was not."""
    form = CopyManyForm()
    things = form.things.data or []
    is_valid = form.validate_on_submit()
    chosen = () if form.goes_on and is_valid else list_chosen(g.actor, things)
    if form.folder.is_asked:
        return choose_place(form.folder, what=f"To copy {in_words(chosen)}.")
    if not is_valid:
        page = render_template("documents/copy_many.html", form=form, chosen=chosen)
        return page, shown_status(form)
    progress = Progress(list(things), form.copied.data or 0, form.outcomes)
    _go_on(progress, form)
    return _answer(progress, form)


def _go_on(progress: Progress, form: CopyManyForm) -> None:
    began = monotonic()
    while progress.waiting:
        outcome = _copy(progress.waiting.pop(0), form)
        if outcome.document_id:
            progress.copied += 1
        else:
            progress.refused.append(outcome)
        if monotonic() - began >= STEP_SECONDS:
            return


def _copy(thing: str, form: CopyManyForm) -> Outcome:
    """Copy one document, which is kept whatever becomes of the others.

    A step that is sent again comes to what it has copied, and goes on behind it.
    """
    name = "Something"
    try:
        [one] = list_chosen(g.actor, [thing])
        name = one.name
        if one.is_folder:
            return Outcome(name, refusal="A folder is not copied. Choose the documents in it.")
        made = copy_document(g.actor, one.id, form.folder.folder_id, form.page_id)
        keep()
    except PortalError as error:
        refuse(error)
        return Outcome(name, refusal=str(error))
    return Outcome(made.name, made.id)


def _answer(progress: Progress, form: CopyManyForm) -> ResponseReturnValue:
    folder_id = form.folder.folder_id
    if progress.waiting:
        return render_template(
            "documents/copying.html", progress=progress, folder_id=folder_id, page_id=form.page_id
        )
    if not progress.refused:
        count = progress.copied
        flash("1 item is copied." if count == 1 else f"{count} items are copied.", "success")
        return redirect_to_folder(folder_id)
    page = render_template("documents/copied.html", progress=progress, folder_id=folder_id)
    return page, 200 if progress.copied else 422
