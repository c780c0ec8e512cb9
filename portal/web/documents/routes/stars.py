"""What somebody starred, and what they had to do with lately."""

from uuid import UUID

from flask import g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.access.permissions import Permission
from portal.documents import stars
from portal.documents.recent import list_recent
from portal.web.access import requires
from portal.web.documents.paging import before
from portal.web.documents.returning import came_from
from portal.web.documents.routes.blueprint import blueprint


@blueprint.get("/starred")
@requires(Permission.DOCUMENT_READ)
def starred() -> ResponseReturnValue:
    """What the reader has starred."""
    found = stars.list_starred(g.actor, before())
    return render_template("documents/starred.html", found=found)


@blueprint.get("/recent")
@requires(Permission.DOCUMENT_READ)
def recent() -> ResponseReturnValue:
    """What the reader opened or changed lately."""
    return render_template("documents/recent.html", found=list_recent(g.actor, before()))


@blueprint.post("/<uuid:document_id>/star")
@requires(Permission.DOCUMENT_READ)
def star(document_id: UUID) -> ResponseReturnValue:
    """Star a document."""
    stars.star_document(g.actor, document_id)
    return _back(document_id)


@blueprint.post("/<uuid:document_id>/unstar")
@requires(Permission.DOCUMENT_READ)
def unstar(document_id: UUID) -> ResponseReturnValue:
    """Take one's star from a document."""
    stars.unstar_document(g.actor, document_id)
    return _back(document_id)


def _back(document_id: UUID) -> ResponseReturnValue:
    page = came_from(document_id)
    return redirect(page or url_for("documents.show", document_id=document_id))
