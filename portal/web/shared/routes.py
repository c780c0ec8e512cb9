"""What strangers see by a sharing link. No page here shows the portal's navigation.

The secret stands in the fragment of the address, which no browser sends: a script puts it into the
form of the first page, and whoever runs no scripts pastes the address (docs/decisions/0013).
"""

from collections.abc import Iterator
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.core.errors import Invalid
from portal.documents.links import codes, giving, visits
from portal.documents.links.kinds import Kind
from portal.documents.links.pictures import is_shown
from portal.documents.links.visits import Step, Visit
from portal.documents.previews import MOST_PAGES
from portal.web.access import by_link, discloses, public, reads_form
from portal.web.documents import transfer
from portal.web.documents.paging import after, page_at
from portal.web.lifecycle import refuse, shown_on, shown_status
from portal.web.limits import limited, limited_gets
from portal.web.ongoing import while_allowed
from portal.web.request import request
from portal.web.shared.forms import CodeForm, EmailForm, OpenForm, PasswordForm
from portal.web.shared.sending import Received, receive_all
from portal.web.shared.visiting import hold, present_visit
from portal.web.streamed_form import StreamedForm

blueprint = Blueprint("shared", __name__, url_prefix="/shared")


@blueprint.after_request
def _not_for_search_engines(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@blueprint.route("", methods=["GET", "POST"])
@limited
@public
def open_link() -> ResponseReturnValue:
    """Begin a visit by the address of a link."""
    form = OpenForm()
    if form.validate_on_submit():
        with shown_on(form):
            link_id, token = visits.open_link(g.actor, form.secret)
            response = make_response(redirect(url_for("shared.show", link_id=link_id)))
            return hold(response, link_id, token)
    return render_template("shared/open.html", form=form), shown_status(form)


@blueprint.get("/<uuid:link_id>")
@limited_gets
@by_link
def show(link_id: UUID) -> ResponseReturnValue:
    """What the visit still owes, or what the link leads to."""
    visit = present_visit(link_id)
    if visit.step == Step.PASSWORD:
        return render_template("shared/password.html", visit=visit, form=PasswordForm())
    if visit.step == Step.EMAIL:
        return render_template("shared/email.html", visit=visit, form=EmailForm())
    if visit.step != Step.INSIDE:
        return render_template("shared/enter.html", visit=visit)
    return _inside(visit)


@blueprint.route("/<uuid:link_id>/password", methods=["GET", "POST"])
@limited
@limited_gets
@by_link
def password(link_id: UUID) -> ResponseReturnValue:
    """Give the link's password."""
    visit, form = present_visit(link_id), PasswordForm()
    if not form.is_submitted():
        return _onward(link_id)
    if form.validate_on_submit():
        with shown_on(form):
            visits.give_password(visit, str(form.password.data))
            return redirect(url_for("shared.show", link_id=link_id))
    return render_template("shared/password.html", visit=visit, form=form), shown_status(form)


@blueprint.route("/<uuid:link_id>/codes", methods=["GET", "POST"])
@limited
@limited_gets
@by_link
def ask_code(link_id: UUID) -> ResponseReturnValue:
    """Have a code mailed; the answer is the same for every address."""
    visit, form = present_visit(link_id), EmailForm()
    if not form.is_submitted():
        return _onward(link_id)
    if form.validate_on_submit():
        with shown_on(form):
            codes.ask_code(visit, str(form.email.data))
            code_form = CodeForm(formdata=None, email=form.email.data)
            return render_template("shared/code.html", visit=visit, form=code_form)
    return render_template("shared/email.html", visit=visit, form=form), shown_status(form)


@blueprint.route("/<uuid:link_id>/code", methods=["GET", "POST"])
@limited
@limited_gets
@by_link
def give_code(link_id: UUID) -> ResponseReturnValue:
    """Give a code that was mailed."""
    visit, form = present_visit(link_id), CodeForm()
    if not form.is_submitted():
        return _onward(link_id)
    if form.validate_on_submit():
        with shown_on(form):
            codes.give_code(visit, str(form.email.data), str(form.code.data))
            return redirect(url_for("shared.show", link_id=link_id))
    return render_template("shared/code.html", visit=visit, form=form), shown_status(form)


@blueprint.post("/<uuid:link_id>/enter")
@limited
@by_link
def enter(link_id: UUID) -> ResponseReturnValue:
    """Come in, where nothing more is to be given: what members do once they are signed in."""
    visits.go_on(present_visit(link_id))
    return redirect(url_for("shared.show", link_id=link_id))


def _onward(link_id: UUID) -> ResponseReturnValue:
    """For who asks by its address for a page that came in answer to a form: what is owed now."""
    return redirect(url_for("shared.show", link_id=link_id))


@blueprint.get("/<uuid:link_id>/folders/<uuid:folder_id>")
@limited_gets
@by_link
def folder(link_id: UUID, folder_id: UUID) -> ResponseReturnValue:
    """A folder beneath the one that is shared."""
    return _folder(present_visit(link_id), folder_id)


@blueprint.get("/<uuid:link_id>/documents/<uuid:document_id>")
@limited_gets
@by_link
def document(link_id: UUID, document_id: UUID) -> ResponseReturnValue:
    """A document: to be downloaded, or looked at page by page."""
    return _document(present_visit(link_id), document_id)


@blueprint.get("/<uuid:link_id>/documents/<uuid:document_id>/download")
@limited_gets
@discloses
@by_link
def download(link_id: UUID, document_id: UUID) -> ResponseReturnValue:
    """A content, whole or the range that is asked for, as long as the link gives it.

    Where downloads are counted there are no ranges: a part would count as much as the whole, and
    two parts are the whole.
    """
    visit = present_visit(link_id)
    is_counted = visit.link.max_uses is not None
    opened = giving.open_shared(visit, document_id, is_given=request.method != "HEAD")

    def watched(pieces: Iterator[bytes]) -> Iterator[bytes]:
        return while_allowed(
            pieces,
            f"document:{document_id}",
            lambda actor: giving.require_still(actor, link_id, document_id),
        )

    return transfer.send(opened, request, watched, is_whole=is_counted)


@blueprint.get("/<uuid:link_id>/documents/<uuid:document_id>/picture")
@limited_gets
@discloses
@by_link
def picture(link_id: UUID, document_id: UUID) -> ResponseReturnValue:
    """One page as a picture, in which it stands who was shown it."""
    visit, page = present_visit(link_id), request.page
    drawn = giving.draw_shared(visit, document_id, min(max(1, page), MOST_PAGES))
    return Response(drawn, mimetype="image/webp")


@blueprint.post("/<uuid:link_id>/files")
@limited
@reads_form
@by_link
def send(link_id: UUID) -> ResponseReturnValue:
    """Send files in: each is taken as it arrives, or refused by itself; a page tells which."""
    form, visit = StreamedForm(), present_visit(link_id)
    try:
        received = receive_all(visit, form)
    except Invalid as error:  # of whoever sends them
        refuse(error)
        return _send_page(visit, form, error=str(error)), error.status
    if not received.outcomes:
        return _send_page(visit, form, error="Choose a file."), HTTPStatus.BAD_REQUEST
    if received.refused or received.is_cut:
        return _send_page(visit, form, received), received.status
    flash(f"Thank you. {_counted(len(received.outcomes))} arrived.", "success")
    return redirect(url_for("shared.show", link_id=link_id))


def _send_page(
    visit: Visit,
    form: StreamedForm | None = None,
    received: Received | None = None,
    error: str = "",
) -> str:
    return render_template(
        "shared/send.html",
        visit=visit,
        sender=form.fields.get("sender", "") if form else "",
        received=received or Received(),
        error=error,
    )


def _counted(arrived: int) -> str:
    return "Your file has" if arrived == 1 else f"{arrived} files have"


def _inside(visit: Visit) -> ResponseReturnValue:
    if visit.link.document_id is not None:
        return _document(visit, visit.link.document_id)
    if visit.link.kind == Kind.REQUEST:
        return _send_page(visit)
    return _folder(visit, None)


def _folder(visit: Visit, folder_id: UUID | None) -> ResponseReturnValue:
    behind = after()
    listing = giving.list_shared(visit, folder_id, behind)
    return render_template(
        "shared/folder.html",
        visit=visit,
        listing=listing,
        is_shown=is_shown,
        first=page_at(None) if behind else "",
        further=page_at(listing.further) if listing.further else "",
    )


def _document(visit: Visit, document_id: UUID) -> ResponseReturnValue:
    given = giving.describe_shared(visit, document_id)
    page = min(max(1, request.page), max(1, given.page_count))
    return render_template("shared/document.html", visit=visit, given=given, page=page)
